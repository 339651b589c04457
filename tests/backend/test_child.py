"""A child ends, and all it started with it, whatever happens. Real processes."""

from __future__ import annotations

import math
import signal
import sys
from collections.abc import Callable

import psutil
import pytest
import trio

from rpx.model.address import Address
from rpx.model.config import Whom
from tests.support.running import app, python, running, until

pytestmark = [pytest.mark.real, pytest.mark.smoke]


# ---------------------------------------------------------------- it ends, and all of it


async def test_child_grandchild_and_daemon_are_gone_after_a_stop() -> None:
    async with running(" ".join(app("forks")) + "; :", grace=0.5) as it:
        await it.until_named("leader", "child", "grandchild", "daemon")
        assert len(it.survivors()) == 4
        await it.child.stop()
        assert it.survivors() == []


async def test_leaving_the_context_is_a_stop() -> None:
    async with running(app("forks"), grace=0.5) as it:
        await it.until_named("leader", "child", "grandchild", "daemon")
    assert it.left == []


async def test_a_group_member_that_ignores_term_dies_though_the_leader_exits_at_once() -> None:
    script = f"{' '.join(app('forks'))} & wait; exit 3"
    async with running(script, grace=1.0, DEAF="1") as it:
        await it.until_named("leader", "child", "grandchild", "daemon")
        began = trio.current_time()
        await it.child.stop()
        assert it.survivors() == []
        assert trio.current_time() - began >= 1.0
        assert await it.child.wait() == -signal.SIGTERM


async def test_who_ignores_term_is_killed_after_the_grace_period() -> None:
    async with running(app("ignore_term"), grace=0.3) as it:
        await it.until_it_says("ignores")
        began = trio.current_time()
        await it.child.stop()
        assert trio.current_time() - began >= 0.3
        assert await it.child.wait() == -signal.SIGKILL
    assert "ignoring 15" in it.lines


async def test_a_daemon_that_hears_term_needs_no_sigkill() -> None:
    """It left the group, so the signal to that did not reach it: it is asked by itself."""
    script = (
        "import os, signal, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    def leave(*_): print('the daemon leaves', flush=True); os._exit(0)\n"
        "    signal.signal(signal.SIGTERM, leave)\n"
        "    print('daemon', os.getpid(), flush=True)\n"
        "time.sleep(60)\n"
    )
    async with running(python(script)) as it:
        await it.until_named("daemon")
    assert it.left == []
    assert "the daemon leaves" in it.lines


async def test_a_suspended_child_still_hears_that_it_shall_stop() -> None:
    async with running(app("ok"), PORT="0") as it:
        await it.until_it_says("listening")
        it.child.signal(signal.SIGSTOP)
        leader = psutil.Process(it.child.pid)
        await until(lambda: leader.status() == psutil.STATUS_STOPPED)
        await it.child.stop()
        assert await it.child.wait() == 0  # by its own handler, not by SIGKILL


async def test_what_a_crashed_leader_leaves_behind_is_swept_without_grace() -> None:
    async with running(app("forks"), grace=60, LIFE="0.3", CODE="4") as it:
        await it.until_named("leader", "child", "grandchild", "daemon")
        assert await it.child.wait() == 4
        await it.child.sweep()
        assert it.survivors() == []


async def test_a_stop_after_the_exit_has_no_grace_either() -> None:
    async with running(app("forks"), grace=60, LIFE="0.3", DEAF="1") as it:
        await it.until_named("leader", "child", "grandchild", "daemon")
        await it.child.wait()
        with trio.fail_after(5):
            await it.child.stop()
    assert it.left == []


async def test_lost_patience_kills_now() -> None:
    async with running(app("ignore_term"), grace=60) as it:
        await it.until_it_says("ignores")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(it.child.stop)
            await it.until_it_says("ignoring 15")
            it.patience.lose()
        assert await it.child.wait() == -signal.SIGKILL


async def test_a_second_stop_shortens_the_wait_and_asks_nobody_twice() -> None:
    async with running(app("ignore_term"), grace=60) as it:
        await it.until_it_says("ignores")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(it.child.stop)
            await it.until_it_says("ignoring 15")
            await it.child.stop(0.1)
            await it.child.stop(60)
    assert it.lines.count("ignoring 15") == 1


async def test_a_cancelled_stop_goes_on_where_it_was() -> None:
    async with running(app("ignore_term"), grace=0.5) as it:
        await it.until_it_says("ignores")
        with trio.move_on_after(0.1):
            await it.child.stop()
    assert it.lines.count("ignoring 15") == 1
    assert await it.child.wait() == -signal.SIGKILL


async def test_several_stubborn_children_stop_in_parallel() -> None:
    began = math.inf

    async def one(ready: Callable[[], None]) -> None:
        async with running(app("ignore_term"), grace=0.5) as it:
            await it.until_it_says("ignores")
            ready()
            await trio.sleep_forever()

    count = 0

    def ready() -> None:
        nonlocal count, began
        count += 1
        if count == 4:
            began = trio.current_time()
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(one, ready)
    assert trio.current_time() - began < 1.8  # one after another: at least 2 s


