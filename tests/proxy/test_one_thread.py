"""Backends with one thread that stays with a connection: nobody waits for one that only rests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio

from rpx.backend.health_checks import Vigil, watch_endpoint
from rpx.backend.wellness import check_endpoint
from rpx.model.address import Address, Tls
from rpx.model.config import HealthCheck
from tests.proxy.house import House, get, post, running, until
from tests.support.bench import endpoint_of
from tests.support.origin import OK, Origin, origin
from tests.support.specs import varied
from tests.support.tls import Authority

QUICK = 1.5  # seconds: far less than a connection rests (4)


class OneThread:
    """Serves one connection after the other, each to its end; `gate`: its answers wait for it."""

    def __init__(self, backend: Origin) -> None:
        self.backend = backend
        self.gate = trio.Event()
        self.gate.set()
        self.served = 0

    async def run(self) -> None:
        while True:
            sock, _ = await self.backend._listener.accept()
            raw = self.backend._visit(sock)
            with suppress(OSError):
                while await raw.request() is not None:
                    await self.gate.wait()
                    self.served += 1
                    await raw.send(OK)
            raw.close()


@asynccontextmanager
async def begun(
    kind: str, tmp_path: Path, authority: Authority
) -> AsyncIterator[tuple[OneThread, House]]:
    path = str(tmp_path / "s") if kind == "unix" else ""
    tls = authority.server() if kind == "tls" else None
    asked = HealthCheck(interval=0.05, timeout=2 * QUICK)
    async with origin(path=path, tls=tls) as backend, trio.open_nursery() as nursery:
        thread = OneThread(backend)
        nursery.start_soon(thread.run)
        secure = Address("localhost", backend.port, Tls(ca=str(authority.file)))
        async with running(secure if tls else backend, check=asked) as house:
            yield thread, house
        nursery.cancel_scope.cancel()


KINDS = pytest.mark.parametrize("kind", ["tcp", "unix", "tls"])


@KINDS
async def test_requests_that_overlap_are_answered_one_after_the_other(
    kind: str, tmp_path: Path, authority: Authority
) -> None:
    async with begun(kind, tmp_path, authority) as (thread, house):
        clients = [await house.client() for _ in range(6)]
        for _ in range(3):
            thread.gate = trio.Event()
            for client in clients:
                await client.send(get())
            await until(lambda: house.backends[0].in_flight == 6, "not all are asked")
            thread.gate.set()
            with trio.fail_after(QUICK):
                for client in clients:
                    assert (await client.answer()).body == b"ok"


@KINDS
async def test_a_form_is_not_kept_waiting_by_the_page_it_was_on(
    kind: str, tmp_path: Path, authority: Authority
) -> None:
    async with begun(kind, tmp_path, authority) as (_, house):
        client = await house.client()
        with trio.fail_after(QUICK):
            for request in (get(), post()) * 6:
                await client.send(request)
                assert (await client.answer()).body == b"ok"


@KINDS
async def test_its_health_is_asked_between_two_requests(
    kind: str, tmp_path: Path, authority: Authority
) -> None:
    async with begun(kind, tmp_path, authority) as (thread, house):
        client, backend = await house.client(), house.backends[0]
        over = False
        async with trio.open_nursery() as nursery:
            vigil = Vigil(lambda: check_endpoint(backend), over=lambda: over)
            nursery.start_soon(watch_endpoint, house.registry, backend, vigil)
            for number in range(8):
                await client.send(get())
                assert (await client.answer()).body == b"ok"
                await until(lambda n=number: thread.served >= 2 * n, "no check comes through")  # type: ignore[misc]
            assert backend.in_rotation
            assert not backend.last_error
            over = True
            nursery.cancel_scope.cancel()


async def test_two_hosts_at_one_address_make_room_for_each_other(
    tmp_path: Path, authority: Authority
) -> None:
    async with begun("tcp", tmp_path, authority) as (_, house):
        [backend] = house.backends
        other = house.registry.add(
            varied(house.registry.backends[backend.label].spec, name="web", host="web.localhost")
        )
        assert endpoint_of(other).seats is backend.seats
