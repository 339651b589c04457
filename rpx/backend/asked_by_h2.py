"""One request by HTTP/2 to a backend, on a connection of its own: what a check needs."""

from __future__ import annotations

import trio

from rpx.http.frames import ConnectionFault
from rpx.http.h2_caller import H2Caller
from rpx.http.hpack import Fields
from rpx.http.protocols import spoken
from rpx.policy.protocol_hints import HTTP_2, speaks


class NoH2Answer(Exception):
    """Why there is none, in words."""


async def ask_by_h2(stream: trio.abc.Stream, fields: Fields, body: bytes) -> H2Caller:
    """Ask, and return who knows the answer; the caller closes the stream, and bounds the time.

    Raises: NoH2Answer.
    """
    caller = H2Caller(trio.current_time())
    caller.ask(fields, body)
    first = b""
    try:
        await stream.send_all(caller.take())
        while not caller.over:
            data = bytes(await stream.receive_some())
            if not data:
                raise NoH2Answer("closed the connection before it had answered")
            first = first or data
            caller.feed(data, trio.current_time())
            if said := caller.take():
                await stream.send_all(said)
    except ConnectionFault as fault:
        raise NoH2Answer(str(fault) if caller.head else speaks(spoken(first), HTTP_2)) from None
    except (trio.BrokenResourceError, OSError):
        raise NoH2Answer("broke the connection off before it had answered") from None
    if caller.fault:
        raise NoH2Answer(caller.fault)
    return caller
