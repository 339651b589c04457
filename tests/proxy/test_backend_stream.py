"""A request that shares a connection to its backend, where that connection comes to its end."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, cast

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from rpx.http import frames
from rpx.http.backend_heads import head_from_backend
from rpx.http.frames import frame
from rpx.http.limits import BadMessage
from rpx.hub.seats import Seats
from rpx.proxy.backend_connection import BackendConnection
from rpx.proxy.backend_stream import HEADS, BackendStream
from rpx.proxy.outlet import AHEAD
from rpx.proxy.reactor import Reactor
from rpx.proxy.shared_connections import SharedConnections
from rpx.proxy.sockets import Wire
from rpx.proxy.wire import NotSent
from tests.http.h2_sessions import SETTINGS, request

if TYPE_CHECKING:
    from rpx.hub.endpoint import Endpoint

ASKED = b"GET / HTTP/1.1\r\nHost: a.localhost\r\n\r\n"
FOR_ONE = frame(frames.SETTINGS, 0, 0, b"\0\3\0\0\0\1")  # streams at the same time
EARLY = ((b":status", b"103"), (b"link", b"</a>"))


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[BackendConnection, socket.socket]]:
    """A connection that is ready, and the other end of it, from which nobody reads."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    reactor = Reactor()
    wire = Wire(ours, reactor)
    wire.seat = Seats().enter(0.0)
    connection = BackendConnection(wire, reactor, b"http", head=65536, keeps=lambda: 60.0)
    with theirs, trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.serve)
            theirs.sendall(SETTINGS)
            await connection.ready.wait()
            yield connection, theirs
            connection.close()


async def _ask(stream: BackendStream, errors: list[OSError]) -> None:
    try:
        await stream.ask(ASKED, None)
    except OSError as error:
        errors.append(error)


async def test_who_waits_for_its_turn_is_told_when_the_connection_ends() -> None:
    errors: list[OSError] = []
    async with connected() as (connection, theirs), trio.open_nursery() as nursery:
        connection.session.put(bytes(16_000_000))  # more than the kernel takes
        connection.outlet.tell()
        await wait_all_tasks_blocked()
        connection.session.put(bytes(AHEAD))
        nursery.start_soon(partial(_ask, connection.stream(), errors))
        await wait_all_tasks_blocked()
        assert not errors
        theirs.close()
    assert [type(each) for each in errors] == [NotSent]


async def test_heads_that_nobody_takes_are_bounded() -> None:
    async with connected() as (connection, theirs):
        stream = connection.stream()
        await stream.ask(ASKED, None)
        for _ in range(HEADS + 1):
            theirs.sendall(request(1, EARLY, end=False))
        await wait_all_tasks_blocked()
        for _ in range(HEADS):
            assert await stream.receive() == head_from_backend(EARLY)
        with pytest.raises(BadMessage, match="without end"):
            await stream.receive()


async def test_who_has_made_a_connection_has_its_first_place() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    reactor, begun = Reactor(), list[BackendStream]()
    errors: list[ExceptionGroup[Exception]] = []
    wire = Wire(ours, reactor)
    wire.seat = Seats().enter(0.0)
    connection = BackendConnection(wire, reactor, b"http", head=65536, keeps=lambda: 60.0)
    shared = SharedConnections(reactor, errors.append)
    backend = cast("Endpoint", object())  # it is only a key here

    async def begin() -> None:
        begun.append(await shared.begin(backend, connection, 30.0))

    with theirs, trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            await nursery.start(reactor.run)
            nursery.start_soon(begin)
            await wait_all_tasks_blocked()
            connection.session.feed(FOR_ONE, trio.current_time())
            assert shared.stream(backend) is None
            await wait_all_tasks_blocked()
            await begun[0].ask(ASKED, None)
            begun[0].drop()
            connection.close()
            reactor.finish()
        reactor.close()
    assert not errors
