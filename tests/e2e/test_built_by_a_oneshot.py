"""What a oneshot makes is looked at when the turn of who needs it has come."""

from __future__ import annotations

import json

import pytest

from tests.support.project import Project

pytestmark = pytest.mark.real

# `web` depends on `build` by way of `check`: program, folder, variables all come from it.
MAKES = (
    "mkdir -p out && cp PYTHON_APP out/app && echo FROM_FILE=made > out/own.env && chmod +x out/app"
)
TEXT = """
name: shop
listen: {http_port: HTTP_PORT}
proxies:
  - to: web.localhost
    start: {command: COMMAND, cwd: out, env_file: out/own.env, restart: {max_restarts: 2}}
    depends_on: {check: {condition: completed}}
processes:
  build: {command: "MAKES", oneshot: true}
  check: {command: test -e out/app, oneshot: true, depends_on: build}
"""
APP = "#!PYTHON -ISuB\nimport os, runpy, sys\nprint('it has', os.environ.get('FROM_FILE'))\n"
APP += "sys.argv[0] = 'APPS/ok.py'\nrunpy.run_path('APPS/ok.py', run_name='__main__')\n"


def write(project: Project, command: str, makes: str = MAKES) -> None:
    (project.folder / "app").write_text("")
    project.write(TEXT, COMMAND=command, MAKES=makes.replace("PYTHON_APP", "app.src"))
    text = (project.folder / "rpx.yaml").read_text()
    project.write(APP)
    (project.folder / "rpx.yaml").rename(project.folder / "app.src")
    (project.folder / "rpx.yaml").write_text(text)


@pytest.mark.parametrize("command", ["./app --flag", "[./app, --flag]"])
def test_a_fresh_checkout_comes_up(project: Project, command: str) -> None:
    write(project, command)
    assert project.rpx("check").returncode == 0  # in CI, before anything is built
    with project.up():
        assert "it has made" in project.until_said("it has")
        assert project.get("web.localhost").status_code == 200
        done = project.rpx("reload", "--json")
        plan = json.loads(done.stdout)["plan"]
        assert plan["restart"] == plan["replace"] == []  # what it has was read when it started


def test_what_is_still_missing_then_is_a_failure_of_that_service(project: Project) -> None:
    write(project, "./app", makes="mkdir -p out; touch out/app")
    with project.up(ready=False):
        said = project.until_said("rpx gave up")
        assert "`env_file` of proxy `web.localhost` does not exist: `out/own.env`" in said
        (project.folder / "out" / "own.env").touch()
        assert project.rpx("start", "web").returncode == 1
        said = project.until_said("not executable")
        (project.folder / "out" / "app").unlink()
        assert project.rpx("start", "web").returncode == 1
        project.until_said("command not found")


def test_a_service_that_is_added_later_waits_for_what_it_needs_as_well(project: Project) -> None:
    (project.folder / "rpx.yaml").write_text("processes: {other: sleep 60}")
    with project.up():
        write(project, "./app")
        text = (project.folder / "rpx.yaml").read_text()
        (project.folder / "rpx.yaml").write_text(
            text.replace("processes:", "processes:\n  other: sleep 60")
        )
        done = project.rpx("reload")
        assert done.returncode == 0, done.stderr
        project.until_said("it has made")
