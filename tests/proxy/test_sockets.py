"""Wires: what a read, a send and a cut promise."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import trio

from rpx.proxy.dial import Place, call
from rpx.proxy.reactor import Reactor
from rpx.proxy.sockets import TURN, Wire, accept
from rpx.proxy.wire import Cut, NotSent, WireCut
from tests.support.raw import SOON


@pytest.fixture
def pair() -> Iterator[tuple[Wire, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield Wire(ours, Reactor()), theirs


async def test_a_read_that_is_cancelled_loses_nothing(pair: tuple[Wire, socket.socket]) -> None:
    wire, peer = pair
    got = b""
    for number in range(3 * TURN):
        peer.send(bytes([number]))
        with trio.CancelScope() as scope:
            scope.cancel(reason="that is the test")
            got += await wire.receive()
    with trio.fail_after(SOON):
        while len(got) < 3 * TURN:
            got += await wire.receive()
    assert got == bytes(range(3 * TURN))


async def test_a_side_that_never_lets_a_reader_wait_does_not_stop_the_others(
    pair: tuple[Wire, socket.socket], nursery: trio.Nursery
) -> None:
    wire, peer = pair
    others = trio.Event()

    async def other() -> None:
        others.set()

    nursery.start_soon(other)
    for _ in range(3 * TURN):  # who goes first of two is chance, once
        peer.send(b"x")
        await wire.receive()
    assert others.is_set()


async def test_a_cut_ends_a_wait_and_says_why(
    pair: tuple[Wire, socket.socket], nursery: trio.Nursery
) -> None:
    wire, _ = pair

    async def cut() -> None:
        wire.cut(Cut.GONE)

    nursery.start_soon(cut)
    with pytest.raises(WireCut) as caught:
        await wire.receive()
    assert caught.value.cut is Cut.GONE


async def test_a_read_after_a_cut_says_why_too(pair: tuple[Wire, socket.socket]) -> None:
    wire, _ = pair
    wire.cut(Cut.LATE)
    wire.cut(Cut.GONE)  # the first reason stays
    with pytest.raises(WireCut) as caught:
        await wire.receive()
    assert caught.value.cut is Cut.LATE


async def test_a_send_whose_first_byte_does_not_leave_says_so(
    pair: tuple[Wire, socket.socket],
) -> None:
    wire, peer = pair
    peer.close()
    with pytest.raises(NotSent):
        await wire.send(b"x")
    with pytest.raises(NotSent):
        await wire.send_pieces([b"x" * 3000, b"y" * 3000])


@pytest.mark.parametrize("pieces", [[b"x" * 3_000_000], [b"x" * 1_000_000, b"y" * 2_000_000]])
async def test_a_send_is_over_when_all_has_been_taken(
    pieces: list[bytes], pair: tuple[Wire, socket.socket], nursery: trio.Nursery
) -> None:
    wire, peer = pair
    peer.setblocking(False)
    reader = Wire(peer, Reactor())
    nursery.start_soon(wire.send_pieces, pieces)
    got = b""
    with trio.fail_after(SOON):
        while len(got) < 3_000_000:
            got += await reader.receive()
    assert got == b"".join(pieces)


async def test_an_idle_wire_is_quiet_until_something_comes(
    pair: tuple[Wire, socket.socket],
) -> None:
    wire, peer = pair
    assert wire.is_quiet()
    peer.send(b"x")
    assert not wire.is_quiet()
    assert await wire.receive() == b"x"
    peer.close()
    assert not wire.is_quiet()


async def test_connecting_to_nobody_raises() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            call(Place(socket.AF_INET, sock.getsockname()))


async def test_a_client_that_connects_is_accepted_with_its_address() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        ours, _ = call(Place(socket.AF_INET, listener.getsockname()))
        with trio.fail_after(SOON):
            sock, address, port = await accept(listener)
        with sock, ours:
            assert (address, port) == ours.getsockname()
