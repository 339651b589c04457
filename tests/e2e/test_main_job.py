"""The main job as a user does it: up, rotation, crash, restart, kill-backend."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.load import Load
from tests.support.project import Project, free_ports, project_in, until

pytestmark = [pytest.mark.real, pytest.mark.smoke]

ROW = ["name", "backend", "port", "state", "pid", "restarts", "since", "in_rotation", "url"]
TWO = """
listen: {http_port: HTTP_PORT}
proxies:
  - to: api.localhost
    from: [localhost:PORT_A, localhost:PORT_B]
    start: {command: PYTHON APPS/ok.py, env: {LOG_LEVEL: debug}}
    health_check: {enabled: true, path: /health, interval: 1s, timeout: 500ms}
"""


Two = tuple[Project, int, int]


def written(project: Project) -> Two:
    """A project with two copies of one service, and their ports."""
    first, second = free_ports(2)
    project.write(TWO, PORT_A=str(first), PORT_B=str(second))
    return project, first, second


@pytest.fixture
def fresh(project: Project) -> Two:
    """One that is yet to be started."""
    return written(project)


@pytest.fixture(scope="module")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with project_in(tmp_path_factory.mktemp("two")) as project:
        two = written(project)
        with project.up():
            yield two


@pytest.fixture
def two(_running: Two) -> Iterator[Two]:
    """One that runs; whoever stops something brings it back."""
    yield _running
    until(_running[0].all_ready, "all is as it was before")


def row(project: Project, port: int) -> dict[str, Any]:
    return next(each for each in project.ps() if each["port"] == port)


def test_two_copies_answer_in_turn_each_on_its_own_port(fresh: Two) -> None:
    project, first, second = fresh
    with project.up():
        answers = [project.get("api.localhost", "/users?x=1").json() for _ in range(6)]
        assert [answer["port"] for answer in answers] == [first, second] * 3
        assert {answer["path"] for answer in answers} == {"/users?x=1"}
        rows = project.ps()
        assert [each["backend"] for each in rows] == [f"localhost:{first}", f"localhost:{second}"]
        assert {each["pid"] for each in rows} == {answer["pid"] for answer in answers}
        assert set(ROW) <= set(rows[0])
        assert rows[0]["url"] == f"http://api.localhost:{project.http_port}"
        stats = json.loads(project.rpx("stats", "--json").stdout)["api.localhost"]
        assert [each["requests"] for each in stats.values()] == [3, 3]
        assert all(each["errors"] == 0 and each["avgLatency"] > 0 for each in stats.values())
        for text in (f"api:{first} ready", f"api:{second} ready", rows[0]["url"]):
            project.until_said(text)
        assert f"api:{first} | listening on" in project.said()


def test_host_is_matched_in_any_case_with_port_and_dot_and_unknown_ones_get_a_list(
    two: Two,
) -> None:
    project, _, _ = two
    for host in ("API.localhost", "api.localhost:1234", "api.localhost."):
        assert project.get(host).status_code == 200
    answer = project.get("nobody.localhost")
    assert answer.status_code == 404
    assert "api.localhost" in answer.text


def test_no_request_is_lost_when_a_copy_is_killed_and_it_returns(
    two: Two,
) -> None:
    project, first, second = two
    with Load(project.http_port, "api.localhost") as load:
        load.wait_for(200)
        known = row(project, second)
        victim = known["pid"]
        os.kill(victim, signal.SIGKILL)
        load.wait_for(200)
        until(lambda: row(project, second)["pid"] not in (None, victim), "back")
        until(lambda: row(project, second)["state"] == "ready", "ready")
        assert row(project, second)["restarts"] == known["restarts"] + 1
        before = load.answers[second]
        load.wait_for(200)
        assert load.answers[second] > before
        assert load.answers[first]
    assert load.failures == []


def test_kill_backend_says_what_happened_and_nobody_notices(two: Two) -> None:
    project, _, second = two
    with Load(project.http_port, "api.localhost") as load:
        load.wait_for(100)
        victim = row(project, second)["pid"]
        done = project.rpx("kill-backend", str(second), "--json")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["pid"] == victim
        until(lambda: row(project, second)["state"] == "ready", "back")
        load.wait_for(100)
        done = project.rpx("kill-backend", str(second), "--no-restart")
        assert f"api:{second}" in done.stdout
        assert "stays down" in done.stdout
        load.wait_for(100)
        assert row(project, second)["state"] == "stopped"
        assert project.rpx("start", f"api:{second}").returncode == 0
        assert row(project, second)["in_rotation"]
    assert load.failures == []


def test_a_paused_copy_gets_no_request_keeps_its_process_and_is_still_paused_after_a_crash(
    two: Two,
) -> None:
    project, _, second = two
    with Load(project.http_port, "api.localhost") as load:
        load.wait_for(100)
        process = row(project, second)["pid"]
        done = project.rpx("pause-backend", str(second))
        assert f"api:{second} paused, out of rotation" in done.stdout, done.stderr
        until(lambda: row(project, second)["in_flight"] == 0, "the last ones are answered")
        load.wait_for(100)  # and counted
        before = load.answers[second]
        load.wait_for(100)
        assert load.answers[second] == before
        assert row(project, second)["state"] == "paused"
        assert row(project, second)["pid"] == process
        os.kill(process, signal.SIGKILL)
        until(lambda: row(project, second)["pid"] not in (None, process), "it is back")
        until(lambda: row(project, second)["state"] == "paused", "and paused")
        load.wait_for(100)
        assert load.answers[second] == before
        assert project.rpx("resume-backend", str(second)).stdout == (
            f"api:{second} resumed, in rotation\n"
        )
        load.wait_for(100)
        assert load.answers[second] > before
    assert load.failures == []


def test_kill_backend_hits_the_listener_behind_a_shell(project: Project) -> None:
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\n"
        "proxies: [{to: api.localhost, from: PORT_A,"
        " start: 'PYTHON APPS/ok.py; echo over $?'}]",
        PORT_A=str(port),
    )
    with project.up():
        server = project.get("api.localhost").json()["pid"]
        assert row(project, port)["pid"] != server
        said = json.loads(project.rpx("kill-backend", str(port), "--json").stdout)
        assert said["pid"] == server
        assert project.get("api.localhost").json()["pid"] != server  # held until it was back


def test_a_request_that_arrives_while_the_only_copy_restarts_waits_for_it(project: Project) -> None:
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\nfrom: PORT_A\nto: api.localhost\n"
        "start: {command: PYTHON APPS/slow_start.py, env: {DELAY: 0.5}}",
        PORT_A=str(port),
    )
    with project.up():
        assert project.get("api.localhost").status_code == 200
        assert project.rpx("kill-backend", str(port)).returncode == 0
        assert project.get("api.localhost").status_code == 200


def test_restart_replaces_every_copy_and_loses_no_request(two: Two) -> None:
    project, _, _ = two
    with Load(project.http_port, "api.localhost") as load:
        load.wait_for(100)
        before = {each["pid"] for each in project.ps()}
        done = project.rpx("restart", "api")
        assert done.returncode == 0, done.stdout + done.stderr
        assert not before & {each["pid"] for each in project.ps()}
        load.wait_for(100)
    assert load.failures == []


def test_stop_is_final_and_start_brings_it_back(two: Two) -> None:
    project, first, second = two
    assert project.rpx("stop", "api").returncode == 0
    assert set(project.states().values()) == {"stopped"}
    answer = project.get("api.localhost", headers={"Accept": "application/json"})
    assert answer.status_code == 503
    assert [each["state"] for each in answer.json()["backends"]] == ["stopped", "stopped"]
    assert project.rpx("start", f"api:{second}").returncode == 0
    assert project.get("api.localhost").json()["port"] == second
    assert project.states() == {f"api:{first}": "stopped", f"api:{second}": "ready"}
    assert project.rpx("start", "api").returncode == 0


def test_a_crash_loop_backs_off_and_ends_in_failed_with_its_last_words(project: Project) -> None:
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\nfrom: PORT_A\nto: api.localhost\n"
        """start: {command: "echo no module named flask; exit 3",
                restart: {policy: on-failure, max_restarts: 2}}""",
        PORT_A=str(port),
    )
    with project.up(ready=False):
        until(lambda: set(project.states().values()) == {"failed"}, "failed")
        assert project.ps()[0]["restarts"] == 2
        answer = project.get("api.localhost")
        assert answer.status_code == 503
        for text in ("failed", "status 3", "no module named flask", f"api:{port}"):
            assert text in answer.text
        project.until_said("hint: ")
        assert f"rpx start api:{port}" in project.said()
        assert project.ps()[0]["last_lines"] == ["no module named flask"] * 3
        assert project.rpx("ps").stdout.endswith(
            f"\n\napi:{port} exited with status 3; 2 restarts within 60 s, rpx gave up\n"
            + "    no module named flask\n" * 3
        )


def test_logs_show_what_backends_print(two: Two) -> None:
    project, first, second = two
    lines = project.rpx("logs").stdout
    assert f"api:{first}" in lines
    assert f"api:{second}" in lines
    only = project.rpx("logs", "--tail", "1", f"api:{second}", "--json").stdout
    assert json.loads(only)["label"] == f"api:{second}"


def test_orders_about_what_is_not_there_say_what_is(fresh: Two) -> None:
    project, first, _ = fresh
    nothing = project.rpx("ps")
    assert nothing.returncode == 3
    assert "rpx up" in nothing.stderr
    with project.up():
        done = project.rpx("kill-backend", "1")
        assert done.returncode == 2
        assert f"api:{first}" in done.stderr
        assert "Traceback" not in done.stderr
    assert project.rpx("kill-backend", str(first)).returncode == 3


def test_an_external_backend_joins_when_it_answers_and_cannot_be_killed(project: Project) -> None:
    ours, theirs = free_ports(2)
    project.write(
        "listen: {http_port: HTTP_PORT}\nfrom: [PORT_A, PORT_B]\nto: api.localhost\n"
        "start: {command: PYTHON APPS/ok.py, env: {PORT: PORT_A}}",
        PORT_A=str(ours),
        PORT_B=str(theirs),
    )
    with project.up(ready=False):
        until(lambda: project.states().get(f"api:{ours}") == "ready", "ours is ready")
        assert project.states()[f"api:{theirs}"] == "unhealthy"
        assert {project.get("api.localhost").json()["port"] for _ in range(3)} == {ours}
        assert project.rpx("kill-backend", str(theirs)).returncode == 2


def test_stdout_of_a_pipe_has_no_escape_bytes(project: Project) -> None:
    project.write(
        r"""processes: {noisy: "printf '\\033[31mred\\n'; sleep 60"}""",
    )
    with project.up():
        project.until_said("noisy | red")
        assert "\x1b" not in project.said()
