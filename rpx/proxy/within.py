"""Requests for a host of rpx's own, which a program within rpx answers: the dashboard.

It speaks ASGI (asgi.readthedocs.io, HTTP 2.4). What it answers goes to clients as any answer does,
so that it comes by each port, by TLS and by HTTP/2 without a server of its own.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

import trio

from rpx.http.answer_head import AnswerHead
from rpx.http.framing import CHUNKED
from rpx.http.head import RequestHead
from rpx.http.pages import Page, reason
from rpx.proxy.attempt import GOODBYE, LINGER, NEXT, After
from rpx.proxy.client import Client
from rpx.proxy.own_host import Application, Message
from rpx.proxy.refusals import send_page
from rpx.proxy.wire import NEVER

MOST: Final = 65536  # bytes of a request's body; what is asked for is small
_BODILESS = frozenset((204, 304))  # RFC 9110 §6.4.1


async def answer_within(client: Client, request: RequestHead, application: Application) -> After:
    """Have the application answer. Raises: OSError, WireCut when the client has gone."""
    if request.length > MOST or request.length == CHUNKED:
        return await send_page(client, request, _TOO_LARGE, None)
    exchange = _Conversation(client, request, await _body(client, request.length))
    async with client.shared.reactor.task():
        with trio.CancelScope() as scope, client.held(scope):
            await application(exchange.scope(), exchange.receive, exchange.send)
    if not exchange.complete:
        return GOODBYE
    return NEXT if exchange.keep else LINGER


async def _body(client: Client, length: int) -> bytes:
    """The whole body; what has come behind it stays for the next request.

    Raises: OSError, WireCut when the client has gone, or is silent for longer than it may.
    """
    come, wire, shared = client.ahead, client.wire, client.shared
    shared.sweeper.stir()
    try:
        while len(come) < length:
            wire.deadline = shared.sweeper.now + shared.settings.timeouts.body
            more = await wire.receive()
            if not more:
                raise ConnectionResetError
            come += more
    finally:
        wire.deadline = NEVER
    client.ahead = come[length:]
    return come[:length]


class _Conversation:
    """One request, its answer, and how far that is. `complete`: it has been sent to its end."""

    __slots__ = ("_body", "_client", "_head", "_request", "_start", "complete", "keep")

    def __init__(self, client: Client, request: RequestHead, body: bytes) -> None:
        self._client = client
        self._request = request
        self._body: bytes | None = body
        self._start: Message = {}
        self._head: AnswerHead | None = None
        self.keep = request.keep_alive and not client.shared.draining
        self.complete = False

    def scope(self) -> Message:
        """What is asked for, as ASGI has it."""
        request, client = self._request, self._client
        path, _, query = request.target.partition(b"?")
        lines = (line.split(b":", 1) for line in request.block.split(b"\r\n") if line)
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": f"1.{request.minor}",
            "method": request.method.decode("latin-1"),
            "scheme": "https" if client.has_tls(request) else "http",
            "path": unquote(request.path),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [(name.lower(), value.strip()) for name, value in lines],
            "client": (client.peer.client.decode("latin-1"), 0),
            "server": (request.host, None),
        }

    async def receive(self) -> Message:
        """The body, then that the client has left: then the task is cancelled, too."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await trio.sleep_forever()
        raise AssertionError

    async def send(self, message: Message) -> None:
        """Take the next part of the answer."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        body, more = bytes(message.get("body", b"")), bool(message.get("more_body", False))
        if self._head is None:
            self._head = self._begin(body, more=more)
            end = b"" if self._head.length == CHUNKED and not more else None
            pieces = [body] if body and self._head.length else []
            await self._client.send_head(self._head, pieces, end)
        elif self._head.length:
            await self._client.send_body(self._head, [body] if body else [], None if more else b"")
        self.complete = not more

    def _begin(self, body: bytes, *, more: bool) -> AnswerHead:
        status, length = int(self._start["status"]), CHUNKED if more else len(body)
        ours = b"Date: %b\r\n" % self._client.shared.sweeper.date
        for name, value in self._start.get("headers", ()):
            if name.lower() == b"content-length":
                length = int(value)
            else:
                ours += b"%b: %b\r\n" % (name, value)
        if status not in _BODILESS:
            chunks = length == CHUNKED
            told = b"Content-Length: %d\r\n" % length
            ours += b"Transfer-Encoding: chunked\r\n" if chunks else told
        if not self.keep:
            ours += b"Connection: close\r\n"
        elif not self._request.minor:
            ours += b"Connection: keep-alive\r\n"
        if self._request.method == b"HEAD" or status in _BODILESS:
            length = 0
        return AnswerHead(status, reason(status).encode(), b"", ours, length)


_TOO_LARGE = Page(
    413,
    "Content Too Large",
    (f"The dashboard takes {MOST} bytes with a request, of a length that is told before.",),
)
