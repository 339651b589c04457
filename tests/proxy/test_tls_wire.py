"""A wire that speaks TLS, on both sides of it, against the implementations of others."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import pytest
import trio

from rpx.hub.backend_tls import tell_cut_from_end
from rpx.proxy.reactor import Reactor
from rpx.proxy.sockets import TURN, Wire
from rpx.proxy.tls import TlsWire
from rpx.proxy.wire import Cut, NotSent, WireCut
from tests.support.raw import SOON
from tests.support.tls import Authority

BIG = bytes(range(256)) * 12_000


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def believing(authority: Authority) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.file))
    tell_cut_from_end(context)
    return context


class Peer:
    """A server whose every byte is sent by hand."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self.sock = sock
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.into, self.out, server_side=True)

    def deliver(self) -> None:
        """Send what there is to send."""
        self.sock.send(self.out.read())

    async def handshake(self) -> None:
        """Take the client's side until all is agreed; the tickets stay here."""
        sock = trio.socket.from_stdlib_socket(self.sock)
        while True:
            self.into.write(await sock.recv(65536))
            try:
                return self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await sock.send(self.out.read())


@pytest.fixture
async def joined(
    pair: tuple[socket.socket, socket.socket], authority: Authority, believing: ssl.SSLContext
) -> tuple[TlsWire, Peer]:
    """A client's wire and its peer, after the handshake."""
    ours, theirs = pair
    theirs.setblocking(False)
    wire, peer = (
        TlsWire(ours, Reactor(), believing, host="localhost"),
        Peer(theirs, authority.server()),
    )
    with trio.fail_after(SOON):
        async with trio.open_nursery() as both:
            both.start_soon(peer.handshake)
            await wire.handshake()
    return wire, peer


async def test_tickets_that_come_at_rest_leave_a_connection_quiet(
    joined: tuple[TlsWire, Peer],
) -> None:
    wire, peer = joined
    assert wire.is_quiet()
    assert peer.out.pending
    peer.deliver()
    assert wire.is_quiet()
    assert wire.is_quiet()


async def test_tickets_are_nothing_that_comes_soon_and_what_does_is_read(
    joined: tuple[TlsWire, Peer],
) -> None:
    wire, peer = joined
    assert await wire.receive_soon() is None
    peer.deliver()
    with trio.fail_after(SOON):
        assert await wire.receive_soon() is None
    peer.tls.write(b"body")
    peer.deliver()
    assert await wire.receive_soon() == b"body"


@pytest.mark.parametrize("tickets", [False, True])
async def test_what_nobody_asked_for_is_not_quiet(
    joined: tuple[TlsWire, Peer], *, tickets: bool
) -> None:
    wire, peer = joined
    if not tickets:
        peer.out.read()
    peer.tls.write(b"unasked")
    peer.deliver()
    assert not wire.is_quiet()


async def test_a_close_notify_is_not_quiet(joined: tuple[TlsWire, Peer]) -> None:
    wire, peer = joined
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.unwrap()
    peer.deliver()
    assert not wire.is_quiet()
    peer.sock.close()
    assert not wire.is_quiet()


async def test_a_read_returns_all_records_that_have_come(joined: tuple[TlsWire, Peer]) -> None:
    wire, peer = joined
    for piece in (b"one", b"two", b"three"):
        peer.tls.write(piece)
    peer.deliver()
    assert await wire.receive() == b"onetwothree"


async def test_a_read_that_is_cancelled_loses_nothing(joined: tuple[TlsWire, Peer]) -> None:
    wire, peer = joined
    got = b""
    for number in range(3 * TURN):
        peer.tls.write(bytes([number]))
        sealed = peer.out.read()
        peer.sock.send(sealed[:7])
        for rest in (sealed[7:], b""):
            with trio.CancelScope() as scope:
                scope.cancel(reason="that is the test")
                got += await wire.receive()
            peer.sock.send(rest)
    with trio.fail_after(SOON):
        while len(got) < 3 * TURN:
            got += await wire.receive()
    assert got == bytes(range(3 * TURN))


async def test_after_a_close_notify_comes_the_end_again_and_again(
    joined: tuple[TlsWire, Peer],
) -> None:
    wire, peer = joined
    peer.tls.write(b"last")
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.unwrap()
    peer.deliver()
    assert [await wire.receive() for _ in range(3)] == [b"last", b"", b""]
    await wire.finish_sending()
    assert await wire.receive() == b""


async def test_after_a_cut_comes_an_error_again_and_again(joined: tuple[TlsWire, Peer]) -> None:
    wire, peer = joined
    peer.tls.write(b"last")
    peer.deliver()
    peer.sock.close()
    assert await wire.receive() == b"last"
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            await wire.receive()


