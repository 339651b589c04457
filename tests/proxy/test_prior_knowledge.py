"""HTTP/2 on the plain port: a client that knows beforehand that it is spoken begins with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
import trio.testing

from rpx.http.frames import PREFACE
from tests.proxy.h2_client import Client
from tests.proxy.house import HOST, get, running
from tests.proxy.test_inlets import API, port_of, services
from tests.support.origin import OK, answers, origin


@asynccontextmanager
async def knowing(port: int, *, pieces: int = 0) -> AsyncIterator[Client]:
    """Connect, and begin with HTTP/2. `pieces`: bytes of which the beginning is sent at a time."""
    sock = trio.socket.socket()
    await sock.connect(("127.0.0.1", port))
    peer = Client(sock)
    try:
        peer.h2.initiate_connection()
        if pieces:
            data = peer.h2.data_to_send()
            for at in range(0, len(data), pieces):
                await peer.raw(data[at : at + pieces])
                await trio.testing.wait_all_tasks_blocked()
        await peer.flush()
        yield peer
    finally:
        sock.close()


async def test_http_2_is_spoken_on_the_plain_port_to_who_begins_with_it() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        async with knowing(house.port) as peer:
            got = await peer.answer(await peer.ask("/a"))
            assert (got.status, got.body) == (200, b"ok")
            assert b"X-Forwarded-Proto: http\r\n" in backend.requests[0]
            again = await peer.answer(await peer.ask("/b", method="POST", body=b"hello"))
            assert again.status == 200


async def test_its_beginning_may_come_in_any_pieces() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        for pieces in (1, 17, 18, 23):
            async with knowing(house.port, pieces=pieces) as peer:
                assert (await peer.answer(await peer.ask())).status == 200


async def test_behind_another_request_it_is_none() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        assert (await client.answer()).status == 200
        await client.send(PREFACE)
        assert (await client.answer()).status == 505


async def test_a_host_that_nobody_has_is_told_so_over_it() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        async with knowing(house.port) as peer:
            assert (await peer.answer(await peer.ask(host="nobody.localhost"))).status == 404
            assert (await peer.answer(await peer.ask(host=HOST))).status == 200


async def test_who_comes_by_an_inlet_may_speak_it_and_is_for_its_proxy() -> None:
    async with services() as it, knowing(port_of(it.inlets[API])) as peer:
        got = await peer.answer(await peer.ask("/a", host="127.0.0.1:20123"))
        assert (got.status, got.body) == (200, API.encode())
        assert b"\r\nHost: api.localhost:8443\r\n" in it.origins[API].requests[0]
