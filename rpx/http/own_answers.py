"""Answers of our own, pages or not, each with exactly one framing.

No page is kept by a cache: the next look may find the backend alive.
"""

from __future__ import annotations

from rpx.http.answer_head import AnswerHead
from rpx.http.page_parts import TEXT, safe_lines
from rpx.http.pages import Page, reason, render

PAGE_LINES = safe_lines()
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


def answer(
    status: int,
    body: bytes = b"",
    content_type: str = TEXT,
    *,
    date: bytes,
    close: bool,
    head_only: bool = False,
    add: bytes = b"",
) -> tuple[AnswerHead, bytes]:
    """A whole answer of our own: head and body. `date` as for a Date line, `add` lines with CRLF.

    `head_only` is for HEAD: the Content-Length is there, the body isn't. `close` says so to the
    client; a 1.0 client that may stay needs `Connection: keep-alive` in `add`.
    """
    lines = [b"Date: %b\r\n" % date]
    if status >= 200 and status not in {204, 304}:  # RFC 9110 §8.6
        if body:
            lines.append(b"Content-Type: %b\r\n" % content_type.encode())
        lines.append(b"Content-Length: %d\r\n" % len(body))
    else:
        body = b""
    if status >= 400:
        lines.append(b"Cache-Control: no-store\r\n")
    if status == 405 and b"Allow:" not in add:  # RFC 9110 §15.5.6
        lines.append(b"Allow: %b\r\n" % _METHODS)
    if close:
        lines.append(b"Connection: close\r\n")
    lines.append(add)
    if head_only:
        body = b""
    return AnswerHead(status, reason(status).encode(), b"", b"".join(lines), len(body)), body


def error_answer(
    page: Page,
    *,
    accept: bytes | None,
    date: bytes,
    close: bool,
    head_only: bool = False,
    add: bytes = b"",
) -> tuple[AnswerHead, bytes]:
    """The whole answer that carries a page: head and body."""
    body, kind = render(page, accept)
    add = PAGE_LINES + add
    return answer(page.status, body, kind, date=date, close=close, head_only=head_only, add=add)
