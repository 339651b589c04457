"""What `rpx config` prints is an rpx.yaml, and means what the one that it was made of means."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from pydantic import BaseModel

from rpx.cli.command import Common
from rpx.cli.main import group
from rpx.config import load_config
from rpx.config.checks.profiles import Selection
from rpx.model.address import SocketFile
from tests.config.test_files import GOOD, VARIABLES
from tests.config.test_settings_page import PAGE
from tests.support.schema import faults
from tests.test_docs import EXAMPLE, blocks

# Where it was written, and what only says so: a path of a socket is absolute now.
PLACES = {"where", "file", "root", "named", "env_files", "env_later"}
SET = {**VARIABLES, "API_KEY": "se$ret", "ANN_PASSWORD": "a: b"}


def plain(value: object, root: Path) -> object:
    """A configuration as values that can be compared, without its places."""
    match value:
        case SocketFile():
            return value.path
        case BaseModel():
            container = getattr(value, "container", None) is not None
            return {
                name: plain(getattr(value, name), root)
                for name in type(value).model_fields
                if name not in PLACES and not (container and name == "cwd")
            }
        case Mapping():
            return {key: plain(each, root) for key, each in value.items()}
        case list() | tuple():
            return [plain(each, root) for each in value]
        case _:
            return str(value)


def config(path: Path, *words: str) -> str:
    """What `rpx config` prints."""
    done = CliRunner().invoke(group, ["config", "-f", str(path), *words], obj=Common())
    assert done.exit_code == 0, done.output
    return done.stdout


def the_same(path: Path, tmp_path: Path, realm: str) -> str:
    """Compare a file with what is printed of it, which is returned."""
    profiles = () if path == EXAMPLE else ("*",)  # where two of one name never run together
    asked = [word for each in profiles for word in ("--profile", each)]
    text = config(path, "--realm", realm, *asked)
    there = tmp_path / "elsewhere" / "whole.yaml"
    there.parent.mkdir(exist_ok=True)
    there.write_text(text)
    before = load_config(path, SET, None, Selection(profiles), realm=realm)
    after = load_config(there, {}, None, Selection(profiles))
    assert plain(after, there.parent) == plain(before, path.parent)
    assert faults(text) == []
    return text


@pytest.fixture(autouse=True)
def _set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in SET.items():
        monkeypatch.setenv(name, text)


@pytest.mark.parametrize("realm", ["", "login"])
@pytest.mark.parametrize("path", [*GOOD, EXAMPLE], ids=lambda path: path.stem)
def test_what_is_printed_means_the_same(path: Path, realm: str, tmp_path: Path) -> None:
    the_same(path, tmp_path, realm)


def test_that_holds_for_every_configuration_on_the_page_of_settings(tmp_path: Path) -> None:
    for folder in ("api", "web", "data", "public", "dist", "media"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "index.html").touch()
    for number, block in enumerate(blocks(PAGE.read_text(), "yaml")):
        file = tmp_path / f"{number}.yaml"
        file.write_text(block)
        the_same(file, tmp_path, "")


TRICKY = """\
name: shop
env: {FROM_TOP: "$$5", URL: "$RPX_API_URL/x", NUMBER: 1.10, OCTAL: 0755, YES: yes, NONE: null}
env_file: more.env
defaults:
  headers: {response: {set: {X-All: "$host$$"}}}
  cors: true
proxies:
  - to: [api.localhost, "*.api.localhost"]
    from:
      - {address: 3000, weight: 0}
      - unix:run/api.sock
      - {url: "https://localhost:8443", verify: false}
    start: {command: "echo $$ $PORT '${X}'", env: {PORT: 3000, A: "${SECRET}", B: $RPX_NAME}}
    headers: {request: {set: {X-Host: $host}, add: {X-A: [a, b]}, remove: [Cookie]}}
    routes:
      - {path: /v1/*, rewrite: /v2/$1, from: 4000}
      - {path: /x, cors: false, respond: {json: {a: $$b}}}
      - {path: /y, proxy: web, headers: {X-Beta: "1", request: {set: {A: b}}}}
      - {path: "~/z/(?<n>[0-9]+)", redirect: /n/$n}
  - to: web.localhost
    start: {command: [a, "b c", "$D"], ready: {log: "up \\\\d+$"}, restart: {max_restarts: 2}}
    replicas: 3
    health_check: {command: ./ok, timeout: 3s}
  - {to: one.localhost, from: [5000, 5001], start: ./one, instances: 1}
  - {to: static.localhost, static: {dir: ., spa: false}, auth: {basic: {ann: "${SECRET}"}}}
processes:
  db: {image: "postgres:16", ports: ["5433:5432", "auto:9000"], volumes: ["data:/d", "./x:/y:ro"],
       env: {P: "${SECRET}"}, stop_grace_period: 1500ms, shm_size: 64mb}
  seed: {command: ./seed, oneshot: true, depends_on: {db: {required: false}}}
"""


def test_what_has_to_be_escaped_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "p$$w: '\"#")
    SET["SECRET"] = "p$$w: '\"#"
    (tmp_path / "more.env").write_text("MORE='$x'\nTOLD=$RPX_WEB_URL\n")
    (tmp_path / ".env").write_text("DOTTED=a$$b\n")
    path = tmp_path / "rpx.yaml"
    path.write_text(TRICKY)
    the_same(path, tmp_path, "login")
    text = the_same(path, tmp_path, "")
    (tmp_path / "again.yaml").write_text(text)
    assert config(tmp_path / "again.yaml").partition("\n")[2] == text.partition("\n")[2]
    written = yaml.safe_load(config(path))
    assert written["processes"]["db"]["env"] == {
        "DOTTED": "a$$b",
        "FROM_TOP": "$$5",
        "MORE": "$$x",
        "NONE": None,
        "NUMBER": "1.10",
        "OCTAL": "0755",
        "P": "p$$$$w: '\"#",
        "TOLD": "${RPX_WEB_URL}",
        "URL": "${RPX_API_URL}/x",
        "YES": "yes",
    }
    assert json.loads(config(path, "--json")) == written


def test_what_holds_anyway_is_written_out(tmp_path: Path) -> None:
    path = tmp_path / "rpx.yaml"
    path.write_text("to: api.localhost\nstart: ./api\nhealth_check: true\n")
    text = config(path)
    assert "passwords stand here as they are" in text.splitlines()[0]
    (proxy,) = yaml.safe_load(text)["proxies"]
    assert proxy["health_check"]["interval"] == "5s"
    assert proxy["start"]["restart"]["backoff"] == {"initial": "100ms", "factor": 2.0, "max": "30s"}
    assert (proxy["start"]["cwd"], proxy["replicas"]) == (str(tmp_path), 1)
    assert not re.search(r"[&*]id0", text)  # no aliases


def test_what_is_known_only_later_is_said_to_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "rpx.yaml"
    path.write_text(
        "processes:\n  a: {command: x, env_file: made.env, depends_on: b}\n"
        "  b: {command: y, oneshot: true}\n"
    )
    done = CliRunner().invoke(group, ["config", "-f", str(path)], obj=Common())
    assert "env files of `a`" in done.stderr
    assert "made.env" not in done.stdout