async def test_bytes_that_are_no_records_are_an_error_again_and_again(
    joined: tuple[TlsWire, Peer],
) -> None:
    wire, peer = joined
    peer.tls.write(b"last")
    peer.sock.send(peer.out.read() + b"GET / HTTP/1.1\r\n\r\n")
    assert await wire.receive() == b"last"
    for _ in range(2):
        with pytest.raises(OSError, match=r"SSL|EOF"):
            await wire.receive()
    with pytest.raises(OSError):  # noqa: PT011 - whatever OpenSSL calls it
        await wire.send(b"x")


async def test_a_send_whose_first_byte_does_not_leave_says_so(
    joined: tuple[TlsWire, Peer],
) -> None:
    wire, peer = joined
    peer.sock.close()
    with pytest.raises(NotSent):
        await wire.send_pieces([b"x", b"y"])


async def test_a_cut_ends_a_wait_and_says_why(
    joined: tuple[TlsWire, Peer], nursery: trio.Nursery
) -> None:
    wire, _ = joined

    async def cut() -> None:
        wire.cut(Cut.GONE)

    nursery.start_soon(cut)
    with pytest.raises(WireCut) as caught:
        await wire.receive()
    assert caught.value.cut is Cut.GONE


# ---------------------------------------------------------------- as a server


@pytest.fixture
async def served(
    pair: tuple[socket.socket, socket.socket], authority: Authority, believing: ssl.SSLContext
) -> tuple[TlsWire, trio.SSLStream[trio.SocketStream]]:
    """A server's wire and a client of trio's."""
    ours, theirs = pair
    theirs.setblocking(False)
    wire = TlsWire(ours, Reactor(), authority.server(), server_side=True)
    transport = trio.SocketStream(trio.socket.from_stdlib_socket(theirs))
    client = trio.SSLStream(transport, believing, server_hostname="localhost")
    with trio.fail_after(SOON):
        async with trio.open_nursery() as both:
            both.start_soon(client.do_handshake)
            await wire.handshake()
    return wire, client


async def test_large_amounts_go_both_ways_at_once(
    served: tuple[TlsWire, trio.SSLStream[trio.SocketStream]],
) -> None:
    wire, client = served
    got = {"wire": b"", "client": b""}

    async def drink() -> None:
        while len(got["client"]) < len(BIG):
            got["client"] += await client.receive_some(65536)

    with trio.fail_after(10):
        async with trio.open_nursery() as both:
            both.start_soon(client.send_all, BIG)
            both.start_soon(wire.send_pieces, [BIG[:100], BIG[100:]])
            both.start_soon(drink)
            while len(got["wire"]) < len(BIG):
                got["wire"] += await wire.receive()
    assert got == {"wire": BIG, "client": BIG}


async def test_the_end_of_sending_is_a_close_notify_and_reading_goes_on(
    served: tuple[TlsWire, trio.SSLStream[trio.SocketStream]],
) -> None:
    wire, client = served
    await client.send_all(b"sent before")
    await wire.finish_sending()
    assert await client.receive_some() == b""  # else trio raises
    assert await wire.receive() == b"sent before"
    await wire.finish_sending()


async def test_a_close_alone_is_no_end(
    served: tuple[TlsWire, trio.SSLStream[trio.SocketStream]],
) -> None:
    wire, client = served
    wire.close()
    wire.close()
    with pytest.raises(trio.BrokenResourceError):
        await client.receive_some()


async def test_a_client_that_does_not_believe_us_ends_the_handshake(
    pair: tuple[socket.socket, socket.socket], authority: Authority
) -> None:
    ours, theirs = pair
    theirs.setblocking(False)
    wire = TlsWire(ours, Reactor(), authority.server(), server_side=True)
    transport = trio.SocketStream(trio.socket.from_stdlib_socket(theirs))
    client = trio.SSLStream(transport, ssl.create_default_context(), server_hostname="localhost")

    async def shake() -> None:
        with pytest.raises(trio.BrokenResourceError):
            await client.do_handshake()
        await client.transport_stream.aclose()

    with trio.fail_after(SOON):
        async with trio.open_nursery() as both:
            both.start_soon(shake)
            with pytest.raises(ssl.SSLError):
                await wire.handshake()
    wire.close()


async def test_others_have_their_turn_behind_a_read_of_many_records(
    joined: tuple[TlsWire, Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[Wire] = []

    async def counted(wire: Wire) -> None:
        turns.append(wire)

    monkeypatch.setattr(Wire, "give_way", counted)
    wire, peer = joined
    for count in (10, 1000):
        for _ in range(count):
            peer.tls.write(b"x")
        peer.deliver()
        assert await wire.receive() == b"x" * count
    assert not turns
    peer.tls.write(b"y")
    peer.deliver()
    assert await wire.receive() == b"y"
    assert turns == [wire]
