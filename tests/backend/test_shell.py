"""When a shell is needed, and when it would only wait for one program."""

from __future__ import annotations

import subprocess

import pytest

from rpx.backend.shell import argv, first_word


@pytest.mark.parametrize(
    "command",
    ["python app.py", "./server --port $PORT", "npm run dev", 'flask run -p "$PORT"', "sleep 1"],
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
