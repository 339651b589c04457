"""How a child is started, and that nothing it says is lost. Real processes."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from pathlib import Path

import psutil
import pytest
import trio
import trio.testing

from rpx.backend import file_limit
from rpx.backend.child import open_child
from rpx.hub.patience import Patience
from rpx.model.config import Start
from tests.support.running import APPS, app, python, running, until

pytestmark = [pytest.mark.real, pytest.mark.smoke]


# ---------------------------------------------------------------- how it is started


async def test_a_string_goes_to_the_shell_and_a_tuple_does_not() -> None:
    async with running("echo $0 $RPX_INSTANCE") as shell, running(("echo", "$0")) as plain:
        await shell.until_it_says(f"/bin/sh t{os.getpid()}.1")
        await plain.until_it_says("$0")


@pytest.mark.parametrize("command", ["/no/such/program", str(APPS)])
async def test_what_cannot_be_run_is_an_error_that_names_it(command: str) -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(OSError, match=command)):
        async with running((command,)):
            pass


async def test_a_missing_directory_is_an_error_that_names_it() -> None:
    start = Start(command="true", cwd=Path("/no/such/place"))
    with pytest.raises(FileNotFoundError, match="/no/such/place"):
        async with open_child(start, {}, instance="t.1", patience=Patience()):
            pass


async def test_a_quiet_child_survives_the_thread_that_forked_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Idle worker threads end after ten seconds, and PDEATHSIG would strike just then."""
    from trio._core import _thread_cache

    monkeypatch.setattr(_thread_cache, "IDLE_TIMEOUT", 0.05)
    known = set(threading.enumerate())
    async with running(("sleep", "60")) as it:
        await until(lambda: set(threading.enumerate()) <= known)
        await trio.sleep(0.05)
        assert psutil.Process(it.child.pid).status() == psutil.STATUS_SLEEPING


READS = python(
    "import os; print(os.getsid(0) == os.getpid(), flush=True); print('read', os.read(0, 9))"
)


async def test_standard_input_stays_open_as_long_as_it_runs() -> None:
    """Else watchers that end with it, as those of esbuild and tailwind, end at once."""
    async with running(READS) as it:
        await it.until_it_says("True")
        await until(lambda: psutil.Process(it.child.pid).status() == psutil.STATUS_SLEEPING)
        fds = os.listdir("/dev/fd")
    assert it.lines == ["True"]
    assert await it.child.wait() == -signal.SIGTERM
    await until(lambda: len(os.listdir("/dev/fd")) < len(fds))  # the pipe has gone with it


async def test_standard_input_is_empty_where_that_is_wanted() -> None:
    async with running(READS, stdin="null") as it:
        assert await it.child.wait() == 0
    assert it.lines == ["True", "read b''"]


async def test_nobody_else_has_the_other_end_of_standard_input() -> None:
    """Else one process would go on as long as any other does."""
    async with running(("sleep", "60")) as first, running(("sleep", "60"), number=2) as second:
        await trio.testing.wait_all_tasks_blocked()  # their output is read: not begun at the end
        pipe = os.readlink(f"/proc/{first.child.pid}/fd/0")
        theirs = f"/proc/{second.child.pid}/fd"
        assert pipe.startswith("pipe:")
        await until(lambda: len(os.listdir(theirs)) == 3)  # its loader has read the libraries
        assert pipe not in [os.readlink(f"{theirs}/{fd}") for fd in os.listdir(theirs)]
        assert sorted(os.listdir(theirs)) == ["0", "1", "2"]


async def test_a_process_has_the_limit_of_files_that_rpx_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr(file_limit, "_given", [])
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        file_limit.raise_file_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 256
        async with running("ulimit -Sn; ulimit -Hn") as it:
            await it.child.wait()
        assert it.lines == ["256", str(hard)]
        monkeypatch.setattr(file_limit, "_has_room", lambda _limit: False)
        async with running("sleep 0.2; ulimit -Sn") as late:
            await late.child.wait()
        assert late.lines == ["256"] or sys.platform != "linux"
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 256
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="nothing to take away")
async def test_it_works_without_pidfd(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, flags: int = 0) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    async with running(app("ignore_term"), grace=0.1) as it:
        await it.until_it_says("ignores")
    assert await it.child.wait() == -signal.SIGKILL


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="nothing to take away")
async def test_it_works_where_waiting_always_reaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS: then the number is not used any more, the marker finds the rest."""
    monkeypatch.delattr(os, "pidfd_open")
    monkeypatch.delattr(os, "waitid")
    async with running(app("forks"), LIFE="0.3", CODE="5") as it:
        await it.until_named("leader", "child", "grandchild", "daemon")
        assert await it.child.wait() == 5
    assert it.left == []


# ---------------------------------------------------------------- what it says


async def test_the_last_line_before_a_crash_is_not_lost() -> None:
    script = "import os, sys; os.write(1, b'x' * 60000 + b'\\nlast words'); os._exit(1)"
    async with running(python(script)) as it:
        assert await it.child.wait() == 1
    assert it.lines[-1] == "last words"


async def test_an_orphan_that_holds_stdout_does_not_hang_a_stop() -> None:
    async with running(app("orphan_holds_stdout")) as it:
        assert await it.child.wait() == 0
        await it.child.sweep()
        began = trio.current_time()
    assert trio.current_time() - began < 2
    assert it.left == ["orphan"]  # out of reach but for the guardian


async def test_the_words_of_a_stopping_child_are_read() -> None:
    script = (
        "import signal, sys, time\n"
        "def leave(*_): print('x' * 300000, 'goodbye', sep='\\n'); sys.exit(6)\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        "import os; os.write(1, b'up\\n'); time.sleep(60)\n"  # a print can't be in one
    )
    async with running(python(script)) as it:
        await it.until_it_says("up")
    assert it.lines[-1] == "goodbye"
    assert await it.child.wait() == 6


async def test_a_talkative_child_can_stop_though_nobody_listens() -> None:
    script = (
        "import os, signal, sys, time\n"
        "def leave(*_): os.write(1, b'x' * 300000); os._exit(6)\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        "print('up', flush=True); time.sleep(60)\n"
    )
    async with running(python(script), emit=False) as it:
        assert b"up" in await it.child.output.receive_some()
    assert await it.child.wait() == 6


async def test_a_line_of_a_megabyte_and_bytes_that_are_no_text_hang_nothing() -> None:
    script = "import os; os.write(1, b'x' * 2**20 + b'\\n' + bytes(range(256)) + b'\\nend')"
    async with running(python(f"import os; os.set_blocking(1, True)\n{script}")) as it:
        assert await it.child.wait() == 0
    assert it.lines[-1] == "end"
    assert sum(line.count("x") for line in it.lines[:-1]) == 2**20 + 1
