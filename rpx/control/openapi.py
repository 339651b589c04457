"""The control API described in OpenAPI 3.1: made from its operations and the types they give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, Final

from pydantic import TypeAdapter

from rpx.control.operations import Operation, Query
from rpx.control.streams import NDJSON

Json = dict[str, Any]
IN_PATH: Final[Json] = {"in": "path", "required": True, "schema": {"type": "string"}}
_NAMED: Final = re.compile(r"\{([a-z]+)\}")
COMPONENTS: Final = "#/components/schemas/{model}"


@dataclass(frozen=True, slots=True)
class OneMistake:
    """One thing that is wrong; each part may be empty."""

    what: str
    where: str
    excerpt: str
    hint: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, what to do, and the exit code that a command ends with."""

    what: str
    hint: str
    exit_code: int
    problems: tuple[OneMistake, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to what can't be done."""

    error: Mistake


def document(operations: Sequence[Operation]) -> Json:
    """The whole description, in the order of the operations."""
    schemas: Json = {}
    paths: Json = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, schemas)
    refusal = _schema(Refusal, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "rpx control API",
            "version": "1",
            "description": "What a running project answers on its unix socket.",
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": {
                "Refusal": {
                    "description": "It was not done, for the reason that is given.",
                    "content": {"application/json": {"schema": refusal}},
                }
            },
        },
    }


def _operation(operation: Operation, schemas: Json) -> Json:
    described: Json = {
        "summary": operation.says,
        "operationId": _identifier(operation),
        "parameters": [
            *({**IN_PATH, "name": name} for name in _NAMED.findall(operation.path)),
            *(_parameter(query) for query in operation.query),
        ],
    }
    if operation.body is not None:
        schema = _schema(operation.body, schemas)
        described["requestBody"] = {
            "required": not operation.may_be_empty,
            "content": {"application/json": {"schema": schema}},
        }
    described["responses"] = {
        "200": {"description": "Done.", "content": dict(_content(operation, schemas))},
        "default": {"$ref": "#/components/responses/Refusal"},
    }
    return described


def _identifier(operation: Operation) -> str:
    """`getWhyUrl`, for those who generate clients."""
    words = operation.path.removeprefix("/v1/").replace("/", "-").strip("-").split("-")
    path = "".join(word.strip("{}").capitalize() for word in words)
    return f"{operation.method.lower()}{path}"


def _parameter(query: Query) -> Json:
    schema: Json = {"type": query.kind}
    if query.kind in {"integer", "number"}:
        schema["minimum"] = 0
    if query.words:
        schema["enum"] = list(query.words)
    if query.repeated:
        schema = {"type": "array", "items": schema}
    return {
        "name": query.name,
        "in": "query",
        "required": query.required,
        "description": query.says,
        "schema": schema,
    }


def _content(operation: Operation, schemas: Json) -> Iterator[tuple[str, Json]]:
    if operation.text:
        yield operation.text, {"schema": {"type": "string"}}
    if operation.gives is not None:
        yield "application/json", {"schema": _schema(operation.gives, schemas)}
    if operation.lines:
        lines = [_schema(line, schemas) for line in operation.lines]
        each = lines[0] if len(lines) == 1 else {"oneOf": lines}
        yield NDJSON, {"schema": {**each, "description": "One object on each line."}}


def _schema(kind: Any, schemas: Json) -> Json:  # noqa: ANN401 - any type
    """The schema of a type; the named ones in it are added to `schemas`."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    found = adapter.json_schema(ref_template=COMPONENTS)
    schemas |= {name: _told(each) for name, each in found.pop("$defs", {}).items()}
    if "title" in found and found.get("type") == "object":
        name = found["title"]
        schemas[name] = _told(found)
        return {"$ref": COMPONENTS.format(model=name)}
    return found


def _told(schema: Json) -> Json:
    """With the docstring as Markdown takes it."""
    if "description" in schema:
        return {**schema, "description": cleandoc(schema["description"])}
    return schema
