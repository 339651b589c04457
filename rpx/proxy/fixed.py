"""Answers that a route has without asking anybody: another place, or always the same."""

from __future__ import annotations

from rpx.http.answer_head import AnswerHead
from rpx.http.head import RequestHead
from rpx.http.pages import reason
from rpx.model.route import FixedAnswer
from rpx.proxy.attempt import LINGER, NEXT, After
from rpx.proxy.client import Client
from rpx.proxy.refusals import keeps

_BODILESS = frozenset((204, 304))  # RFC 9110 §6.4.1


async def redirect(client: Client, request: RequestHead, status: int, place: bytes) -> After:
    """Send the client to `place`, a URL or a path as Location has it (RFC 9110 §10.2.2)."""
    return await _answer(client, request, status, b"Location: %b\r\n" % place, b"")


async def respond(client: Client, request: RequestHead, fixed: FixedAnswer) -> After:
    """Give the same answer to everybody."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in fixed.headers)
    return await _answer(client, request, fixed.status, lines.encode(), fixed.body)


async def _answer(
    client: Client, request: RequestHead, status: int, lines: bytes, body: bytes
) -> After:
    keep = keeps(client, request)
    ours = lines + b"Date: %b\r\n" % client.shared.sweeper.date
    if status in _BODILESS:
        body = b""
    else:
        ours += b"Content-Length: %d\r\n" % len(body)
    if not keep:
        ours += b"Connection: close\r\n"
    elif not request.minor:
        ours += b"Connection: keep-alive\r\n"
    if request.method == b"HEAD":
        body = b""
    head = AnswerHead(status, reason(status).encode(), b"", ours, len(body))
    if client.passage is not None:
        head = client.passage.of_ours(head)
    await client.send_head(head, [body] if body else [])
    return NEXT if keep else LINGER
