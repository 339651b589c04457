"""The beginning of a connection with TLS: a hello, or HTTP by mistake."""

from __future__ import annotations

import ssl
from typing import Final

from rpx.proxy.contexts import Contexts, hello_of
from rpx.proxy.reactor import Reactor
from rpx.proxy.sockets import Wire
from rpx.proxy.tls import TlsWire

HANDSHAKE: Final = b"\x16"  # what a record with a hello begins with (RFC 8446 §5.1)


async def welcome(
    plain: Wire, reactor: Reactor, contexts: Contexts, heard: bytes = b"", *, shown: bool = False
) -> TlsWire | bytes:
    """Read a client's hello; return the wire that takes the place of `plain`.

    Its handshake has begun with the certificate that the client asked for, and is to be ended.
    Bytes: what has come of a client that speaks HTTP, b"" of one that leaves. `heard` has come
    already. `shown`: for a host that nobody has there is a page. Raises: OSError, WireCut;
    ssl.SSLError, after an alert, for a hello that leads nowhere.
    """
    heard = heard or await plain.expect()
    if not heard.startswith(HANDSHAKE):
        return heard
    while True:
        wire = TlsWire(plain.sock, reactor, contexts.entrance, server_side=True)
        hello_of(wire).shown = shown
        try:
            if contexts.begin(wire, heard):
                return wire
            more = await plain.receive()
            if not more:
                return b""
            heard += more
        except ssl.SSLError:
            missing = hello_of(wire).missing
            if not missing or not await _provided(reactor, contexts, missing):
                wire.tell()
                raise


async def _provided(reactor: Reactor, contexts: Contexts, host: str) -> bool:
    async with reactor.task():
        return await contexts.provide(host)
