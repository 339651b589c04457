"""process-compose, mprocs, scripts that start several: each of their words is carried or said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rpx.config import load_config
from rpx.config.checks.profiles import Selection
from rpx.errors import RpxError
from rpx.moving.draft import Draft
from rpx.moving.finishing import finish
from rpx.moving.found import sorted_out
from rpx.moving.given import ForeignSource, Given
from rpx.moving.package_scripts import resolved
from rpx.moving.sources.manifests import FRAMEWORKS
from rpx.moving.sources.runners.mprocs import MPROCS
from rpx.moving.sources.runners.package_runners import PACKAGE_RUNNERS
from rpx.moving.sources.runners.process_compose import PROCESS_COMPOSE
from rpx.moving.writing import text_of
from tests.moving.support import moved


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    for name in ("api", "client", "server"):
        (folder / name).mkdir(parents=True)
    return folder


def draft_of(source: ForeignSource, folder: Path, text: str, **environ: str) -> Draft:
    """The draft; rpx takes it as it is."""
    file = folder / source.names[0]
    file.write_text(text)
    draft = finish(source.read(Given((file,), folder, environ)))
    load_config(folder / "rpx.yaml", {}, asked=Selection(("*",)), text=text_of(draft))
    return draft


def settings(draft: Draft) -> dict[str, dict[str, Any]]:
    return {name: service.settings for name, service in draft.services.items()}


def lost(draft: Draft) -> list[str]:
    return [f"{remark.origin.line} {remark.what}" for remark in draft.losses]


def test_process_compose_comes_over_key_by_key(shop: Path) -> None:
    draft = draft_of(
        PROCESS_COMPOSE,
        shop,
        """version: "0.5"
environment: ["A=1", "PORT=2"]
env_file: [gone.env]
shell: {shell_command: bash, shell_argument: -c}
vars: {WHO: me}
processes:
  api:
    command: "run {{.WHO}} $$HOME"
    working_dir: api
    environment: {B: "2"}
    readiness_probe:
      http_get: {host: 127.0.0.1, port: 3101, path: /ok, headers: {X: y}, status_code: 204}
      period_seconds: 5
      timeout_seconds: 3
      success_threshold: 2
      failure_threshold: 4
    availability: {restart: on_failure, backoff_seconds: 2, max_restarts: 3}
    shutdown: {command: "stop $$X", signal: 2, timeout_seconds: 7, parent_only: true}
    depends_on:
      setup: {condition: process_completed_successfully}
      db: {condition: process_log_ready}
  db: {command: ./db, ready_log_line: "ready (1)", availability: {restart: always}, is_tty: true}
  setup: {command: ./setup, availability: {restart: "no"}}
  seed: {entrypoint: [./seed, "$$a"], disabled: true, replicas: 2}
""",
    )
    assert draft.top == {"env": {"A": "1"}, "env_file": {"path": "./gone.env", "required": False}}
    found = settings(draft)
    assert found["api"] == {
        "to": "shop.localhost",
        "name": "api",
        "from": "localhost:3101",
        "start": {
            "command": ["bash", "-c", "run me $HOME"],
            "env": {"B": "2"},
            "restart": {
                "policy": "on-failure",
                "backoff": {"initial": "2s", "factor": 1, "max": "2s"},
                "max_restarts": 3,
            },
            "stop_command": "stop $X",
            "stop_signal": "SIGINT",
            "stop_grace_period": "7s",
            "stop_signal_to": "leader",
            "cwd": "./api",
        },
        "health_check": {
            "path": "/ok",
            "interval": "5s",
            "timeout": "3s",
            "healthy_threshold": 2,
            "unhealthy_threshold": 4,
            "expect": 204,
            "headers": {"X": "y"},
        },
        "depends_on": {"setup": {"condition": "completed"}, "db": {"condition": "healthy"}},
    }
    assert found["db"] == {
        "command": ["bash", "-c", "./db"],
        "ready": {"log": "ready \\(1\\)"},
        "restart": "always",
        "tty": True,
    }
    assert found["setup"]["oneshot"] is True
    assert found["seed"] == {"command": ["./seed", "$a"], "autostart": False}
    assert list(found) == ["api", "db", "setup", "seed", "seed-2"]
    assert lost(draft) == ["2 environment: PORT"]


def test_what_process_compose_has_and_rpx_has_not_is_lost_with_its_line(shop: Path) -> None:
    draft = draft_of(
        PROCESS_COMPOSE,
        shop,
        """processes:
  a:
    command: "echo {{.NONE}} $UNSET"
    liveness_probe: {exec: {command: "true", working_dir: /x}, unheard: 1}
    availability: {restart: exit_on_failure, exit_on_end: true}
    is_elevated: true
    unheard_of: 1
    namespace: x
  b:
    command: ./b
    readiness_probe: {http_get: {host: example.com, port: 1}}
    liveness_probe: {exec: {command: "true"}}
    is_daemon: true
  c: {command: ./c, depends_on: {gone: {condition: process_healthy}, a: {condition: odd}}}
  d: {environment: ["PORT=4001"], command: ./d --port 4000}
