"""Is a backend well that speaks HTTP/2 without TLS? It gets the same GET, in its words."""

from __future__ import annotations

from dataclasses import replace

import trio

from rpx.backend.asked_by_h2 import NoH2Answer, ask_by_h2
from rpx.backend.probe import SILENCE, connected_to, hosts_of, in_words, target_of, verdict_on
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
    absent: list[str] = []
    with trio.move_on_after(check.timeout):
        for host, patience in hosts_of(at or address):
            try:
                with trio.fail_after(patience):
                    stream = await connected_to(host, address)
            except (OSError, trio.TooSlowError) as error:
                absent.append(in_words(error))
                continue
            with stream.socket:
                try:
                    answer = await ask_by_h2(stream, _fields(check, authority), b"")
                except NoH2Answer as why:
                    return str(why)
                status = dict(answer.head).get(b":status", b"0")
                return verdict_on(int(status), check, authority) or None
        return absent[0]
    return f"{SILENCE} {check.timeout:g} s"


def _fields(check: HealthCheck, authority: str) -> Fields:
    return (
        (b":method", b"GET"),
        (b":scheme", b"http"),
        (b":path", target_of(check.path)),
        (b":authority", authority.encode()),
        (b"user-agent", b"rpx-health-check"),
        *((name.lower().encode(), text.encode()) for name, text in check.headers),
    )
