"""The client of commands against the real API, and against nobody."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import ClassVar

import pytest
import trio

from rpx.cli.screen.actions import action_of
from rpx.cli.screen.project_watch import ProjectWatch
from rpx.control.api import Control
from rpx.errors import NotRunning, RpxError, TookTooLong, UsageError
from rpx.hub.shutdown import Shutdown
from rpx.model.answers import ChangeReport, LogLines, Outcome
from rpx.model.status import State
from rpx.runs.api_client import ApiClient
from rpx.runs.event_client import following_events
from rpx.runs.held import take
from rpx.runs.lease import Identity, Lease
from tests.orders.fake_life import Fleet
from tests.support.bench import process_of, registry, spec
from tests.support.project import until


@pytest.fixture
def lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lease]:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")  # must not come between
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    me = Identity.of(os.getpid())
    with take(Lease(me, me, "run", "shop", tmp_path / "rpx.yaml")) as hold:
        yield hold.lease


@pytest.fixture
async def fleet(lease: Lease, nursery: trio.Nursery) -> AsyncIterator[Fleet]:
    fleet = Fleet(registry(spec(3000), spec(3001)))
    await nursery.start(Control(lease.socket), fleet.registry, Shutdown())
    await fleet.start(nursery)
    yield fleet
    nursery.cancel_scope.cancel()


async def test_a_look_and_an_order(lease: Lease, fleet: Fleet) -> None:
    def work() -> None:
        client = ApiClient(lease)
        assert [row.label for row in client.ps()] == ["api:3000", "api:3001"]
        assert list(client.stats()) == ["api.localhost"]
        assert [o.pid for o in client.order("restart", ["api"])] == [1002, 2002]
        kill = client.kill_backend("3001", signal="KILL", down_for=0.0, restart=False)
        assert kill.pid == 2002
        client.down()

    await trio.to_thread.run_sync(work)


class Breaking(ApiClient):
    """Has an order carried out as soon as it hears, and hears two lines before it is cut off."""

    asked: ClassVar[list[str | None]] = []

    @contextmanager
    def stream(
        self, path: str, query: Mapping[str, str], patience: float | None = None
    ) -> Iterator[Iterator[dict[str, object]]]:
        self.asked.append(query.get("after"))
        with super().stream(path, query, patience) as rows:
            if len(self.asked) > 1:
                yield rows
                return
            threading.Thread(target=self.order, args=("restart", ["api:3000"])).start()
            yield islice(rows, 2)


async def test_changes_are_told_without_a_gap_when_the_connection_breaks(
    lease: Lease, fleet: Fleet
) -> None:
    def work() -> None:
        told = list(islice(following_events(Breaking(lease)), 3))
        assert [getattr(event, "label", None) for event in told] == ["api:3000"] * 3
        first, second = Breaking.asked
        assert first is None
        assert second is not None

    with trio.fail_after(30):
        await trio.to_thread.run_sync(work)


async def test_the_screen_looks_and_orders_from_threads(lease: Lease, fleet: Fleet) -> None:
    def work() -> None:
        watch = ProjectWatch(lease)
        assert [row.label for row in watch.seen.rows] == ["api:3000", "api:3001"]
        assert (watch.seen.project, watch.seen.ended) == ("shop", False)
        watch.order(action_of("restart", watch.seen.rows[:1]))
        watch.order(action_of("stop", [replace(watch.seen.rows[0], label="nobody")]))
        until(lambda: not watch.under_way, "both are over")
        told = {reply.text.partition(" ")[0]: reply.failed for reply in watch.news}
        assert told == {"api:3000": False, "there": True}

    await trio.to_thread.run_sync(work)


@pytest.mark.skipif(sys.platform != "linux", reason="who listens is told on Linux only")
async def test_a_socket_of_another_user_is_told_nothing(
    lease: Lease, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    with pytest.raises(RpxError, match=f"belongs to user {other - 1}: nothing is told or asked"):
        await trio.to_thread.run_sync(ApiClient(lease).ps)


async def test_an_error_arrives_as_it_was_raised(lease: Lease, fleet: Fleet) -> None:
    def work() -> None:
        client = ApiClient(lease)
        client.order("stop", ["nobody"])

    with pytest.raises(RpxError, match="no service `nobody`") as error:
        await trio.to_thread.run_sync(work)
    assert error.value.exit_code == UsageError.exit_code
    assert error.value.problems[0].hint.startswith("the backends of this project are")


@pytest.mark.parametrize("accept", ["application/x-ndjson", "application/json"])
async def test_the_plan_of_a_change_is_told_before_it_is_carried_out(
    lease: Lease,
    fleet: Fleet,
    nursery: trio.Nursery,
    accept: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An older rpx knows one answer only, at the end."""
    monkeypatch.setattr("rpx.runs.api_client.NDJSON", accept)
    told = trio.Event()
    plan = replace(ChangeReport.of({}), sentences=("add web:1",))
    outcome = Outcome("web:1", State.READY, None, 7, "web:1 ready")
    done = replace(plan, outcomes=(outcome,))
    heard: list[ChangeReport] = []

    async def carry_out() -> None:
        change = await fleet.registry.mailbox.orders.receive()
        change.report = plan
        change.planned.set()
        if "ndjson" in accept:
            await told.wait()
        change.report = done
        change.done.set()

    def planned(report: ChangeReport) -> None:
        heard.append(report)
        trio.from_thread.run_sync(told.set)

    nursery.start_soon(carry_out)
    with trio.fail_after(5):
        came = await trio.to_thread.run_sync(lambda: ApiClient(lease).scale({"web": 1}, planned))
    assert came == done
    assert [report.sentences for report in heard] == [("add web:1",)]


