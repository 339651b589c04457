"""The beginning of a connection with TLS: a hello, or HTTP by mistake."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from rpx.proxy.contexts import Contexts, hello_of
from rpx.proxy.tls import TlsWire

if TYPE_CHECKING:
    from rpx.proxy.connection import Connection
    from rpx.proxy.listener import Server

HANDSHAKE: Final = b"\x16"  # what a record with a hello begins with (RFC 8446 §5.1)


async def welcome(connection: Connection, contexts: Contexts, heard: bytes = b"") -> str | None:
    """Agree on TLS with a client, unless it speaks HTTP at once; return the protocol behind it.

    `heard` has come already. Raises OSError, WireCut.
    """
    server, client = connection.proxy, connection.client
    client.deadline = server.sweeper.now + server.timeouts.head
    heard = heard or await client.expect()
    if not heard.startswith(HANDSHAKE):
        connection.ahead = heard
        return None
    while True:
        wire = TlsWire(client.sock, server.reactor, contexts.entrance, server_side=True)
        try:
            if contexts.begin(wire, heard):
                break
            more = await client.receive()
            if not more:
                return None
            heard += more
        except ssl.SSLError:
            missing = hello_of(wire).missing
            if not missing or not await _provided(server, contexts, missing):
                wire.tell()
                raise
    connection.secured(wire, asked=hello_of(wire).name)
    await wire.handshake()
    return wire.tls.selected_alpn_protocol()


async def _provided(server: Server, contexts: Contexts, host: str) -> bool:
    async with server.reactor.task():
        return await contexts.provide(host)
