"""The head of a backend's answer, as the exchange waits for it."""

from __future__ import annotations

import trio

from rpx.http.framing import UNTIL_CLOSE
from rpx.http.head import RequestHead
from rpx.http.limits import BadMessage
from rpx.http.response import ResponseHead
from rpx.http.rewrite import CONTINUE, interim_to_send
from rpx.proxy.client import Client
from rpx.proxy.upload import Upload
from rpx.proxy.wire import NEVER, BackendWire, Cut, WireCut

EXPECTED = 1.0  # seconds that a backend gets to send the 100 which a client waits for
STALE = frozenset((400, 408, 501))  # what a rest may have led to, or what a request has left
UNREAD = "It takes nothing of the request."
INTERIM = 100  # 1xx answers taken for one request: a backend that only ever says 103 is broken

Answer = tuple[ResponseHead, bytes]  # and what came behind the head


async def answer_head(
    wire: BackendWire, request: RequestHead, upload: Upload | None, client: Client
) -> Answer | None:
    """Return the final head; pass interim ones on to the client. None: there is no answer.

    Raises: BadMessage for one that can't be sent on, or that doesn't come in time; OSError and
    WireCut when the client has gone.
    """
    wire.deadline = client.shared.answer_by()
    data = await (_received(wire) if upload is None else _begun(wire, upload, client))
    if not data:
        return None
    method, upgrade, limits = request.method, request.upgrade, client.shared.settings.heads
    for _ in range(INTERIM):
        scanned = 0
        while not (parsed := wire.memory.parse(data, method, upgrade, limits, scanned)):
            scanned = len(data)
            data += await _more(data, wire, upload, client)
        response, used = parsed
        data = data[used:]
        if response.status >= 200 or response.status == 101:
            wire.deadline = NEVER
            if not _is_answer(wire, response):
                return None
            if not data and response.length not in (0, UNTIL_CLOSE):
                return await _with_body(wire, response)
            return response, data
        if request.minor:
            await _pass_on(response, upload, client)
    raise BadMessage(502, "The backend sends interim answers without end.")


async def _more(data: bytes, wire: BackendWire, upload: Upload | None, client: Client) -> bytes:
    more = await (_received(wire) if data else _begun(wire, upload, client))
    if not more:
        raise BadMessage(502, "The backend closed the connection within its answer.")
    return more


def _is_answer(wire: BackendWire, response: ResponseHead) -> bool:
    """Whether `response` is about this request, and not about what the connection had before.

    The first answer on a connection also shows whether its server stays with it.
    """
    if not wire.reused:
        wire.seat.seats.served(wire.seat, keeps=response.keep_alive)
        return True
    return response.keep_alive or response.status not in STALE


async def _pass_on(interim: ResponseHead, upload: Upload | None, client: Client) -> None:
    if interim.status != 100 or upload is None or upload.invite():
        await client.send_head(interim_to_send(interim), [])


async def _begun(wire: BackendWire, upload: Upload | None, client: Client) -> bytes:
    """Wait for the beginning of an answer; b"" at the end.

    A client that wants to be told to send its body is told so here when the backend doesn't do
    it: some wait for ever (RFC 9110 §10.1.1), and a backend may have read nothing of the head.
    """
    if upload is not None and upload.awaited:
        with trio.move_on_after(EXPECTED):
            return await _received(wire)
        if upload.awaited and upload.invite():
            await client.send_head(CONTINUE, [])
    return await _received(wire)


async def _with_body(wire: BackendWire, response: ResponseHead) -> Answer | None:
    """A head has come alone. None: its backend has died before the body, and nobody has seen it.

    Many servers write head and body apart. One that is killed in between can still be replaced,
    so the body gets a moment; then the head goes on alone, for streams must not wait.
    """
    wire.acknowledge()
    if response.event_stream:
        return response, b""
    try:
        data = await wire.receive_soon()
    except OSError:
        return None
    if data is None:
        return response, b""
    return (response, data) if data else None


async def _received(wire: BackendWire) -> bytes:
    """A reset says no more than a FIN does: the backend has gone."""
    try:
        return await wire.receive()
    except WireCut as cut:
        if cut.cut is Cut.LATE:
            raise BadMessage(504, "It did not come in time.") from None
        if cut.cut is Cut.UNREAD:
            raise BadMessage(504, UNREAD) from None
        raise
    except OSError:
        return b""
