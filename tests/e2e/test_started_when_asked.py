"""`autostart: false`, what isn't required, and `env` for all, in a project that runs."""

from __future__ import annotations

import json

import pytest

from tests.support.project import Project, until

pytestmark = pytest.mark.real
SHOP = """
env: {GREETING: hello $RPX_NAME, LANG: null}
processes:
  db:
    command: echo $GREETING; exec sleep 1000
    health_check: {command: 'test "$GREETING" = "hello db"'}
  seed:
    command: "echo $GREETING, ${LANG-no language}"
    oneshot: true
    autostart: false
    depends_on: db
  broken: {command: exit 3, oneshot: true}
  worker:
    command: exec sleep 1000
    depends_on: {seed: {required: false}, broken: {required: false}}
  needs: {command: exec sleep 1000, autostart: false, depends_on: [tool]}
  tool: {command: exec sleep 1000, autostart: false}
"""


def test_what_starts_when_asked_is_known_and_started_by_name_or_by_who_needs_it(
    project: Project,
) -> None:
    project.write(SHOP)
    project.environment["LANG"] = "C.UTF-8"
    with project.up(ready=False):
        until(lambda: project.states().get("worker") == "ready", "the worker runs")
        project.until_said("worker starts without seed (stopped) and broken (failed:")
        until(lambda: project.states()["db"] == "ready", "db is ready")
        assert {name for name, state in project.states().items() if state == "stopped"} == {
            "seed",
            "needs",
            "tool",
        }
        [why] = json.loads(project.rpx("why", "seed", "--json").stdout)
        assert why["because"] == "it has not been started yet: it has `autostart: false`"
        assert why["hint"] == "`rpx start seed` starts it"
        before = {row["name"]: row["pid"] for row in project.ps()}
        done = project.rpx("reload")
        assert "nothing to change" in done.stdout + done.stderr
        done = project.rpx("start", "seed")
        assert done.returncode == 0, done.stderr
        project.until_said("hello seed, no language")
        assert project.states()["seed"] == "completed"
        assert {row["name"]: row["pid"] for row in project.ps()} == before
    project.write("processes: {seed: {command: sleep 1000, autostart: false}}")
    done = project.rpx("up", "--wait")
    assert done.returncode == 0
    assert "rpx: nobody has asked for seed: see `rpx start`" in done.stderr
    assert project.rpx("down").returncode == 0
    project.write(SHOP)
    with project.up("needs", ready=False):
        until(lambda: project.states().get("needs") == "ready", "who is named runs")
        assert project.states()["tool"] == "ready"
        assert project.states()["db"] == "stopped"