async def test_a_change_that_fails_after_its_plan_is_an_error(
    lease: Lease, fleet: Fleet, nursery: trio.Nursery
) -> None:
    async def carry_out() -> None:
        change = await fleet.registry.mailbox.orders.receive()
        change.report = ChangeReport.of({})
        change.planned.set()
        await trio.testing.wait_all_tasks_blocked(0.05)
        change.error = UsageError("it is not so", hint="another way")
        change.done.set()

    nursery.start_soon(carry_out)
    with pytest.raises(RpxError, match="it is not so") as error:
        await trio.to_thread.run_sync(lambda: ApiClient(lease).reload(lambda _: None))
    assert error.value.exit_code == UsageError.exit_code
    assert error.value.problems[0].hint == "another way"


async def test_a_project_that_ends_in_the_middle_of_a_change_has_not_made_it(
    lease: Lease, nursery: trio.Nursery
) -> None:
    hub = registry(spec(3000))
    async with trio.open_nursery() as project:
        await project.start(Control(lease.socket), hub, Shutdown())

        async def carry_out() -> None:
            change = await hub.mailbox.orders.receive()
            change.report = ChangeReport.of({})
            change.planned.set()

        def planned(_: ChangeReport) -> None:
            trio.from_thread.run_sync(project.cancel_scope.cancel)

        nursery.start_soon(carry_out)
        with pytest.raises(RpxError, match="broke"):
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(lambda: ApiClient(lease).reload(planned))


async def test_logs_are_split_at_newlines_alone(lease: Lease, fleet: Fleet) -> None:
    backend = fleet.registry.endpoint("api:3000")
    texts = ["one", "two\u2028still two\x85\x0b", "three"]
    for text in texts:
        fleet.registry.print(process_of(backend), text.encode() + b"\n")

    def work() -> list[str]:
        client = ApiClient(lease)
        return [line.text for line in client.logs([])]

    assert await trio.to_thread.run_sync(work) == texts


async def test_followed_logs_end_with_the_project(lease: Lease, nursery: trio.Nursery) -> None:
    hub = registry(spec(3000))
    hub.print(process_of(hub.endpoint("api:3000")), b"before\n")
    first = trio.Event()

    def work() -> list[str]:
        client = ApiClient(lease)
        with client.follow(["api"]) as lines:
            trio.from_thread.run_sync(first.set)
            return [line.text for line in lines if isinstance(line, LogLines)]

    async with trio.open_nursery() as project:
        await project.start(Control(lease.socket), hub, Shutdown())
        result: list[str] = []

        async def follow() -> None:
            result.extend(await trio.to_thread.run_sync(work))

        nursery.start_soon(follow)
        await first.wait()
        hub.print(process_of(hub.endpoint("api:3000")), b"hello\n")
        await trio.testing.wait_all_tasks_blocked(0.05)
        project.cancel_scope.cancel()
    with trio.fail_after(5):
        while not result:
            await trio.testing.wait_all_tasks_blocked(0.01)
    assert result == ["hello"]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that has gone is not waited for as long as by users."""
    monkeypatch.setattr("rpx.runs.api_client.THERE_WITHIN", 0.2)


def ask_nobody(lease: Lease) -> None:
    client = ApiClient(lease)
    with pytest.raises(NotRunning, match="does not listen"):
        client.ps()


@pytest.mark.usefixtures("soon")
def test_nobody_on_the_socket_means_not_running(lease: Lease) -> None:
    ask_nobody(lease)


@pytest.mark.usefixtures("soon")
def test_a_stale_socket_means_not_running(lease: Lease) -> None:
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(lease.socket))
    ask_nobody(lease)


def test_the_wish_to_end_is_no_order_that_takes_minutes(
    lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpx.runs.api_client.ANSWERS_WITHIN", 0.1)
    with socket.socket(socket.AF_UNIX) as suspended:
        suspended.bind(str(lease.socket))
        suspended.listen()
        with pytest.raises(TookTooLong, match="does not answer"):
            ApiClient(lease).down()


async def test_somebody_else_on_the_socket_is_an_error_not_a_traceback(
    lease: Lease, nursery: trio.Nursery
) -> None:
    async def answer(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno")

    listener = trio.socket.socket(socket.AF_UNIX)
    await listener.bind(str(lease.socket))
    listener.listen(1)
    serve = partial(trio.serve_listeners, answer, [trio.SocketListener(listener)])
    nursery.start_soon(serve)

    def work() -> None:
        client = ApiClient(lease)
        client.ps()

    with pytest.raises(RpxError, match="answered 500"):
        await trio.to_thread.run_sync(work)
    nursery.cancel_scope.cancel()
