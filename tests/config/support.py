"""What the stories of this folder begin with."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest
from ruamel.yaml.error import YAMLError

from rpx.config import config_from_mapping, load_config
from rpx.errors import ConfigError, Problem
from rpx.model.config import Config
from tests.support.schema import faults


class Written(NamedTuple):
    """A configuration that loaded, and what was said about it."""

    config: Config
    warnings: list[str]


def load(
    folder: Path, text: str, dotenv: str | None = None, environ: dict[str, str] | None = None
) -> Written:
    """Write rpx.yaml (and .env) into a folder and load it."""
    path = folder / "rpx.yaml"
    path.write_text(dedent(text), "utf-8")
    if dotenv is not None:
        (folder / ".env").write_text(dotenv, "utf-8")
    warnings: list[str] = []
    config = load_config(path, environ or {}, warnings.append)
    with suppress(YAMLError):  # some of what rpx reads is no YAML to others
        assert not faults(path.read_text("utf-8")), "the schema refuses what rpx takes"
    return Written(config, warnings)


def refused(folder: Path, text: str, dotenv: str | None = None) -> tuple[Problem, ...]:
    """What is wrong with a text."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, dotenv)
    return caught.value.problems


def describe(folder: Path, **settings: object) -> Config:
    """A configuration from Python."""
    return config_from_mapping(settings, root=folder, environ={})


def undescribable(folder: Path, **settings: object) -> tuple[Problem, ...]:
    """What is wrong with a configuration from Python."""
    with pytest.raises(ConfigError) as caught:
        describe(folder, **settings)
    return caught.value.problems
