"""`rpx reload`, `rpx scale` and `rpx up --scale` as one types them."""

from __future__ import annotations

import json
import re
import time

import psutil
import pytest

from tests.support.load import Load
from tests.support.project import SOON, Project, free_ports, supervisor, until

pytestmark = pytest.mark.real


def test_a_file_is_read_again_while_requests_come_in(project: Project) -> None:
    _, second = project.copies(2)
    [third] = free_ports(1)
    text = (project.folder / "rpx.yaml").read_text()
    with project.up():
        before = {row["label"]: row["pid"] for row in project.ps()}
        with Load(project.http_port, "api.localhost") as load:
            (project.folder / "rpx.yaml").write_text(
                text.replace(f"localhost:{second}]", f"localhost:{second}, localhost:{third}]")
            )
            look = json.loads(project.rpx("reload", "--dry-run", "--json").stdout)
            assert look["plan"]["add"] == [f"api:{third}"]
            done = project.rpx("reload")
            load.wait_for(50)
        assert not load.failures
        assert load.answers[third] > 0
        assert done.returncode == 0, done.stderr
        added, untouched, joined = done.stdout.splitlines()
        assert added == f"add api:{third}"
        assert untouched == "leave 2 backends alone"
        assert re.fullmatch(rf"api:{third} ready \(pid \d+\) after \d\.\d s", joined)
        after = {row["label"]: row["pid"] for row in project.ps()}
        assert after.items() > before.items()
        (project.folder / "rpx.yaml").write_text(text.replace("start:", "strat:") + "hold: soon\n")
        done = project.rpx("reload")
        assert done.returncode == 2
        assert "has an unknown setting `strat`" in done.stderr
        assert "rpx.yaml:4:" in done.stderr
        assert done.stderr.count("error:") == 2
        assert done.stdout == ""
        project.until_said("everything stays as it is")
        assert {row["label"]: row["pid"] for row in project.ps()} == after


def test_the_plan_that_is_shown_is_that_of_the_file_as_it_is_carried_out(project: Project) -> None:
    first, second, third = free_ports(3)
    head = "listen: {http_port: HTTP_PORT}\nproxies:\n"
    text = head + "  - {to: api.localhost, from: FIRST, start: %s}\n"
    web = "  - {to: web.localhost, from: %s, start: exec PYTHON APPS/ok.py}\n"
    run = "exec PYTHON APPS/ok.py"
    gated = f"while test ! -e go; do sleep 0.05; done; {run}"
    project.write(text % run, FIRST=str(first))
    with project.up():
        project.write(text % gated, FIRST=str(first))
        with project.begin("reload") as one:
            until(lambda: project.states()[f"api:{first}"] != "ready", "it is under way")
            project.write(text % gated + web % second, FIRST=str(first))
            with project.begin("reload") as two:
                time.sleep(0.5)  # it has read the file, and waits for the first
                project.write(text % gated + web % third, FIRST=str(first))
                (project.folder / "go").touch()
                assert two.wait(SOON) == 0
                shown = two.stdout.read().splitlines() if two.stdout else []
            assert one.wait(SOON) == 0
        assert shown[:2] == [f"add web:{third}", "leave 1 backend alone"]
        assert shown[2].startswith(f"web:{third} ready")
        assert f"web:{third}" in project.states()


def test_copies_are_added_and_taken_away(project: Project) -> None:
    project.write(
        "listen: {http_port: HTTP_PORT}\nproxies:\n"
        "  - {to: api.localhost, start: echo here; exec PYTHON APPS/ok.py}\n"
        "  - {to: web.localhost, from: WEB}\n",
        WEB=str(free_ports(1)[0]),
    )
    with project.up("--scale", "api=2", ready=False):
        until(lambda: list(project.states().values()).count("ready") == 2, "two copies")
        with Load(project.http_port, "api.localhost") as load:
            done = project.rpx("scale", "api=1")
            load.wait_for(30)
        assert done.returncode == 0
        removed = re.search(r"(api:(\d+)) removed, stopped \(it was pid \d+\)", done.stdout)
        assert removed
        label, port = removed.groups()
        assert f"{label} | here" in project.rpx("logs", "api").stdout.splitlines()
        assert project.rpx("logs", port).stdout.startswith(f"{label} | here\n")
        assert not load.failures
        text = (project.folder / "rpx.yaml").read_text()
        broken = "start: {command: echo why not; exit 3, restart: no}}"
        (project.folder / "rpx.yaml").write_text(re.sub(r"start: echo here.*}", broken, text))
        done = project.rpx("reload")
        assert done.returncode == 1
        assert "goes on as it was" in done.stdout
        assert done.stderr == "hint: `rpx logs api` shows what it has printed\n"
        assert "why not" in project.rpx("logs", "api").stdout
        done = project.rpx("scale", "web=2")
        assert done.returncode == 2
        assert "`web` has the addresses of its `from`" in done.stderr
        done = project.rpx("scale", "api")
        assert done.returncode == 2
        assert "`api` is not a service and a number of copies" in done.stderr


def test_a_project_of_the_command_line_has_nothing_to_reload(project: Project) -> None:
    [port] = free_ports(1)
    words = ("--from", str(port), "--to", "api.localhost", "--http-port", str(project.http_port))
    with project.up(*words, verb=(), ready=False):
        until(project.ps, "it runs")
        done = project.rpx("reload")
        assert done.returncode == 2
        assert "this project has no rpx.yaml that could be read again" in done.stderr


def test_a_project_without_proxies_listens_nowhere_until_it_has_one(project: Project) -> None:
    project.write("name: shop\nprocesses: {worker: sleep 60}")
    with project.up() as process:
        assert not [
            each
            for each in supervisor(process).net_connections("tcp")
            if each.status == psutil.CONN_LISTEN
        ]
        project.write(
            "name: shop\nlisten: {http_port: HTTP_PORT}\nto: api.localhost\n"
            "start: PYTHON APPS/ok.py\nprocesses: {worker: sleep 60}"
        )
        done = project.rpx("reload")
        assert done.returncode == 0, done.stderr
        assert "can't change" not in done.stdout
        assert project.get("api.localhost").status_code == 200
        assert project.rpx("ps", "--json").stdout.count(f":{project.http_port}") == 1
