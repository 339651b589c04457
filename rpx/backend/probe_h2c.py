"""Is a backend well that speaks HTTP/2 without TLS? It gets the same GET, in its words."""

from __future__ import annotations

from dataclasses import replace

import trio

from rpx.backend.asked_by_h2 import NoH2Answer, ask_by_h2, look_at
from rpx.backend.probe import target_of, verdict_on
from rpx.http.hpack import Fields
from rpx.model.address import Address, Location
from rpx.model.config import HealthCheck


async def h2c_check(
    address: Location, check: HealthCheck, at: Location | None = None
) -> str | None:
    """As `http_check`."""
    if isinstance(at, Address) and isinstance(address, Address):
        address = replace(address, port=at.port)
    authority = check.host or address.origin.partition("://")[2]

    async def look(stream: trio.SocketStream) -> str | None:
        try:
            answer = await ask_by_h2(stream, _fields(check, authority), b"")
        except NoH2Answer as why:
            return str(why)
        status = dict(answer.head).get(b":status", b"0")
        return verdict_on(int(status), check, authority) or None

    return await look_at(address, at or address, check.timeout, look)


def _fields(check: HealthCheck, authority: str) -> Fields:
    return (
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":path", target_of(check.path)),
        (b":authority", authority.encode()),
        (b"user-agent", b"rpx-health-check"),
        *((name.lower().encode(), text.encode()) for name, text in check.headers),
    )
