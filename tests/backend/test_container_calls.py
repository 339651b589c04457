"""Whether somebody inside has taken a call, or only who holds the port of a container."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio

from rpx.backend.claim import Claim
from rpx.backend.probe import REFUSED
from rpx.model.address import Address
from rpx.model.container import Container
from tests.support.bench import process_of, registry, spec

Handler = Callable[[trio.SocketStream], Awaitable[None]]


@asynccontextmanager
async def holder(handle: Handler) -> AsyncIterator[int]:
    """A port of this machine, held by this very process: the port."""
    async with trio.open_nursery() as nursery:
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listener.socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        yield port
        nursery.cancel_scope.cancel()


async def hang_up(stream: trio.SocketStream) -> None:
    await stream.aclose()


async def listen(stream: trio.SocketStream) -> None:
    await stream.receive_some()


async def greet(stream: trio.SocketStream) -> None:
    await stream.send_all(b"220 ready\r\n")
    await stream.receive_some()


@pytest.mark.parametrize(
    ("handle", "image", "failure"),
    [
        (hang_up, "redis:7", REFUSED),
        (listen, "redis:7", None),
        (greet, "mailpit", None),
        (hang_up, "", None),  # a process of this machine may do as it likes
    ],
)
async def test_a_call_that_ends_at_once_was_taken_by_nobody_inside(
    handle: Handler, image: str, failure: str | None
) -> None:
    container = Container(image=image) if image else None
    async with holder(handle) as port:
        the = registry(spec(port, command=(), container=container))
        [backend] = the.backends.values()
        claim = Claim(the, process_of(backend), "test.1")
        found, _ = await claim.find(Address("127.0.0.1", port), 5.0)
    assert found == failure
