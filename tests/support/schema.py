"""The JSON Schema of rpx.yaml beside files: what it has to say of a text."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from rpx.config.schema_file import schema_text


@cache
def validator() -> Any:  # noqa: ANN401 - jsonschema has no types
    """What checks against the schema of this rpx."""
    schema = json.loads(schema_text())
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def faults(text: str) -> list[str]:
    """What the schema refuses in a file, read as editors and check-jsonschema do: as YAML 1.2.

    Raises: YAMLError for what they can't read at all.
    """
    value = _with_text_keys(YAML(typ="safe").load(text))
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(value)]


def _with_text_keys(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _with_text_keys(each) for key, each in value.items()}
    return [_with_text_keys(each) for each in value] if isinstance(value, list) else value
