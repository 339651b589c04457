"""What an HTTP/2 client can do to us is bounded, and browsers never come near the bounds."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
import trio
from h2.errors import ErrorCodes
from hpack import Encoder

from rpx.http import calm
from tests.proxy.h2_client import Client, client
from tests.proxy.house import HOST, House, running, until
from tests.support.origin import OK, answers, never, origin

HEAD = [(":method", "GET"), (":scheme", "https"), (":authority", HOST), (":path", "/")]
GOAWAY = bytes.fromhex("000008070000000000")
CALM = ErrorCodes.ENHANCE_YOUR_CALM


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return a frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def block() -> bytes:
    """Return the encoded head of a request."""
    return bytes(Encoder().encode(HEAD))


def resets() -> bytes:
    encoder, out = Encoder(), b""
    for stream in range(1, 20_001, 2):
        out += frame(1, 5, stream, bytes(encoder.encode(HEAD))) + frame(3, 0, stream, bytes(4))
    return out


FLOODS: list[Callable[[], bytes]] = [
    resets,
    lambda: frame(4, 0, 0, b"") * 3000,  # SETTINGS
    lambda: frame(6, 0, 0, bytes(8)) * 3000,  # PING
    lambda: frame(1, 4, 1, block()) + frame(0, 0, 1, b"") * 3000,  # DATA without any
    lambda: frame(1, 4, 1, block()) + frame(0, 8, 1, b"\x02\0\0") * 3000,  # or just padding
    lambda: frame(1, 4, 1, block()) + frame(2, 0, 1, bytes(5)) * 3000,  # PRIORITY
    lambda: frame(1, 4, 1, block()) + frame(8, 0, 1, b"\0\0\0\1") * 3000,  # WINDOW_UPDATE
    lambda: frame(200, 0, 0, b"") * 3000,  # of a kind that nobody knows
    lambda: frame(1, 1, 1, block()) + frame(9, 0, 1, b"") * 100,  # CONTINUATION
    lambda: frame(1, 1, 1, b"") + frame(9, 0, 1, b"\x40\x01x\x7f\x80\x7f" + bytes(16000)) * 9,
    # A table entry of 4,000 bytes, named a hundred times: 400 KB in 100 bytes.
    lambda: frame(1, 5, 1, block() + b"\x40\x01x\x7f\xa1\x1e" + b"x" * 4000 + b"\xbe" * 100),
]


async def soon_over(house: House, peer: Client) -> int:
    """Return the code of the GOAWAY that ends the connection."""
    code = (await peer.goaway())[1]
    await peer.end()
    peer.sock.close()
    await until(lambda: not house.shared.sweeper.connections, "it is still there")
    await house.idle()
    return code


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_ends_the_connection(flood: Callable[[], bytes]) -> None:
    async with origin(never) as backend, running(backend) as house, client(house) as peer:
        await peer.settled()
        try:
            await peer.raw(flood())
        except OSError:
            pass  # we are told, and then nobody listens
        assert await soon_over(house, peer) == CALM


async def test_who_makes_us_reset_streams_is_as_one_who_resets_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calm, "RATE", 50.0)  # a busy machine is slower than an attacker
    async with origin(never) as backend, running(backend) as house, client(house) as peer:
        await peer.settled()
        encoder, got, first = Encoder(), b"", 1
        with trio.fail_after(30):
            while GOAWAY not in got:
                assert first < 6000, "nobody minds"
                data, got = b"", b""
                for stream in range(first, first + 100, 2):
                    data += frame(1, 4, stream, bytes(encoder.encode(HEAD)))
                    data += frame(1, 5, stream, b"\x00\x01A\x01b")  # trailers that are none
                first += 100
                await peer.raw(data)
                while got.count(b"\x00\x00\x04\x03") < 50 and GOAWAY not in got:
                    got += await peer.sock.recv(65536)
        assert got.partition(GOAWAY)[2][4:8] == CALM.to_bytes(4, "big")


async def test_a_frame_larger_than_allowed_ends_the_connection_before_it_has_come() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        await peer.raw(b"\x00\x40\x01\x00\x00\x00\x00\x00\x01")
        assert await soon_over(house, peer) == ErrorCodes.FRAME_SIZE_ERROR


async def test_what_is_no_http_2_ends_the_connection() -> None:
    async with origin() as backend, running(backend) as house:
        async with client(house, greet=False) as peer:
            await peer.raw(b"GET / HTTP/1.1\r\nHost: api.localhost\r\n\r\n")
            assert await soon_over(house, peer)


async def test_replies_for_a_client_that_reads_nothing_are_bounded() -> None:
    async with origin(never) as backend, running(backend) as house:
        async with client(house, window=2048) as peer:
            await peer.settled()
            block_ = block()
            for number in (1, 3):
                await peer.raw(frame(1, 4, number, block_) + frame(3, 0, number, bytes(4)))
            late = (
                frame(0, 0, 1, b"x") + frame(0, 0, 3, b"x")
            ) * 500  # each gets a reset of its own
            with trio.move_on_after(30) as patience:
                while house.shared.sweeper.connections:
                    try:
                        await peer.raw(late)
                    except OSError:
                        break
            assert not patience.cancelled_caught


async def test_heads_for_a_client_that_reads_nothing_wait() -> None:
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Large: %b\r\n\r\n" % (b"x" * 4000)
    async with origin(answers(large)) as backend, running(backend) as house:
        async with client(house, window=2048) as peer:
            await peer.settled()
            numbers = [await peer.ask() for _ in range(100)]
            streams = house.shared.sweeper.streams
            await until(lambda: house.backends[0].counts.traffic.received > 4000 * 100, "not asked")
            assert len(streams) > 40
            for number in numbers:
                assert len((await peer.answer(number)).head[b"x-large"]) == 4000


async def test_a_page_of_modules_loaded_anew_again_and_again_is_no_flood() -> None:
    """As browsers do it: as many streams as they may, all cancelled, and all asked for again."""
    async with origin(never) as backend, running(backend) as house, client(house) as peer:
        await peer.settled()
        for _ in range(8):
            numbers = [await peer.ask() for _ in range(100)]
            for number in numbers:
                peer.h2.reset_stream(number, ErrorCodes.CANCEL)
            await peer.flush()
        await peer.ask()
        await until(lambda: house.backends[0].in_flight == 1, "it is not asked")
        assert not peer.goaways
        assert not [got for got in peer.streams.values() if got.reset is not None]


async def test_more_streams_than_allowed_are_refused_while_the_client_may_not_know() -> None:
    async with origin(never) as backend, running(backend) as house:
        async with client(house) as peer:
            numbers = [await peer.ask() for _ in range(250)]
            refused = [peer.streams[n] for n in numbers[200:]]
            await peer.until(lambda: all(got.reset is not None for got in refused), "not refused")
            assert {got.reset for got in refused} == {ErrorCodes.REFUSED_STREAM}
            assert house.backends[0].in_flight <= 200


async def test_one_stream_more_than_allowed_is_refused_and_the_others_go_on() -> None:
    async with origin(never) as backend, running(backend) as house, client(house) as peer:
        await peer.settled()
        await peer.answer(await peer.ask("/", method="CONNECT"))  # so that it is known to us, too
        peer.h2.remote_settings.max_concurrent_streams = 1000  # as it takes it
        peer.h2.remote_settings.acknowledge()
        for _ in range(2):
            numbers = [await peer.ask() for _ in range(101)]
            assert (await peer.answer(numbers[-1])).reset == ErrorCodes.REFUSED_STREAM
            await until(lambda: house.backends[0].in_flight == 100, "they are not asked")
            assert not [n for n in numbers[:-1] if peer.streams[n].reset is not None]
            for number in numbers[:-1]:
                peer.h2.reset_stream(number, ErrorCodes.CANCEL)
        assert not peer.goaways


async def test_a_client_that_never_finishes_a_head_is_left() -> None:
    from rpx.model.own_settings import Timeouts

    async with origin() as backend:
        async with running(backend, timeouts=Timeouts(head=0.05)) as house:
            async with client(house) as peer:
                await peer.settled()
                await peer.raw(frame(1, 1, 1, block()[:4]))
                assert await soon_over(house, peer) == ErrorCodes.NO_ERROR


async def test_requests_in_one_breath_are_all_answered() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house, client(house) as peer:
        numbers = [await peer.ask() for _ in range(100)]
        for number in numbers:
            assert (await peer.answer(number)).status == 200
