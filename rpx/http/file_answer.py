"""The answer to a GET or HEAD of a file: which part of it is sent, and what its head says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rpx.http.dates import http_date
from rpx.http.preconditions import (
    FAILED,
    NOT_MODIFIED,
    Validators,
    has_conditions,
    range_asked,
    verdict_on,
)
from rpx.http.ranges import Multipart, Span, content_range, spans_of

ASK_AGAIN: Final = b"no-cache"  # Cache-Control: kept, and looked at again before each use
_BITS: Final = (1 << 64) - 1


def etag_of(inode: int, changed: int, size: int) -> bytes:
    """A strong tag (RFC 9110 §8.8.3) of a file in the state that it had at `changed` (st_ctime_ns).

    That one moves with every write, as the time of modification does, and also where that is set
    back, as by `cp -p` or `tar`. With the number of the file it tells those apart which came to be
    in the same tick of the clock; the number itself is nobody's business.
    """
    return b'"%x-%x"' % (hash((inode, changed)) & _BITS, size)  # of numbers it is always the same


@dataclass(slots=True)  # for the reason in head.py
class FileAnswer:
    """What is sent of a file.

    lines      of the head, each with its CRLF, but for those about the connection
    spans      parts of the file that are the body, all at once or each behind a preface
    multipart  these prefaces, if there are several parts
    length     bytes of the body
    """

    status: int
    lines: bytes
    spans: Sequence[Span] = ()
    multipart: Multipart | None = None
    length: int = 0


@dataclass(slots=True)
class FileFacts:
    """What is known of a file that can be sent.

    size        bytes
    validators  of this state of it, `modified` no later than now (RFC 9110 §8.8.2.1)
    kind        value of Content-Type
    coding      value of Content-Encoding, b"" if it is sent as it is
    varies      another coding of it may be sent to somebody else
    cache       value of Cache-Control
    whole       the answer to who asks for all of it, once somebody has
    """

    size: int
    validators: Validators
    kind: bytes
    coding: bytes
    varies: bool
    cache: bytes
    whole: FileAnswer | None = None


def file_answer(method: bytes, block: bytes, facts: FileFacts, boundary: bytes) -> FileAnswer:
    """The answer to a request with these field lines.

    Its status is 200, 206, 304, 412 or 416; the last two have no body yet, and no lines but those
    that belong to them. `boundary` is for a multipart body, and has been drawn by lot.
    """
    if has_conditions(block):
        verdict = verdict_on(block, facts.validators)
        if verdict == NOT_MODIFIED:
            return FileAnswer(304, _of_state(facts))
        if verdict == FAILED:
            return FileAnswer(412, b"")
        # §14.2: Range means something for GET only.
        asked = range_asked(block, facts.validators) if method == b"GET" else None
        spans = None if asked is None else spans_of(asked, facts.size)
        if spans is not None:
            return _partial(facts, spans, boundary)
    if facts.whole is None:
        facts.whole = _whole(facts)
    return facts.whole


def _whole(facts: FileFacts) -> FileAnswer:
    size = facts.size
    lines = b"Content-Type: %b\r\nContent-Length: %d\r\nAccept-Ranges: bytes\r\n" % (
        facts.kind, size,
    )  # fmt: skip
    lines += _of_coding(facts) + _of_state(facts)
    return FileAnswer(200, lines, [Span(0, size)] if size else (), None, size)


def _partial(facts: FileFacts, spans: list[Span], boundary: bytes) -> FileAnswer:
    size = facts.size
    if not spans:
        return FileAnswer(416, b"Content-Range: bytes */%d\r\n" % size)
    if len(spans) == 1:
        lines = b"Content-Type: %b\r\nContent-Length: %d\r\nContent-Range: %b\r\n" % (
            facts.kind, spans[0].size, content_range(spans[0], size),
        )  # fmt: skip
        lines += _of_coding(facts) + _of_state(facts)
        return FileAnswer(206, lines, spans, None, spans[0].size)
    several = Multipart(spans, size, facts.kind, boundary)
    lines = b"Content-Type: %b\r\nContent-Length: %d\r\n" % (several.kind, several.length)
    lines += _of_coding(facts) + _of_state(facts)
    return FileAnswer(206, lines, spans, several, several.length)


def _of_coding(facts: FileFacts) -> bytes:
    return b"Content-Encoding: %b\r\n" % facts.coding if facts.coding else b""


def _of_state(facts: FileFacts) -> bytes:
    """What a 304 has, too (§15.4.5)."""
    lines = b"Last-Modified: %b\r\nETag: %b\r\nCache-Control: %b\r\n" % (
        http_date(facts.validators.modified), facts.validators.etag, facts.cache,
    )  # fmt: skip
    if facts.varies:
        lines += b"Vary: Accept-Encoding\r\n"
    return lines
