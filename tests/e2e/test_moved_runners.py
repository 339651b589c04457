"""`rpx import` of what another runner has started, then `rpx up`: the same is there, with names."""

from __future__ import annotations

import json
import sys

import pytest

from tests.support.project import APPS, Project, free_ports, until

OK = f"{sys.executable} {APPS / 'ok.py'}"

FILES = {
    "Procfile.dev": """\
release: echo made > made.txt
web: PYTHONUNBUFFERED=1 PORT=${PORT:-ONE} OK
api: cat made.txt && OK
worker: test -f made.txt && exec sleep 1000
watch: cat --watch 2>&1 || cat
""",
    "process-compose.yaml": """\
version: "0.5"
environment: ["GREETING=hello"]
processes:
  setup: {command: "echo made > made.txt", availability: {restart: "no"}}
  web:
    command: "cat made.txt && OK"
    environment: ["PORT=ONE"]
    readiness_probe: {http_get: {host: localhost, port: ONE, path: /health}, period_seconds: 1}
    depends_on: {setup: {condition: process_completed_successfully}}
    shutdown: {signal: 2, timeout_seconds: 5}
  worker: {command: "echo $$GREETING && sleep 1000", ready_log_line: hello}
  seed: {command: "exit 3", disabled: true}
""",
    "mprocs.yaml": """\
procs:
  web: {cmd: [PYTHON, OKPY], cwd: <CONFIG_DIR>, env: {PORT: "ONE"}, stop: SIGINT}
  api: {shell: "OK", autorestart: true, env: {PORT: "TWO"}}
  never: {shell: "exit 3", autostart: false}
""",
    "package.json": json.dumps(
        {
            "name": "desk",
            "scripts": {
                "dev": 'concurrently -n web,worker "PORT=ONE OK" "wait-on tcp:ONE && sleep 1000"'
            },
        }
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_what_a_runner_has_started_is_there_after_an_import(project: Project, name: str) -> None:
    one, two = map(str, free_ports(2))
    text = FILES[name].replace("OKPY", str(APPS / "ok.py")).replace("OK", OK)
    text = text.replace("ONE", one).replace("TWO", two).replace("PYTHON,", f"{sys.executable},")
    (project.folder / name).write_text(text)
    project.environment |= {"RPX_HTTP_PORT": str(project.http_port)}
    done = project.rpx("import", name)
    assert done.returncode == 0, done.stderr
    with project.up(ready=False):
        until(lambda: _settled(project), "everything is as it will be")
        hosts = {row["name"]: row["url"].split("/")[2].split(":")[0]
                 for row in project.ps() if row["url"]}  # fmt: skip
        assert "web" in hosts
        for host in hosts.values():
            assert project.get(host).status_code == 200
        if name != "Procfile.dev":
            web = next(row for row in project.ps() if row["name"] == "web")
            assert web["port"] == int(one)


def _settled(project: Project) -> bool:
    states = project.states()
    return bool(states) and set(states.values()) <= {"ready", "completed", "stopped"}
