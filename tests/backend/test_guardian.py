"""The guardian passes on signals and exit codes, on a terminal and without. Real processes."""

from __future__ import annotations

import os
import pty
import re
import signal
import termios
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from tests.support.guarded import (
    FAMILY,
    IN_TERMINAL,
    LINUX,
    SUPERVISOR,
    Guarded,
    Launch,
    launcher,
    until,
)

pytestmark = [pytest.mark.real, pytest.mark.smoke]
launch = pytest.fixture(launcher)


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal that suspends who writes from the background."""
    master, slave = pty.openpty()
    modes = termios.tcgetattr(slave)
    modes[3] |= termios.TOSTOP
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    yield master, slave
    for end in (master, slave):
        with suppress(OSError):
            os.close(end)


# ---------------------------------------------------------------- how it ends


def test_the_exit_code_is_the_supervisors(launch: Launch) -> None:
    guarded = launch("import sys\nfrom rpx.backend.guardian import guard\ndef run(): return 7")
    assert guarded.end() == 7
    assert guarded.errors() == ""


def test_an_exception_is_printed_and_is_exit_code_1(launch: Launch) -> None:
    guarded = launch("import sys\nfrom rpx.backend.guardian import guard\ndef run(): 1 / 0")
    assert guarded.end() == 1
    assert guarded.errors().count("ZeroDivisionError") == 1


@pytest.mark.parametrize(("leaving", "code"), [("3", 3), ("None", 0), ("'too bad'", 1)])
def test_leaving_by_system_exit_means_what_it_always_means(
    launch: Launch, leaving: str, code: int
) -> None:
    script = f"import sys\nfrom rpx.backend.guardian import guard\ndef run(): sys.exit({leaving})"
    assert launch(script).end() == code


def test_what_was_printed_arrives_once(launch: Launch) -> None:
    guarded = launch(
        "import sys\nfrom rpx.backend.guardian import guard\n"
        "print('before')\ndef run(): print('within'); return 0"
    )
    assert guarded.end() == 0
    assert guarded.read() == "before\nwithin\n"


def test_death_by_a_signal_is_said_and_is_128_and_the_signal(launch: Launch) -> None:
    guarded = launch(SUPERVISOR)
    guarded.until_it_says("supervisor")
    guarded.supervisor.kill()
    assert guarded.end() == 128 + signal.SIGKILL
    said = guarded.errors()
    assert "killed by SIGKILL" in said
    assert said.count("\n") == 1


# ---------------------------------------------------------------- signals


def test_each_signal_to_the_group_arrives_exactly_once(launch: Launch) -> None:
    guarded = launch(SUPERVISOR)
    guarded.until_it_says("supervisor")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        heard = guarded.read().count("heard")
        os.killpg(guarded.pid, number)
        until(lambda heard=heard: guarded.read().count("heard") > heard, guarded.text)  # type: ignore[misc]
    guarded.supervisor.send_signal(signal.SIGUSR1)
    assert guarded.end() == 0
    assert re.findall(r"heard (\d+)", guarded.read()) == ["2", "15", "1", "2"]


def test_a_signal_at_the_very_start_arrives_at_most_once(launch: Launch) -> None:
    """Between fork and the group of its own both processes are hit: the second Ctrl-C kills."""
    script = SUPERVISOR + (
        "signal.signal(signal.SIGINT, heard)\n"
        "real = os.setpgid\n"
        "def late(*args): os.killpg(0, signal.SIGINT); real(*args)\n"
        "os.setpgid = late\n"
    )
    guarded = launch(script)
    guarded.until_it_says("heard 2")
    guarded.supervisor.send_signal(signal.SIGUSR1)
    assert guarded.end() == 0
    assert guarded.read().count("heard") == 1


def test_a_suspended_supervisor_hears_the_signal_too(launch: Launch) -> None:
    guarded = launch(SUPERVISOR)
    guarded.until_it_says("supervisor")
    guarded.supervisor.suspend()
    until(lambda: guarded.supervisor.status() == psutil.STATUS_STOPPED)
    os.kill(guarded.pid, signal.SIGTERM)
    guarded.until_it_says("heard 15")


def test_nohup_is_respected(launch: Launch) -> None:
    guarded = launch(SUPERVISOR, before="trap '' HUP")
    guarded.until_it_says("supervisor")
    os.kill(guarded.pid, signal.SIGHUP)
    os.kill(guarded.pid, signal.SIGTERM)
    guarded.until_it_says("heard 15")
    assert "heard 1\n" not in guarded.text


@LINUX
def test_services_begin_with_no_signal_ignored_or_blocked(launch: Launch) -> None:
    """Though the terminal's are blocked in the supervisor, and its own parent ignored more."""
    guarded = launch(FAMILY, "exec cat /proc/self/status", before="trap '' HUP INT QUIT TTOU TSTP")
    guarded.until_it_says("SigCgt")
    masks = dict(re.findall(r"(Sig(?:Blk|Ign)):\s*(\w+)", guarded.text))
    # 32 and 33 are glibc's own; under make they begin ignored, and no program can change that
    seen = {name: int(mask, 16) & ~(0b11 << 31) for name, mask in masks.items()}
    assert seen == {"SigBlk": 0, "SigIgn": 0}
    os.kill(guarded.pid, signal.SIGTERM)
    assert guarded.end() == 0