env_cmds: {X: date}
""",
    )
    assert lost(draft) == [
        "16 env_cmds",
        "4 liveness_probe: unheard",
        "4 liveness_probe: working_dir",
        "5 restart: exit_on_failure",
        "5 exit_on_end",
        "6 is_elevated",
        "7 unheard_of",
        "3 {{.NONE}}",
        "11 readiness_probe",
        "12 liveness_probe",
        "13 is_daemon",
        "14 condition: odd",
        "15 PORT=4001",
        "14 depends_on",
    ]
    assert settings(draft)["a"]["health_check"] == {"command": "true"}
    assert any(remark.what == "$UNSET" for remark in draft.remarks)


def test_mprocs_comes_over_key_by_key(shop: Path) -> None:
    (shop / "client" / "package.json").write_text('{"scripts": {"dev": "vite --port 5190"}}')
    draft = draft_of(
        MPROCS,
        shop,
        """proc_list_width: 24
on_all_finished: {c: quit}
procs:
  short: "echo $$"
  web: {cwd: <CONFIG_DIR>/client, cmd: [npm, run, dev], autorestart: true, stop: SIGINT}
  off: null
  kept:
    shell: {$select: os, windows: dir, $else: ls}
    env: {A: "1$", B: null}
    add_path: [bin]
    stop: {cmd: ./stop}
    deps: [short]
    autostart: false
    log: true
  editor: {cmd: [vim], stop: {send-keys: ["q"]}, cwd: nowhere, odd: 1}
  empty: {cwd: api}
