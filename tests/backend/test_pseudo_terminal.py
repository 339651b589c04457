"""A process with a terminal of its own. Real ones, whose output comes as lines."""

from __future__ import annotations

import pytest

from rpx.backend import pseudo_terminal
from rpx.backend.shell import BASHES
from tests.support.running import python, running

pytestmark = pytest.mark.real

LOOKS = """
import os, sys
print(*map(os.isatty, range(3)), os.tcgetpgrp(1) == os.getpid() == os.getsid(0), flush=True)
print(*os.get_terminal_size(), flush=True)
open("/dev/tty", "w").write("by name\\n")
sys.stderr.write("error\\n")
print("progress 1\\rprogress 2\\r\\nlast", flush=True)
input()
"""


async def test_it_is_a_terminal_in_every_way_and_its_output_comes_as_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "132")
    async with running(python(LOOKS), tty=True) as it:
        await it.until_it_says("last")
        assert it.lines == [
            "True True True True",
            "132 24",
            "by name",
            "error",
            "progress 2",
            "last",
        ]
    assert it.left == []


async def test_with_stdin_null_it_reads_an_end_and_prints_on_its_terminal() -> None:
    async with running("test -t 0 || test -t 1 && cat && echo ended", stdin="null", tty=True) as it:
        assert await it.child.wait() == 0
        await it.until_it_says("ended")


async def test_it_ends_with_its_code_and_what_it_has_printed_last() -> None:
    async with running("seq 2000; exit 7", tty=True) as it:
        assert await it.child.wait() == 7
        await it.until_it_says("2000")
        assert len(it.lines) == 2000


async def test_jobs_with_groups_of_their_own_are_stopped_too() -> None:
    script = "bash -i -c 'sleep 1000 & echo $! here; wait'"
    async with running(script, tty=True, grace=5) as it:
        await it.until_it_says("here")
        await it.child.stop()
    assert it.left == []


@pytest.mark.parametrize("bash", [True, False])
async def test_names_that_a_shell_would_drop_pass_through(
    monkeypatch: pytest.MonkeyPatch, bash: bool
) -> None:
    monkeypatch.setattr(pseudo_terminal, "BASHES", BASHES if bash else ())
    monkeypatch.setenv("spring.profiles.active", "a 'b'")
    async with running(("env",), tty=True) as it:
        await it.until_it_says("spring.profiles.active=a 'b'")