# ---------------------------------------------------------------- terminals


def in_terminal(launch: Launch, slave: int) -> Guarded:
    guarded = launch(IN_TERMINAL, stdin=slave, stderr=slave)
    guarded.until_it_says("supervisor")
    return guarded


def test_ctrl_c_on_the_terminal_arrives_once(launch: Launch, terminal: tuple[int, int]) -> None:
    guarded = in_terminal(launch, terminal[1])
    os.write(terminal[0], b"\x03")
    guarded.until_it_says("heard 2")
    guarded.supervisor.send_signal(signal.SIGUSR1)
    assert guarded.end() == 0
    assert guarded.read().count("heard") == 1


def test_the_supervisor_writes_to_a_terminal_with_tostop(
    launch: Launch, terminal: tuple[int, int]
) -> None:
    master, slave = terminal
    guarded = launch(IN_TERMINAL, stdin=slave, stdout=slave, stderr=slave)
    assert "supervisor" in read_terminal(master)
    assert guarded.running


def test_ctrl_z_suspends_nothing_and_says_so(launch: Launch, terminal: tuple[int, int]) -> None:
    guarded = in_terminal(launch, terminal[1])
    os.write(terminal[0], b"\x1a")
    assert "not suspended" in read_terminal(terminal[0], "suspended")
    os.write(terminal[0], b"\x03")
    guarded.until_it_says("heard 2")


def test_ctrl_backslash_ends_everything_at_once(launch: Launch, terminal: tuple[int, int]) -> None:
    guarded = in_terminal(launch, terminal[1])
    os.write(terminal[0], b"\x1c")
    assert guarded.end() == 128 + signal.SIGKILL
    assert guarded.survivors() == []


def test_a_closed_terminal_is_a_signal_to_stop(launch: Launch, terminal: tuple[int, int]) -> None:
    guarded = in_terminal(launch, terminal[1])
    os.close(terminal[1])
    os.close(terminal[0])
    guarded.until_it_says("heard 1")
    guarded.supervisor.kill()  # and it can still conclude, with nobody to read what it says
    assert guarded.end() == 128 + signal.SIGKILL


def read_terminal(master: int, text: str = "supervisor") -> str:
    os.set_blocking(master, False)
    seen = ""

    def more() -> bool:
        nonlocal seen
        with suppress(BlockingIOError):
            seen += os.read(master, 4096).decode()
        return text in seen

    until(more, text)
    return seen
