"""The JSON Schema of rpx.yaml: it takes what rpx takes, and refuses what can't be an rpx.yaml."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ruamel.yaml.error import YAMLError

import rpx
from rpx.cli.main import group
from rpx.config import load_config, schema_file
from rpx.config.schema_file import renew_schema_file, schema_line, schema_text
from rpx.config.settings.places import MODELS, settings_of
from rpx.config.settings.proxy import ProxyWritten
from rpx.config.settings.written import Written
from rpx.errors import ConfigError
from rpx.model.suggest import camel
from tests.support.schema import faults
from tests.test_docs import EXAMPLE, PAGES, blocks

CONFIGS = Path(__file__).parents[2] / "fixtures" / "configs"
GOOD = sorted((CONFIGS / "good").glob("*.yaml"))
MAPPINGS: dict[type[Written], None] = dict.fromkeys([*MODELS.values(), ProxyWritten])
SCHEMA: dict[str, Any] = json.loads(schema_text())

# What is wrong with these is no matter of their structure: what they name isn't there, is there
# twice, or is at odds with something elsewhere.
BEYOND = {
    "both_spellings",
    "env_for_all",
    "folder_missing",
    "health_check_by_command",
    "own_port_as_backend",
    "own_port_twice",
    "pool_disagrees",
    "port_of_nobody",
    "port_started_twice",
    "ports_of_two",
    "route_names",
    "route_targets",
    "same_address_twice",
    "same_name_twice",
    "variable_malformed",
    "variable_required",
}
# And who reads YAML sees to these itself, or has them as they are written out.
BEYOND |= {"alias_bomb", "alias_of_itself", "nul_escape"}
STRUCTURAL = [path for path in sorted((CONFIGS / "bad").glob("*.yaml")) if path.stem not in BEYOND]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_is_taken(path: Path) -> None:
    assert faults(path.read_text()) == []


@pytest.mark.parametrize("path", STRUCTURAL, ids=lambda path: path.stem)
def test_a_file_of_another_structure_is_refused(path: Path) -> None:
    try:
        assert faults(path.read_text())
    except YAMLError:
        pass  # who reads YAML refuses it


def test_the_example_and_every_configuration_on_a_page_are_taken() -> None:
    texts = [EXAMPLE.read_text(), *(b for page in PAGES for b in blocks(page.read_text(), "yaml"))]
    assert len(texts) > 50
    refused = {text: found for text in texts if (found := faults(text))}
    assert refused == {}


def properties() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each mapping of the schema, a key in it, and what is said of that."""
    for place, mapping in (("", SCHEMA), *SCHEMA["definitions"].items()):
        for name, found in mapping["properties"].items():
            if "$ref" not in found:
                yield place, name, found


def test_every_setting_of_every_model_is_there_with_what_it_is_for() -> None:
    for place, name, found in properties():
        words = found["description"]
        assert len(words.split()) > 1 or "default" in found, f"{place}.{name}: {words}"
        assert not re.search(r"\]\(|see below|as of a proxy", words), f"{place}.{name}: {words}"
    for model in MAPPINGS:
        there = SCHEMA["definitions"][model.__name__.removesuffix("Written")]["properties"]
        assert set(there) == set(settings_of(model))


def test_what_is_no_value_is_nowhere_allowed_but_where_it_means_something() -> None:
    nullable = {name for _, name, found in properties() if '"null"' in json.dumps(found)}
    assert nullable == {"env", "args", "stdin", "cert", "key"} | {
        name for _, name, found in properties() if "null" in json.dumps(found.get("enum", ""))
    }
    assert faults("to: a.localhost\nfrom: 3000\nhold:\n")


def test_a_default_is_what_may_be_written() -> None:
    for place, name, found in properties():
        if "default" in found:
            assert not _refused(found, found["default"]), f"{place}.{name}"


def _refused(schema: dict[str, Any], value: object) -> bool:
    from jsonschema import Draft7Validator

    return not Draft7Validator({**schema, "definitions": SCHEMA["definitions"]}).is_valid(value)


@pytest.mark.parametrize(
    "at",
    [
        "{}",
        "listen:\n  {}",
        "defaults:\n  health_check:\n    {}",
        "proxies:\n- to: a.localhost\n  from: 3000\n  {}",
        "proxies:\n- to: a.localhost\n  from:\n  - address: 3000\n    {}",
        "proxies:\n- to: a.localhost\n  routes:\n  - respond: ok\n    {}",
        "processes:\n  a:\n    command: x\n    {}",
        "processes:\n  a:\n    command: x\n    depends_on:\n      b:\n        {}",
    ],
)
def test_a_shelf_of_ones_own_may_stand_wherever_settings_do(at: str) -> None:
    rest = "" if "pro" in at else "\nto: b.localhost\nfrom: 3001"
    assert faults(at.format("x-mine: [1, {a: b}]") + rest) == []
    assert faults(at.format("mine: 1") + rest) != []


