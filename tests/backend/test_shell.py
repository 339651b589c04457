"""When a shell is needed, and when it would only wait for one program."""

from __future__ import annotations

import subprocess

import pytest

from rpx.backend import shell
from rpx.backend.shell import argv, first_word, unreached

BUILTINS = ["kill -s TERM $RPX_PID", "echo x", "test -e x", "printf x", "true", "pwd", "time ls"]


@pytest.mark.parametrize(
    "command",
    [
        "python app.py",
        "./server --port $PORT",
        "npm run dev",
        'flask run -p "$PORT"',
        "sleep 1",
        "/bin/kill -s TERM 1",
        "./test",
        "printenv",
    ],
)
def test_a_shell_that_would_only_wait_for_one_program_is_replaced_by_it(command: str) -> None:
    assert argv(command) == ("/bin/sh", "-c", f"exec {command}")


@pytest.mark.parametrize(
    "command",
    [
        "cd api && python app.py",
        "A=1 python app.py",
        "python app.py | tee log",
        "a; b",
        "python app.py &",
        "exec python app.py",
        "export A=1",
        "{ a; }",
        "if true; then a; fi",
        "a\nb",
        "$CMD x",
        'python -c "a; b"',
        "sleep $(cat seconds)",
        *BUILTINS,
    ],
)
def test_what_only_a_shell_can_run_is_left_to_it(command: str) -> None:
    assert argv(command) == ("/bin/sh", "-c", command)


def test_a_list_needs_no_shell() -> None:
    assert argv(("a", "$b")) == ("a", "$b")


@pytest.mark.real
@pytest.mark.parametrize("command", ["echo a  'b  c' $HOME", "printf %s\\\\n x", "echo 'x'\"y\""])
def test_the_shorter_way_says_the_same(command: str) -> None:
    short = subprocess.run(argv(command), capture_output=True, check=True)
    long = subprocess.run(("/bin/sh", "-c", command), capture_output=True, check=True)
    assert short.stdout == long.stdout != b""


def test_the_first_word_is_known_only_where_the_shell_would_not_change_it() -> None:
    assert first_word("  ./run.sh; echo") == "./run.sh"
    assert first_word("A=1 python") is None
    assert first_word("$RUN x") is None
    assert first_word('"my app" x') is None


# ---------------------------------------------------------------- names that a plain shell drops

ODD = {"spring.profiles.active": "dev", "cluster-name": "it's a\ntest", "PATH": "/usr/bin:/bin"}
TELL = "printenv spring.profiles.active cluster-name"


@pytest.mark.real
@pytest.mark.parametrize("bashes", [shell.BASHES, ()])
@pytest.mark.parametrize("command", [TELL, f"true && {TELL}", f"A=1 {TELL}", f"exec {TELL}"])
def test_a_variable_of_any_name_reaches_the_program(
    command: str, bashes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "BASHES", bashes)
    if unreached(command, ODD):
        assert not bashes
        return
    done = subprocess.run(argv(command, ODD), env=ODD, capture_output=True, check=True, text=True)
    assert done.stdout == "dev\nit's a\ntest\n"


def test_what_cannot_reach_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "_is_bash", lambda: False)
    monkeypatch.setattr(shell, "BASHES", ())
    assert unreached("cd api && python app.py", ODD) == ["spring.profiles.active", "cluster-name"]
    assert not unreached(("python", "app.py"), ODD)
    assert not unreached("python app.py", ODD)
    monkeypatch.setattr(shell, "_is_bash", lambda: True)
    assert not unreached("cd api && python app.py", ODD)


def test_a_shell_is_the_plain_one_where_nothing_needs_another() -> None:
    assert argv("a; b", {"PATH": "/bin", "BASH_FUNC_which%%": "() { :; }"})[0] == "/bin/sh"
