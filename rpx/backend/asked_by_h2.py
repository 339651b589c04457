"""One request by HTTP/2 to a backend, on a connection of its own: what a check needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from rpx.backend.probe import SILENCE, connected_to, hosts_of, in_words
from rpx.http.frames import ConnectionFault
from rpx.http.h2_caller import H2Caller
from rpx.http.hpack import Fields
from rpx.http.protocols import spoken
from rpx.model.address import Location
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


async def look_at(
    address: Location,
    at: Location,
    within: float,
    look: Callable[[trio.SocketStream], Awaitable[str | None]],
) -> str | None:
    """What `look` says of a connection to `address`, in `within` seconds in all; None: all is well.

    `at` has the hosts that are tried. Where none takes a connection, it is why the first did not.
    """
    absent: list[str] = []
    with trio.move_on_after(within):
        for host, patience in hosts_of(at):
            try:
                with trio.fail_after(patience):
                    stream = await connected_to(host, address)
            except (OSError, trio.TooSlowError) as error:
                absent.append(in_words(error))
                continue
            with stream.socket:
                return await look(stream)
        return absent[0]
    return f"{SILENCE} {within:g} s"