# ---------------------------------------------------------------- whose number is it?


async def test_the_leader_keeps_its_number_until_the_others_have_gone() -> None:
    async with running(app("forks"), grace=60, LIFE="0.3", DEAF="1") as it:
        await it.until_named("leader", "child", "grandchild", "daemon")
        assert await it.child.wait() == 0
        assert psutil.Process(it.child.pid).status() == psutil.STATUS_ZOMBIE
        await it.child.sweep()
        assert not psutil.pid_exists(it.child.pid)


async def test_everything_may_be_called_again_after_the_end() -> None:
    async with running(("sleep", "60")) as it:
        await it.child.stop()
        await it.child.stop()
        await it.child.sweep()
        it.child.kill()
        it.child.signal(signal.SIGTERM)
        assert await it.child.strike(signal.SIGTERM, Address("localhost", 1)) == it.child.pid
        assert await it.child.wait() == -signal.SIGTERM
    it.child.kill()
    assert it.child.remains == ()


async def test_a_strike_hits_the_listener_behind_the_shell_and_only_that() -> None:
    async with running(" ".join(app("ok")) + "; echo over $?; sleep 60", PORT="0") as it:
        await it.until_it_says("listening")
        address = Address("localhost", int(it.lines[0].rpartition(":")[2]))
        hit = await it.child.strike(signal.SIGTERM, address)
        assert hit != it.child.pid
        await it.until_it_says("over 0")
        assert await it.child.strike(signal.SIGTERM, address) == it.child.pid  # nobody listens now
        assert await it.child.wait() == -signal.SIGTERM


ASKED = """
import os, signal, sys, time
if os.fork() == 0:
    def asked(*_):
        print("child asked", flush=True)
        time.sleep(0.3)
        print("child done", flush=True)
        os._exit(0)
    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGUSR1, asked)
    os.write(1, b"child up\\n")
    while True:
        time.sleep(60)
child = os.getpid()
def leave(*_):
    print("leader done", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, leave)
os.write(1, b"leader up\\n")
time.sleep(60)
"""
# As nodemon does: it passes the signal on, and is gone before who has got it.
PASSES_ON = (
    ASKED.replace("if os.fork() == 0:", "child = os.fork()\nif child == 0:")
    .replace("child = os.getpid()\n", "")
    .replace("def leave(*_):", "def leave(*_):\n    os.kill(child, signal.SIGUSR1)")
)


@pytest.mark.parametrize(
    ("whom", "script", "grace", "late"),
    [
        ("group", ASKED, 10, False),
        ("leader", ASKED, 2, True),
        ("leader", PASSES_ON, 10, False),
    ],
)
async def test_the_stop_signal_reaches_everybody_once(
    whom: Whom, script: str, grace: float, late: bool
) -> None:
    """Where the leader alone is asked, it may ask the others; else they are at half-time."""
    async with running(python(script), whom=whom, grace=grace) as it:
        await it.until_it_says("child up")
        await it.until_it_says("leader up")
        began = trio.current_time()
    assert "leader done" in it.lines
    told = [line for line in it.lines if line in ("child asked", "child done")]
    assert told == ["child asked", "child done"]
    assert (trio.current_time() - began >= 1) is late


async def test_a_daemon_that_was_left_behind_is_asked_first_and_then_killed() -> None:
    """The leader has done well and is gone: what it began is asked as in a stop."""
    script = (
        "import os, signal, sys, time\n"
        "if os.fork(): time.sleep(0.1); os._exit(0)\n"
        "os.setsid()\n"
        "if os.fork() == 0 and sys.argv[1:]: signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "else: signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b'asked\\n'), os._exit(0)))\n"
        "time.sleep(60)\n"
    )
    async with running((*python(script), "stubborn"), grace=0.3) as it:
        assert await it.child.wait() == 0
        who = await it.child.see_off()
        assert len(who) == 2
        assert who[0].startswith("pid ")
        assert sys.executable in who[0]
        await it.child.sweep()
    assert it.lines == ["asked"]


async def test_helpers_that_end_a_moment_later_are_nobody_left_behind() -> None:
    async with running("(sleep 0.05 &) ; :") as it:
        assert await it.child.wait() == 0
        assert await it.child.see_off() == ()


async def test_a_daemon_that_its_parent_forks_after_the_leader_has_gone_is_left_behind() -> None:
    """Daemons fork twice: who is there when the leader exits is not yet who stays."""
    script = (
        "import os, time\n"
        "if os.fork(): os._exit(0)\n"
        "os.setsid()\n"
        "time.sleep(0.05)\n"
        "if os.fork(): os._exit(0)\n"
        "time.sleep(60)\n"
    )
    async with running(python(script)) as it:
        assert await it.child.wait() == 0
        assert len(await it.child.see_off()) == 1