def test_the_other_spelling_is_taken_everywhere_and_offered_nowhere() -> None:
    for place, mapping in (("", SCHEMA), *SCHEMA["definitions"].items()):
        names = {name for name in mapping["properties"] if camel(name) != name}
        spelled = {pattern.strip("^$") for pattern in mapping.get("patternProperties", {})}
        if mapping["additionalProperties"] is False:
            assert {camel(name) for name in names} == spelled - {"x-"}, place
        assert not any(re.search("[A-Z]", name) for name in mapping["properties"])
    text = "to: a.localhost\nfrom: 3000\nhealthCheck: {unhealthyThreshold: 3}\n"
    assert faults(text) == []
    assert faults(text.replace("3}", "0}")) != []


# A value that each setting may have, for rules about which go together.
VALUES = {
    "from": "3000",
    "start": "./x",
    "static": ".",
    "redirect": "/x",
    "respond": "ok",
    "routes": "[{path: /r, respond: ok}]",
    "proxy": "other",
    "replicas": "2",
    "strip_prefix": "/x",
    "rewrite": "/y",
    "address": "3000",
    "url": "http://localhost:3000",
    "log": "up",
    "tcp": "5432",
    "http": "http://localhost:3000/",
    "command": "./x",
    "delay": "1s",
    "path": "/x",
    "grpc": "true",
    "body": "x",
    "json": "{}",
}
AROUND = {
    "ProxyWritten": "proxies:\n- to: a.localhost\n  {}\n",
    "RouteWritten": "proxies:\n- {{to: o.localhost, name: other, from: 1}}\n"
    "- to: a.localhost\n  routes:\n  - path: /x/*\n    {}\n",
    "SourceWritten": "proxies:\n- to: a.localhost\n  from:\n  - {}\n",
    "ReadyWritten": "processes:\n  a:\n    command: x\n    ready:\n      {}\n",
    "HealthCheckWritten": "proxies:\n- to: a.localhost\n  start: x\n  health_check:\n    {}\n",
    "RespondWritten": "proxies:\n- to: a.localhost\n  respond:\n    {}\n",
}
PAIRS = [
    (model.__name__, one, other)
    for model in MAPPINGS
    for group_ in model.apart
    for one in group_
    for other in group_
    if one < other
]


@pytest.mark.parametrize(("model", "one", "other"), PAIRS)
def test_what_the_schema_keeps_apart_rpx_keeps_apart(
    model: str, one: str, other: str, tmp_path: Path
) -> None:
    around = AROUND[model]
    indent = re.findall(r"^(.*)\{\}$", around, re.MULTILINE)[0].replace("-", " ")
    text = around.format(f"{one}: {VALUES[one]}\n{indent}{other}: {VALUES[other]}")
    assert faults(text)
    (tmp_path / "rpx.yaml").write_text(text)
    with pytest.raises(ConfigError):
        load_config(tmp_path / "rpx.yaml", {})


@pytest.mark.programs
def test_check_jsonschema_takes_it_as_draft_07(tmp_path: Path) -> None:
    schema = tmp_path / "rpx.schema.json"
    schema.write_text(CliRunner().invoke(group, ["schema"]).output)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"

    def checked(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "check_jsonschema", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = checked("--check-metaschema", schema)
    assert done.returncode == 0, done.stdout
    good = tmp_path / "example.yaml"
    good.write_text(EXAMPLE.read_text())
    done = checked("--schemafile", schema, good, *GOOD)
    assert done.returncode == 0, done.stdout
    bad = CONFIGS / "bad" / "unknown_setting.yaml"
    done = checked("--schemafile", schema, bad)
    assert done.returncode == 1
    assert "$.proxies[0]: 'helth_check' does not match" in done.stdout


@pytest.mark.parametrize("home", ["home", "home of ann", "home #1", "hömé"])
def test_the_line_for_editors_names_a_file_that_is_there(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / home))
    line = schema_line()
    assert "\n" not in line
    named = line.removeprefix("# yaml-language-server: $schema=")
    file = tmp_path / home / "rpx" / "rpx.schema.json"
    assert named == (str(file) if home == "home" else file.as_uri())
    assert " " not in named
    assert file.read_text() == schema_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    (tmp_path / "rpx.yaml").write_text(f"{line}\nto: a.localhost\nfrom: 3000\n")
    assert load_config(tmp_path / "rpx.yaml", {}).proxies


def test_another_version_writes_it_anew_if_somebody_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    file = tmp_path / "rpx" / schema_file.NAME
    renew_schema_file()
    assert not file.exists()
    schema_line()
    file.write_text(file.read_text() + " ")
    renew_schema_file()
    assert file.read_text().endswith(" ")  # this version's: not looked at further
    monkeypatch.setattr(rpx, "__version__", "99.0")
    renew_schema_file()
    assert '"rpx 99.0"' in file.read_text()


def test_without_a_place_for_it_there_is_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    assert schema_line() == ""
    renew_schema_file()
    monkeypatch.setattr(schema_file, "data_home", lambda: None)
    assert schema_line() == ""
    renew_schema_file()
