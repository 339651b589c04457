"""Is a gRPC server well? It is asked as grpc.health.v1 has it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import trio

from rpx.backend.asked_by_h2 import NoH2Answer, ask_by_h2, look_at
from rpx.backend.probe import in_words
from rpx.http.grpc_health import ailment, question, request_fields
from rpx.hub.backend_tls import HTTP_2, client_context
from rpx.model.address import Address, Location
from rpx.model.config import HealthCheck


async def grpc_check(
    address: Location, check: HealthCheck, at: Location | None = None
) -> str | None:
    """None if the server, or the service of it that `check` names, says SERVING within
    `check.timeout` seconds in all; otherwise why not.

    `at` is as for `http_check`.
    """
    if isinstance(at, Address) and isinstance(address, Address):
        address = replace(address, port=at.port)
    look = partial(_said_of, check, address)
    return await look_at(address, at or address, check.timeout, look)


async def _said_of(check: HealthCheck, address: Location, plain: trio.SocketStream) -> str | None:
    service = check.grpc or ""
    scheme, _, authority = address.origin.partition("://")
    try:
        who = b"rpx-health-check"
        asked = request_fields(scheme.encode(), authority.encode(), check.timeout, who)
        answer = await ask_by_h2(await _secured(plain, address), asked, question(service))
    except NoH2Answer as why:
        return str(why)
    except (OSError, trio.BrokenResourceError) as error:
        return in_words(error)
    return ailment(service, answer.head, answer.body, answer.trailers)


async def _secured(stream: trio.SocketStream, address: Location) -> trio.abc.Stream:
    """Raises: OSError, trio.BrokenResourceError."""
    if not isinstance(address, Address) or address.tls is None:
        return stream
    context = await client_context(address.tls, HTTP_2)
    sealed = trio.SSLStream(stream, context, server_hostname=address.host)
    await sealed.do_handshake()
    return sealed
