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
from rpx.model import own_settings
from rpx.model import route as routes
from rpx.model.container import Container, ImageBuild
from tests.config.kinds import kind_of

PAGE = Path(__file__).parents[2] / "docs/configuration.md"

_HEADING = re.compile(r"^#+ (.*)$")
_SPAN = re.compile(r"`([^`]+)`")
_CELL = re.compile(r" *\| *")


class Row(NamedTuple):
    """A line of a table: what stands below each of the titles, and the line itself."""

    cells: dict[str, str]
    line: str


class Table(NamedTuple):
    """A table by the heading that it stands below: the model, and the nouns that its settings are
    fields of.
    """

    model: type[Written]
    nouns: tuple[type[BaseModel], ...]


TABLES = {
    "The top level": Table(ProjectWritten, (nouns.Config,)),
    "A proxy": Table(ProxyWritten, (nouns.ProxyEntry, nouns.PoolSpec)),
    "from": Table(MODELS["from"], (nouns.Source,)),
    "listen": Table(MODELS["listen"], (own_settings.Listen,)),
    "https": Table(MODELS["https"], (nouns.Https,)),
    "timeouts": Table(MODELS["timeouts"], (own_settings.Timeouts,)),
    "limits": Table(MODELS["limits"], (own_settings.Limits,)),
    "metrics": Table(MODELS["metrics"], (own_settings.Metrics,)),
    "logs": Table(MODELS["logs"], (own_settings.Logs,)),
    "routes": Table(MODELS["routes"], (routes.Route,)),
    "static": Table(MODELS["static"], (routes.StaticFiles,)),
    "redirect": Table(MODELS["redirect"], (routes.Redirect,)),
    "respond": Table(MODELS["respond"], (routes.FixedAnswer,)),
    "headers": Table(MODELS["headers"], ()),
    "request and response": Table(MODELS["request"], ()),
    "cors": Table(MODELS["cors"], (routes.Cors,)),
    "auth": Table(MODELS["auth"], (routes.BasicAuth,)),
    "sticky": Table(MODELS["sticky"], (nouns.Sticky,)),
    "start": Table(StartWritten, (nouns.Start, Container)),
    "build": Table(MODELS["build"], (ImageBuild,)),
    "env_file": Table(MODELS["env_file"], ()),
    "ready": Table(MODELS["ready"], (nouns.Ready,)),
    "restart": Table(MODELS["restart"], (nouns.Restart,)),
    "health_check": Table(MODELS["health_check"], (nouns.HealthCheck,)),
    "defaults": Table(MODELS["defaults"], ()),
    "processes": Table(ProcessWritten, (nouns.Start, nouns.ProcessEntry)),
}
# What a table says of a default that is no value which could be written.
IN_WORDS = {
    "name",
    "realm",
    "http_port",
    "https_port",
    "env",
    "restart_on_unhealthy",
    "replicas",
    "required",
    "image",
    "args",
    "strip_prefix",
    "rewrite",
    "body",
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
    told = {table.model for table in TABLES.values()} | {MODELS["backoff"], DependencyWritten}
    assert set(MODELS.values()) <= told


@pytest.mark.parametrize(("heading", "rows"), [*tables()])
def test_a_table_has_a_row_for_each_setting(heading: str, rows: list[Row]) -> None:
    named = [name for row in rows for name in _SPAN.findall(row.cells["key"])]
    known = fields(TABLES[heading].model)
    lines = [
        f"| `{name}` | {kind_of(known[name])} | ? | {known[name].description} |"
        for name in known.keys() - named
    ]
    assert not lines, "\n".join(lines)
    assert sorted(named) == sorted(known)


@pytest.mark.parametrize(("heading", "rows"), [*tables()])
def test_a_table_has_the_types_and_the_words_of_the_models(heading: str, rows: list[Row]) -> None:
    known = fields(TABLES[heading].model)
    for row in rows:
        for name in _SPAN.findall(row.cells["key"]):
            field = known[name]
            assert row.cells.get("type", kind_of(field)) == kind_of(field), row.line
            words = row.cells.get("", row.cells.get("beyond it", field.description))
            assert words == (field.description or ""), row.line


@pytest.mark.parametrize(("heading", "rows"), [*tables()])
def test_a_table_has_the_defaults_of_the_nouns(heading: str, rows: list[Row]) -> None:
    table = TABLES[heading]
    known = fields(table.model)
    for row in rows:
        for name in _SPAN.findall(row.cells["key"]):
            cell = row.cells.get("default")
            if cell is None:
                continue
            assert cell.startswith("required") == known[name].is_required(), row.line
            if known[name].is_required() or name in IN_WORDS:
                continue
            if (default := default_of(name, table.nouns)) not in (None, ()):
                assert value(cell, known[name], default) == default, row.line
            else:
                assert "`" not in cell, row.line


def default_of(name: str, kinds: tuple[type[BaseModel], ...]) -> Any:  # noqa: ANN401
    """The default of a setting; None where it has none or is a mapping of its own."""
    if name.startswith("backoff."):
        name, kinds = name.removeprefix("backoff."), (nouns.Backoff,)
    found = next((kind.model_fields[name] for kind in kinds if name in kind.model_fields), None)
    default = found.default if found is not None and not found.is_required() else None
    plain = not isinstance(default, BaseModel) or name == "restart"
    return default if plain else None


def value(cell: str, field: FieldInfo, default: object) -> object:
    """What a cell means that begins with something that may be written."""
    written = _SPAN.match(cell)
    assert written, cell
    kind: Any = Annotated[(field.annotation, *field.metadata)]
    found = TypeAdapter(kind).validate_python(yaml.safe_load(written[1]))
    return type(default)(**found.written()) if isinstance(found, Written) else found
