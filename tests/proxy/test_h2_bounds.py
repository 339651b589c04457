"""What a client can make us hold or do, on real sockets: little, and others don't notice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import trio
from h2.settings import SettingCodes

from rpx.http import frames
from rpx.http.frames import frame
from tests.http.h2_conformance import asks, head, reset
from tests.proxy.h2_client import Got, client
from tests.proxy.house import running, until
from tests.support.origin import OK, answers, never, origin, says


async def test_requests_that_are_cancelled_in_the_same_breath_reach_no_backend() -> None:
    async with origin(never) as backend, running(backend) as house, client(house) as peer:
        await peer.settled()
        breath = b"".join(head(number) + reset(number) for number in range(1, 401, 2))
        await peer.raw(breath + frame(frames.PING, 0, 0, b"over yet"))
        while b"over yet" not in (data := await peer.sock.recv(65536)):
            assert data
        peer.h2.highest_outbound_stream_id = 399
        await peer.ask()
        await until(lambda: len(backend.requests) == 1, "the next one isn't asked")
        assert (house.backends[0].in_flight, len(backend.visits)) == (1, 1)


async def test_a_hundred_streams_whose_windows_are_closed_hold_nobody_else() -> None:
    async with origin(answers(says("hello"))) as backend, running(backend) as house:
        async with client(house) as peer, client(house) as other:
            await peer.settled()
            peer.acknowledges = False
            peer.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
            streams = [peer.streams[await peer.ask()] for _ in range(100)]
            await peer.until(lambda: all(got.head for got in streams), "not all have a head")
            assert (await other.answer(await other.ask())).body == b"hello"
            for size in range(1, 6):  # letter by letter
                assert not any(len(got.body) >= size for got in streams)
                for number in peer.streams:
                    peer.h2.increment_flow_control_window(1, number)
                await peer.flush()
                await peer.until(partial(_have, streams, size), f"not all have {size} letters")
            await peer.until(lambda: all(got.ended for got in streams), "not all have ended")


def _have(streams: Sequence[Got], size: int) -> bool:
    return all(len(got.body) == size for got in streams)


async def test_a_client_that_leaves_within_a_frame_takes_nothing_along() -> None:
    whole = head(1, asks(b"/a")) + frame(frames.HEADERS, frames.END_HEADERS, 3, b"\x82\x87")
    async with origin(answers(OK)) as backend, running(backend) as house:
        for cut in (5, 9, 20, len(head(1, asks(b"/a"))) + 4, len(whole) - 1):
            async with client(house) as peer:
                await peer.settled()
                await peer.raw(whole[:cut])
                with trio.fail_after(30):
                    peer.sock.shutdown(trio.socket.SHUT_WR)
                    while await peer.sock.recv(65536):
                        pass
        await house.idle()
        assert not house.shared.sweeper.streams
