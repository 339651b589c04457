"""The tables of docs/configuration.md beside the models: names, types, defaults and words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from rpx.config.settings.depends import DependencyWritten
from rpx.config.settings.places import MODELS
from rpx.config.settings.proxy import ProxyWritten
from rpx.config.settings.start_settings import ProcessWritten, StartWritten
from rpx.config.settings.top_level import ProjectWritten
from rpx.config.settings.written import Written
from rpx.model import config as nouns
from tests.config.kinds import kind_of

PAGE = Path(__file__).parents[2] / "docs/configuration.md"

_HEADING = re.compile(r"^#+ (.*)$")
_SPAN = re.compile(r"`([^`]+)`")
_CELL = re.compile(r" *\| *")


class Row(NamedTuple):
    """A line of a table: what stands below each of the titles, and the line itself."""

    cells: dict[str, str]
    line: str


# The model of a table, by the heading that it stands below.
TABLES: dict[str, type[Written]] = {
    "The top level": ProjectWritten,
    "A proxy": ProxyWritten,
    "from": MODELS["from"],
    "listen": MODELS["listen"],
    "https": MODELS["https"],
    "timeouts": MODELS["timeouts"],
    "limits": MODELS["limits"],
    "metrics": MODELS["metrics"],
    "requests": MODELS["requests"],
    "logs": MODELS["logs"],
    "routes": MODELS["routes"],
    "static": MODELS["static"],
    "redirect": MODELS["redirect"],
    "respond": MODELS["respond"],
    "headers": MODELS["headers"],
    "request and response": MODELS["request"],
    "cors": MODELS["cors"],
    "auth": MODELS["auth"],
    "sticky": MODELS["sticky"],
    "start": StartWritten,
    "build": MODELS["build"],
    "env_file": MODELS["env_file"],
    "ready": MODELS["ready"],
    "restart": MODELS["restart"],
    "health_check": MODELS["health_check"],
    "defaults": MODELS["defaults"],
    "processes": ProcessWritten,
}


def tables() -> Iterator[tuple[str, list[Row]]]:
    """The first table with a column `key` below each heading."""
    heading, titles = "", list[str]()
    rows: dict[str, list[Row]] = {}
    for line in PAGE.read_text().splitlines():
        if found := _HEADING.match(line):
            heading, titles = found[1], []
        elif line.startswith("|"):
            cells = _CELL.split(line.removeprefix("|").removesuffix("|").strip())
            if not titles:
                titles = cells
            elif titles[0] == "key" and not line.startswith("| ---"):
                rows.setdefault(heading, []).append(
                    Row(dict(zip(titles, cells, strict=True)), line)
                )
    yield from rows.items()


def fields(model: type[Written]) -> dict[str, FieldInfo]:
    """The settings of a table by name; those of a mapping within a mapping with both names."""
    found = {field.alias or name: field for name, field in model.model_fields.items()}
    if model is ProcessWritten:
        found = {name: found[name] for name in found if name not in StartWritten.model_fields}
    if model is MODELS["routes"]:  # what it has as a proxy has it, is told there
        of_a_proxy = {name: each.description for name, each in fields(ProxyWritten).items()}
        found = {
            name: each
            for name, each in found.items()
            if name == "name" or of_a_proxy.get(name) != each.description
        }
    if "backoff" in found:
        found |= {f"backoff.{name}": f for name, f in MODELS["backoff"].model_fields.items()}
    return found


def test_there_is_a_table_for_every_mapping_of_settings() -> None:
    assert {heading for heading, _ in tables()} == TABLES.keys()
    told = {*TABLES.values()} | {MODELS["backoff"], DependencyWritten}
    assert set(MODELS.values()) <= told


@pytest.mark.parametrize(("heading", "rows"), [*tables()])
def test_a_table_has_a_row_for_each_setting(heading: str, rows: list[Row]) -> None:
    named = [name for row in rows for name in _SPAN.findall(row.cells["key"])]
    known = fields(TABLES[heading])
    lines = [
        f"| `{name}` | {kind_of(known[name])} | ? | {known[name].description} |"
        for name in known.keys() - named
    ]
    assert not lines, "\n".join(lines)
    assert sorted(named) == sorted(known)


@pytest.mark.parametrize(("heading", "rows"), [*tables()])
def test_a_table_has_the_types_and_the_words_of_the_models(heading: str, rows: list[Row]) -> None:
    known = fields(TABLES[heading])
    for row in rows:
        for name in _SPAN.findall(row.cells["key"]):
            field = known[name]
            assert row.cells.get("type", kind_of(field)) == kind_of(field), row.line
            words = row.cells.get("", row.cells.get("beyond it", field.description))
            assert words == (field.description or ""), row.line


@pytest.mark.parametrize(("heading", "rows"), [*tables()])
def test_a_table_has_the_defaults_of_the_nouns(heading: str, rows: list[Row]) -> None:
    model = TABLES[heading]
    known = fields(model)
    for row in rows:
        for name in _SPAN.findall(row.cells["key"]):
            cell = row.cells.get("default")
            if cell is None:
                continue
            assert cell.startswith("required") == known[name].is_required(), row.line
            if known[name].is_required():
                continue
            if otherwise := otherwise_of(known[name]):
                assert cell == otherwise, row.line
            elif (default := default_of(name, model.nouns)) not in (None, (), "", {}):
                assert value(cell, known[name], default) == default, row.line
            else:
                assert cell in {"none", ""}, row.line


def otherwise_of(field: FieldInfo) -> str:
    """What holds where a setting isn't written, in words; "" where its noun says it."""
    extra = field.json_schema_extra
    return str(extra.get("otherwise", "")) if isinstance(extra, dict) else ""


def default_of(name: str, kinds: tuple[type[BaseModel], ...]) -> Any:  # noqa: ANN401
    """The default of a setting; None where it has none or is a mapping of its own."""
    if name.startswith("backoff."):
        name, kinds = name.removeprefix("backoff."), (nouns.Backoff,)
    found = next((kind.model_fields[name] for kind in kinds if name in kind.model_fields), None)
    if found is None or found.is_required():
        return None
    default = found.get_default(call_default_factory=True)
    plain = not isinstance(default, BaseModel) or name == "restart"
    return default if plain else None


def value(cell: str, field: FieldInfo, default: object) -> object:
    """What a cell means that begins with something that may be written."""
    written = _SPAN.match(cell)
    assert written, cell
    kind: Any = Annotated[(field.annotation, *field.metadata)]
    found = TypeAdapter(kind).validate_python(yaml.safe_load(written[1]))
    return type(default)(**found.written()) if isinstance(found, Written) else found
