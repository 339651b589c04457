"""A reactor with nothing around it, with epoll and without, and wires on it."""

from __future__ import annotations

import select
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
import trio
import trio.testing

from rpx.proxy.reactor import Reactor
from rpx.proxy.sockets import Wire
from tests.support.raw import SOON


async def start(reactor: Reactor, nursery: trio.Nursery, poll: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if poll == "no epoll":
            patch.delattr(select, "epoll", raising=False)
        await nursery.start(reactor.run)


@asynccontextmanager
async def running(poll: str) -> AsyncIterator[Reactor]:
    """A reactor that is told to finish at the end of the block, and has to."""
    reactor = Reactor()
    try:
        with trio.fail_after(SOON):
            async with trio.open_nursery() as nursery:
                await start(reactor, nursery, poll)
                yield reactor
                reactor.finish()
    finally:
        reactor.close()


@contextmanager
def pair(reactor: Reactor) -> Iterator[tuple[Wire, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    wire = Wire(ours, reactor)
    try:
        with theirs:
            yield wire, theirs
    finally:
        wire.close()
