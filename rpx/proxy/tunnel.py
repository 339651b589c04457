"""After 101: bytes both ways until a side is gone. Transparent to whatever is spoken."""

from __future__ import annotations

import math

import trio

from rpx.proxy.sockets import READ_SIZE, Wire, WireCut

HALF_CLOSED = 1.0  # seconds of silence after which a tunnel that one side has left is closed


async def tunnel(client: Wire, upstream: Wire, early: bytes, late: bytes) -> None:
    """Carry bytes both ways. `early` came from the client behind its request, `late` from the
    backend behind its 101. Returns when both sides are done, or one is and the other is silent.
    """
    async with trio.open_nursery() as ways:

        async def carry(source: Wire, target: Wire, first: bytes) -> None:
            try:
                if first:
                    await target.send(first)
                read = source.receive
                while data := await read():
                    await target.send(data)
                    # Behind less than a full read nothing waits: a message is rarely two reads.
                    read = source.receive if len(data) == READ_SIZE else source.expect
                    if ways.cancel_scope.deadline < math.inf:
                        half_closed()  # the side that is left still has something to say
            except (OSError, WireCut):
                ways.cancel_scope.cancel(reason="a side of the tunnel has gone")
                return
            target.finish_sending()
            half_closed()

        def half_closed() -> None:
            # A FIN may mean "I'm done sending" or "I've gone"; the second is far more common, and
            # only what still flows the other way can tell.
            ways.cancel_scope.deadline = trio.current_time() + HALF_CLOSED

        ways.start_soon(carry, client, upstream, early)
        await carry(upstream, client, late)
