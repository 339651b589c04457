"""An answer whose backend has broken off: its client must not take it for whole."""

from __future__ import annotations

from typing import Final

from rpx.http.answer_head import AnswerHead
from rpx.http.framing import CHUNKED
from rpx.http.grpc import UNAVAILABLE, status_fields
from rpx.http.response import ResponseHead
from rpx.hub.endpoint import Endpoint
from rpx.proxy.attempt import GOODBYE, RESET, After
from rpx.proxy.client import Client
from rpx.proxy.grpc_refusal import speaks_grpc
from rpx.proxy.wire import BackendWire, WireCut

BROKE_OFF: Final = "broke off within an answer"


async def broken_off(
    client: Client, backend: Endpoint, wire: BackendWire, response: ResponseHead, head: AnswerHead
) -> After:
    """Count it, and let the client know; return how its connection goes on.

    A stream that was reset is reset with the same code. Of a connection that has broken, gRPC is
    told by a status, as if it had been the client's own.
    """
    backend.counts.errors += 1
    client.record.rarely().note = BROKE_OFF
    if wire.code is not None:  # it is about this request alone
        client.resets_with(wire.code)
        return RESET
    client.shared.registry.exchange_failed(backend, BROKE_OFF)
    if head.length != CHUNKED or not speaks_grpc(response):
        return RESET
    try:
        await client.send_body(head, [], status_fields(UNAVAILABLE, BROKE_OFF, of_http=False))
    except (OSError, WireCut):
        pass
    return GOODBYE
