"""Exit codes: of a service for all of them, and of a command that runs as a service would."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess

import pytest

from tests.support.project import RPX, SOON, Project, end, free_ports, until

pytestmark = pytest.mark.real

TESTS = "processes: {{db: sleep 60, test: {{command: '{}', restart: {}}}}}"


@pytest.mark.parametrize(
    ("command", "restart", "code"),
    [
        ("exit 0", "no", 0),
        ("exit 7", "no", 7),
        ("exit 7", "always", 7),  # the first end is the end
        ("kill -9 $$", "no", 137),
    ],
)
def test_the_exit_code_of_a_service_is_that_of_all(
    project: Project, command: str, restart: str, code: int
) -> None:
    project.write(TESTS.format(command, restart))
    with project.up("--exit-code-from", "test", ready=False) as up:
        assert up.wait(SOON) == code
        assert project.survivors() == []
    assert "stopping all" in project.said()


def test_who_ends_first_ends_all_and_the_code_is_still_that_of_the_service(
    project: Project,
) -> None:
    project.write("processes: {db: sleep 0.5, test: sleep 60}")
    with project.up("--exit-code-from", "test", ready=False) as up:
        assert up.wait(SOON) == 143
    assert "db completed: stopping all" in project.said()


def test_without_a_service_the_code_is_that_of_who_ended_first(project: Project) -> None:
    project.write(
        "processes: {migrate: {command: 'true', oneshot: true}, app: 'sleep 0.5; exit 4'}"
    )
    with project.up("--abort-on-exit", ready=False) as up:
        assert up.wait(SOON) == 4
    assert "app exited with status 4: stopping all" in project.said()


def test_when_the_last_oneshot_has_done_its_work_nothing_is_left_to_wait_for(
    project: Project,
) -> None:
    oneshot = "{command: 'exit 3', oneshot: true, success_exit_codes: 3"
    project.write(f"processes:\n  a: {oneshot}}}\n  b: {oneshot}, depends_on: [a]}}\n")
    with project.up("--abort-on-exit", ready=False) as up:
        assert up.wait(SOON) == 3
    assert "b completed: exited with status 3" in project.said()


def test_a_stop_or_restart_that_was_asked_for_ends_nothing_else(project: Project) -> None:
    project.write("processes: {app: sleep 60, other: sleep 60}")
    with project.up("--abort-on-exit") as up:
        for verb in ("restart", "kill-backend", "stop"):
            assert project.rpx(verb, "app").returncode == 0
        assert project.states()["other"] == "ready"
        assert end(up, 2) == 130


def test_ctrl_c_is_130_whoever_the_code_was_to_be_of(project: Project) -> None:
    project.write("processes: {app: sleep 60}")
    with project.up("--exit-code-from", "app") as up:
        assert end(up, 2) == 130


@pytest.mark.parametrize("words", [("--exit-code-from", "nobody"), ("-d", "--exit-code-from", "a")])
def test_a_code_that_nobody_could_have_is_refused(project: Project, words: tuple[str, ...]) -> None:
    project.write("processes: {app: sleep 60}")
    done = project.rpx("up", *words)
    assert (done.returncode, done.stdout) == (2, "")  # before anything is begun, or said
    assert done.stderr.startswith("error: ")
    assert project.survivors() == []


# ---------------------------------------------------------------- rpx run


@pytest.fixture
def shop(project: Project) -> Project:
    """A service with a folder and an environment of its own."""
    (project.folder / "api").mkdir()
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\n"
        "from: [PORT_A, PORT_B]\nto: api.localhost\n"
        "start: {command: 'echo as $RPX_NAME', cwd: ./api, env: {LEVEL: debug, HOME: null}}\n",
        PORT_A=str(port),
        PORT_B=str(port + 1),
    )
    return project


def test_a_command_has_the_environment_and_the_folder_of_the_service(shop: Project) -> None:
    done = shop.rpx(
        "run", "api", "echo $LEVEL ${HOME-none} $RPX_URL; basename $PWD; env | grep RPX_I"
    )
    url = f"http://api.localhost:{shop.http_port}"
    assert done.stdout.splitlines() == [f"debug none {url}", "api"]
    assert done.returncode == 1  # of grep: it is no instance that rpx would sweep up


@pytest.mark.parametrize(
    ("words", "out", "code"),
    [
        (("api",), "as api\n", 0),
        (("api:2", "--", "sh", "-c", "echo $RPX_REPLICA $1; exit 5", "-", "-f"), "2 -f\n", 5),
        (("api", "sh", "-c", "kill -TERM $$"), "", -15),
    ],
)
def test_its_words_output_and_exit_code_are_passed_on(
    shop: Project, words: tuple[str, ...], out: str, code: int
) -> None:
    done = shop.rpx("run", *words)
    assert (done.stdout, done.returncode) == (out, code)


def test_it_reads_stdin_and_has_the_terminal(shop: Project) -> None:
    end, pipe = os.pipe()
    os.write(pipe, b"hello")
    os.close(pipe)
    with shop.begin("run", "api", "cat", stdin=end, text=False) as process:
        os.close(end)
        assert process.communicate(timeout=SOON)[0] == b"hello"
    ours, theirs = pty.openpty()
    words = ("run", "api", "tty && read line && echo got $line")
    with shop.begin(*words, stdin=theirs, stdout=theirs) as child:
        os.write(ours, b"word\n")
        assert child.wait(SOON) == 0
    shown = b""
    while b"got word" not in shown:  # after the echo of what was typed
        assert select.select([ours], [], [], SOON)[0], shown
        shown += os.read(ours, 4096)
    for fd in (ours, theirs):
        os.close(fd)


def test_it_dies_by_a_closed_pipe_as_other_programs_do(shop: Project) -> None:
    line = f"{' '.join(RPX)} run api yes | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ("bash", "-c", line),
        cwd=shop.folder,
        env=shop.environment,
        capture_output=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == (b"y\n", b"", 128 + 13)


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("nobody", "true"), 2, "there is no service `nobody` here"),
        (("api", "no-such-program", "x"), 127, "can't run `no-such-program x`"),
        (("api", "/etc/passwd", "x"), 126, "can't run `/etc/passwd x`"),
        ((), 2, "missing argument"),
    ],
)
def test_what_cannot_run_is_said(
    shop: Project, words: tuple[str, ...], code: int, error: str
) -> None:
    done = shop.rpx("run", *words)
    assert done.returncode == code
    assert done.stderr.startswith(f"error: {error}")


def test_it_works_while_the_project_runs_and_is_not_a_part_of_it(project: Project) -> None:
    project.copies(1)
    with project.up() as up:
        url = project.ps()[0]["url"]
        assert project.rpx("run", "api", "echo $RPX_URL").stdout == f"{url}\n"
        with project.begin("run", "api", "sleep", "60") as one_off:
            assert end(up, 2) == 130
            until(lambda: len(project.survivors()) == 1, "the one-off alone")
            one_off.terminate()
            assert one_off.wait(SOON) == -15


def test_run_and_check_know_a_running_copy_by_its_chosen_port(project: Project) -> None:
    project.write(
        "listen: {http_port: HTTP_PORT}\n"
        "proxies: [{to: api.localhost, replicas: 2, start: PYTHON APPS/ok.py}]\n"
    )
    with project.up():
        first, second = (row["port"] for row in project.ps())
        shown = json.loads(project.rpx("check", "--json").stdout)
        assert [row["backend"] for row in shown] == [f"localhost:{p}" for p in (first, second)]
        done = project.rpx("run", f"api:{second}", "echo $PORT")
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() not in (str(first), str(second))  # one that is free
        nobody = project.rpx("run", "nobody", "true")
        assert f"api:{first}, api:{second}" in nobody.stderr