""",
    )
    found = settings(draft)
    assert found["short"] == {"command": "echo $$"}
    assert found["web"]["from"] == "localhost:5190"
    assert found["web"]["start"] == {
        "command": ["npm", "run", "dev"],
        "restart": "always",
        "stop_signal": "SIGINT",
        "cwd": "./client",
    }
    assert found["kept"] == {
        "command": "ls",
        "env": {"A": "1$$", "B": None, "PATH": "bin:$PATH"},
        "stop_command": "./stop",
        "autostart": False,
        "depends_on": {"short": {"condition": "started"}},
    }
    assert found["editor"]["command"][:2] == ["sh", "-c"]
    assert lost(draft) == [
        "2 on_all_finished",
        "6 off",
        "15 send-keys",
        "15 odd",
        "16 shell",
    ]


def package(**scripts: str) -> str:
    return json.dumps({"name": "desk", "scripts": scripts}, indent=1)


def test_concurrently_is_taken_apart(shop: Path) -> None:
    (shop / "client" / "package.json").write_text(package(dev="vite --port 5180"))
    (shop / "server" / "package.json").write_text(package(watch="tsx watch src/main.ts"))
    draft = draft_of(
        PACKAGE_RUNNERS,
        shop,
        package(
            dev='concurrently -k --names="api,web" -c green,blue "npm:dev:api" '
            '"wait-on tcp:3005 && npm run dev:web" "npm run css -- --watch" "npm:job:*"',
            **{
                "dev:api": "npm run watch --prefix server",
                "dev:web": "cd client && npm run dev",
                "css": "tailwindcss -i a -o b",
                "job:mail": "node mail.js",
                "job:sms": "node sms.js",
            },
        ),
    )
    assert settings(draft) == {
        "api": {
            "to": "api.shop.localhost",
            "from": "localhost:3005",
            "start": {"command": "npm run watch", "cwd": "./server"},
        },
        "web": {
            "to": "shop.localhost",
            "name": "web",
            "from": "localhost:5180",
            "start": {"command": "npm run dev", "cwd": "./client"},
            "depends_on": ["api"],
        },
        "css": {"command": "npm run css -- --watch"},
        "mail": {"command": "npm run job:mail"},
        "sms": {"command": "npm run job:sms"},
    }
    assert lost(draft) == ["4 -k"]


@pytest.mark.parametrize(
    ("script", "names", "in_turn"),
    [
        ("run-p a b", ["a", "b"], False),
        ("npm-run-all --parallel dev:*", ["x", "y"], False),
        ("run-s a b", ["a", "b"], True),
        ("npx concurrently 'node a.js' 'PORT=4000 node b.js'", ["node", "PORT-4000"], False),
    ],
)
def test_other_runners_are_known(
    shop: Path, script: str, names: list[str], *, in_turn: bool
) -> None:
    scripts = {"start": script, "a": "node a", "b": "node b", "dev:x": "node x", "dev:y": "node y"}
    found = settings(draft_of(PACKAGE_RUNNERS, shop, package(**scripts)))
    first, second = found
    assert first == names[0]
    assert (found[second].get("depends_on") == [names[0]]) is in_turn


def test_a_package_that_runs_one_thing_is_left_to_frameworks(shop: Path) -> None:
    (shop / "package.json").write_text(package(dev="vite"))
    assert PACKAGE_RUNNERS.files_in(shop) == ()
    ((source, _),) = sorted_out([shop / "package.json"])
    assert source is FRAMEWORKS
    (shop / "package.json").write_text(package(dev="concurrently a b"))
    assert PACKAGE_RUNNERS.files_in(shop) == (shop / "package.json",)


def test_scripts_are_followed_to_the_folder_in_which_they_end(shop: Path) -> None:
    (shop / "package.json").write_text(package(a="yarn --cwd client b", c="npm run c"))
    (shop / "client" / "package.json").write_text(package(b="vite"))
    found = resolved("npm run a", shop)
    assert (found.command, found.folder.name, found.text) == ("yarn b", "client", "vite")
    assert resolved("npm run c", shop).folder == shop
    assert resolved("npm install", shop).command == "npm install"


def test_a_folder_that_is_not_there_yet_is_left_to_the_command(shop: Path) -> None:
    script = 'concurrently -n a,b "npm start --prefix nowhere" "cd ../gone && node b.js"'
    found = settings(draft_of(PACKAGE_RUNNERS, shop, package(dev=script)))
    assert found["a"]["command"] == 'cd "./nowhere" && npm start --prefix nowhere'
    assert found["b"]["command"] == "cd ../gone && node b.js"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (PACKAGE_RUNNERS, '{"scripts": {,}}'),
        (PROCESS_COMPOSE, "processes: {a: [\n"),
        (PROCESS_COMPOSE, "version: 1\n"),
        (PROCESS_COMPOSE, "processes:\n  a: {command: x}\n  a: {command: y}\n"),
        (MPROCS, "procs: 1\n"),
        (MPROCS, ""),
    ],
)
def test_broken_files_are_refused(shop: Path, source: ForeignSource, text: str) -> None:
    with pytest.raises(RpxError):
        draft_of(source, shop, text)


def test_templates_of_probes_are_filled_in(tmp_path: Path) -> None:
    text = """\
vars: {PORT: 8123}
processes:
  it:
    command: "serve {{.PORT}}"
    readiness_probe: {http_get: {host: localhost, port: "{{.PORT}}", path: /up}}
"""
    found = moved(tmp_path, {"process-compose.yaml": text})
    settings = found.draft.services["it"].settings
    assert (settings["from"], settings["health_check"]) == ("localhost:8123", {"path": "/up"})
