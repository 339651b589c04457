"""Console and narrator as observers: order, bounds, a terminal that stands still, last words."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import trio
import trio.testing
from trio.abc import Clock

from rpx.cli.observers.console import Console
from rpx.cli.observers.narrator import MANY, Narrator, goodbye
from rpx.hub.backlog import LIMIT
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.status import Event, Note
from rpx.policy.lifecycle import Move
from tests.support.bench import process_of, registry, spec


class Terminal:
    """Collects what is written. `open` lets writes through."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.alive = True

    def write(self, chunks: list[bytes]) -> bool:
        self.open.wait()
        if self.alive:
            self.lines += b"".join(chunks).decode().splitlines()
        return self.alive


class Run:
    """Console and narrator at work on a registry with two backends."""

    def __init__(self) -> None:
        self.registry: Registry = registry(spec(3000), spec(3001))
        self.terminal = Terminal()
        self.shutdown = Shutdown()
        self.bugs: list[ExceptionGroup[Exception]] = []
        self.console = Console(self.terminal.write, self.bugs.append, colour=False)
        self.narrator = Narrator(self.bugs.append)

    async def show(self, happen: Callable[[], None]) -> list[str]:
        """Run the console while something happens; what it has printed when it was cancelled."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self.console, self.registry, self.shutdown)
            await nursery.start(self.narrator, self.registry, self.shutdown)
            await trio.testing.wait_all_tasks_blocked(0.01)
            happen()
            await trio.testing.wait_all_tasks_blocked(0.01)
            nursery.cancel_scope.cancel()
        return self.terminal.lines[1:]

    def say(self, label: str, text: bytes) -> None:
        self.registry.print(self.registry.process(label), text + b"\n")

    def move(self, label: str, move: Move, reason: str = "") -> None:
        self.registry.move(self.registry.process(label), move, reason=reason)


async def test_it_begins_with_services_and_urls() -> None:
    run = Run()
    await run.show(lambda: None)
    assert run.terminal.lines == [
        "rpx      | api  http://api.localhost:8080 → localhost:3000, localhost:3001"
    ]


async def test_lines_and_news_come_in_the_order_in_which_they_happened() -> None:
    run = Run()

    def happen() -> None:
        run.move("api:3000", Move.LAUNCH)
        for number in range(1500):
            run.say("api:3000", b"%d" % number)
        run.move("api:3000", Move.CRASHED, "exited with status 1 after 0.1 s")
        run.move("api:3000", Move.LAUNCH)
        run.say("api:3000", b"again")

    assert await run.show(happen) == [
        "rpx      | api:3000 starting",
        *(f"api:3000 | {number}" for number in range(1500)),
        "rpx      | api:3000 exited with status 1 after 0.1 s",
        "rpx      | api:3000 starting",
        "api:3000 | again",
    ]


async def test_lines_about_requests_come_before_the_news_that_came_after_them() -> None:
    run = Run()

    def happen() -> None:
        run.registry.routed(run.registry.endpoint("api:3000"), b"/one")
        run.move("api:3001", Move.LAUNCH)
        run.registry.routed(run.registry.endpoint("api:3000"), b"/two")
        run.registry.say("stopped")

    assert await run.show(happen) == [
        "[rpx] Request /one → localhost:3000",
        "rpx      | api:3001 starting",
        "[rpx] Request /two → localhost:3000",
        "rpx      | stopped",
    ]


async def test_lines_about_requests_are_shown_without_anything_after_them() -> None:
    run, count = Run(), MANY + 3
    async with trio.open_nursery() as nursery:
        await nursery.start(run.console, run.registry, run.shutdown)
        await nursery.start(run.narrator, run.registry, run.shutdown)
        for number in range(count):
            run.registry.routed(run.registry.endpoint("api:3000"), b"/%d" % number)
        with trio.fail_after(5):
            while len(run.terminal.lines) < 1 + count:
                await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.cancel_scope.cancel()
    assert run.terminal.lines[1:] == [
        f"[rpx] Request /{number} → localhost:3000" for number in range(count)
    ]


async def test_what_was_said_last_is_printed_before_it_ends() -> None:
    run = Run()
    async with trio.open_nursery() as nursery:
        await nursery.start(run.console, run.registry, run.shutdown)
        await trio.testing.wait_all_tasks_blocked(0.01)
        run.say("api:3000", b"last words")
        nursery.cancel_scope.cancel()
    assert run.terminal.lines[-1] == "api:3000 | last words"


async def test_it_says_goodbye_when_the_end_was_asked_for() -> None:
    run = Run()
    assert await run.show(run.shutdown.request) == [
        "rpx      | stopping: 0 backends (Ctrl-C again to hurry)",
    ]


async def test_each_second_it_says_who_is_waited_for(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    hub, shutdown, said = registry(spec(3000)), Shutdown(), list[str]()

    class Heard:
        def put(self, event: Event) -> None:
            if isinstance(event, Note):
                said.append(event.text)

    backend = hub.endpoint("api:3000")
    nursery.start_soon(goodbye, hub, shutdown)
    hub.move(process_of(backend), Move.LAUNCH)
    hub.started(process_of(backend), 812)
    for move in (Move.PROBE_UP, Move.STOP, Move.DRAINED):
        hub.move(process_of(backend), move)
    with hub.events.feed(Heard()):
        shutdown.request()
        await trio.sleep(2.5)
        shutdown.patience.lose()
        await trio.sleep(1)
    assert said == [
        "stopping: 1 backend (Ctrl-C again to hurry)",
        "waiting for api:3000 (pid 812), SIGKILL in 9s, Ctrl-C to kill now",
        "waiting for api:3000 (pid 812), SIGKILL in 8s, Ctrl-C to kill now",
        "killing api:3000 (pid 812)",
    ]
    nursery.cancel_scope.cancel()


async def test_a_terminal_that_stands_still_holds_up_nobody_and_costs_counted_lines() -> None:
    run = Run()
    run.terminal.open.clear()
    size, count = 10_000, 2 * LIMIT // 10_000
    async with trio.open_nursery() as nursery:
        await nursery.start(run.console, run.registry, run.shutdown)
        run.say("api:3001", b"in between")
        for number in range(count):
            run.say("api:3000", b"%d" % number + b"x" * size)
            if number % 100 == 0:
                await trio.testing.wait_all_tasks_blocked(0.001)
        run.terminal.open.set()
        await trio.testing.wait_all_tasks_blocked(0.05)
        nursery.cancel_scope.cancel()
    shown = [line for line in run.terminal.lines if line.startswith("api:3000")]
    [missed] = [line for line in run.terminal.lines if "came too fast" in line]
    assert len(shown) + int(missed.split()[2]) == count
    assert missed.endswith("lines of api:3000 came too fast to show")
    assert "api:3001 | in between" in run.terminal.lines  # a flood costs the others nothing
    assert shown[-1].startswith(f"api:3000 | {count - 1}x")


async def test_a_terminal_that_never_moves_again_delays_the_end_by_a_second_at_most() -> None:
    run = Run()
    run.terminal.open.clear()
    began = trio.current_time()
    await run.show(lambda: run.say("api:3000", b"hello"))
    assert trio.current_time() - began < 3
    run.terminal.open.set()


async def test_a_terminal_that_is_gone_is_no_reason_to_die() -> None:
    run = Run()
    run.terminal.alive = False
    await run.show(lambda: run.say("api:3000", b"hello"))
    assert run.terminal.lines == []
    assert run.bugs == []


async def test_a_bug_in_the_console_is_reported_and_ends_nothing_else() -> None:
    run = Run()

    def broken(_chunks: list[bytes]) -> bool:
        raise ZeroDivisionError

    console = Console(broken, run.bugs.append, colour=False)
    async with trio.open_nursery() as nursery:
        await nursery.start(console, run.registry, run.shutdown)
        run.say("api:3000", b"hello")
        await trio.testing.wait_all_tasks_blocked(0.05)
        nursery.cancel_scope.cancel()
    [bug] = run.bugs
    assert pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True).matches(bug)


async def test_a_bug_in_a_sentence_is_reported_and_ends_nobody_s_life() -> None:
    run = Run()

    def happen() -> None:
        run.registry.events.publish("no event at all")  # type: ignore[arg-type]
        run.registry.say("but this is")

    assert await run.show(happen) == ["rpx      | but this is"]
    [bug] = run.bugs
    assert pytest.RaisesGroup(AssertionError).matches(bug)
