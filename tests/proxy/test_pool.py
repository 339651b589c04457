"""Connections to backends at rest: how many, for how long, and whether they still stand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from rpx.hub import seats
from rpx.model.address import Address, Tls
from rpx.model.own_settings import Limits, Timeouts
from tests.proxy.house import House, get, post, running, until
from tests.support.origin import OK, Origin, Script, answers, origin
from tests.support.raw import Raw
from tests.support.tls import Authority

Lead = Callable[..., AbstractAsyncContextManager[tuple[Origin, House]]]


@pytest.fixture(params=["tcp", "unix", "tls"])
def leading(request: pytest.FixtureRequest, tmp_path: Path, authority: Authority) -> Lead:
    """What begins a backend and a server in front of it, connected in one of the ways."""

    @asynccontextmanager
    async def begin(
        *scripts: Script, timeouts: Timeouts | None = None, limits: Limits | None = None
    ) -> AsyncIterator[tuple[Origin, House]]:
        path = str(tmp_path / "s") if request.param == "unix" else ""
        tls = authority.server() if request.param == "tls" else None
        async with origin(*scripts, path=path, tls=tls) as backend:
            secure = Address("localhost", backend.port, Tls(ca=str(authority.file)))
            place = secure if tls else backend
            async with running(place, timeouts=timeouts, limits=limits) as house:
                yield backend, house

    return begin


async def one_at_rest(backend: Origin, house: House) -> tuple[Raw, Raw]:
    """A client, and the backend's end of a connection that has had its first answer."""
    client = await house.client()
    await client.send(get())
    end = await backend.accept()
    await end.request()
    await end.send(OK)
    await client.answer()
    return client, end


async def test_one_connection_serves_one_request_after_the_other(leading: Lead) -> None:
    async with leading(answers(OK)) as (backend, house):
        client = await house.client()
        for request in (get(), get(method="DELETE"), get("/2"), get(method="OPTIONS")):
            await client.send(request)
            assert (await client.answer()).body == b"ok"
        assert len(backend.visits) == 1


async def test_no_more_stay_than_may(leading: Lead, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "MOST", 1)
    for name in ("PATIENCE", "LONGER"):  # else none stays while others wait on a busy machine
        monkeypatch.setattr(seats, name, 60.0)
    async with leading() as (backend, house):
        clients = [await house.client() for _ in range(3)]
        for client in clients:
            await client.send(get())
        ends = [await backend.accept() for _ in clients]
        for end in ends:
            await end.request()
            await end.send(OK)
            await until(lambda: any(house.backends[0].seats.idle.values()), "first")
        for client in clients:
            await client.answer()
        [wires] = house.backends[0].seats.idle.values()
        assert len(wires) == 1
        assert not any([await end.more() for end in ends[1:]])


async def test_no_more_are_busy_than_may(leading: Lead) -> None:
    async with leading(limits=Limits(requests_per_backend=1)) as (backend, house):
        first, second = await house.client(), await house.client()
        await first.send(get())
        end = await backend.accept()
        await end.request()
        await second.send(get())
        answer = await second.answer()
        assert (answer.status, answer.field("Retry-After")) == (503, "1")
        await end.send(OK)
        assert (await first.answer()).status == 200
        await second.send(get())
        await end.request()
        await end.send(OK)
        assert (await second.answer()).status == 200


async def test_one_that_rests_for_too_long_is_closed(
    leading: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seats, "TICK", 0.02)
    async with leading(timeouts=Timeouts(upstream_idle=0.1)) as (backend, house):
        client, end = await one_at_rest(backend, house)
        client.close()
        assert not await end.more()
        assert not house.backends[0].seats.idle


async def test_those_to_a_backend_that_is_out_are_closed(leading: Lead) -> None:
    async with leading() as (backend, house):
        _, end = await one_at_rest(backend, house)
        house.out(house.backends[0])
        assert not await end.more()


@pytest.mark.parametrize("how", ["closed", "reset", "unasked"])
async def test_one_that_has_died_at_rest_is_noticed_before_it_is_used(
    leading: Lead, how: str
) -> None:
    async with leading() as (backend, house):
        client, end = await one_at_rest(backend, house)
        match how:
            case "closed":
                end.close()
            case "reset":
                end.reset()
            case _:
                await end.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await client.send(post())  # not to be sent twice: only a look can tell
        other = await backend.accept()
        assert await other.request() is not None
        await other.send(OK)
        assert (await client.answer()).body == b"ok"
        assert house.backends[0].counts.errors == 0


async def test_all_that_rest_are_closed_at_the_end(leading: Lead) -> None:
    async with leading() as (backend, house):
        _, end = await one_at_rest(backend, house)
        house.stop()
        await until(house.done.is_set, "the server does not go down")
        assert not await end.more()
