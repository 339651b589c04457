"""Where others differ from us, with the reason. What is listed here is not compared with them.

Everything else that we accept they accept too, with the same meaning.
"""

from __future__ import annotations

import re

from rpx.http.framing import CHUNKED
from rpx.http.head import RequestHead
from rpx.http.limits import DEFAULT, BadMessage
from rpx.http.response import ResponseHead

_METHODS = frozenset(
    b"DELETE GET HEAD POST PUT CONNECT OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH"
    b" UNLOCK BIND REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE"
    b" UNSUBSCRIBE PATCH PURGE MKCALENDAR LINK UNLINK QUERY".split()
)
_VERSION = re.compile(rb"[^\r\n]*HTTP/1\.[01](?: |\r\n)")

_FRAMING_TRAILER = re.compile(
    rb"\r\n0[^\r\n]*\r\n(?:[^\r\n]+\r\n)*?(?i:content-length|transfer-encoding|connection|upgrade):"
)

_TAB_BEHIND_CODING = re.compile(rb"\r\n(?i:transfer-encoding):[^\r\n]*\t *\r\n")

_ZEROS = re.compile(rb"\n(?i:content-length)[ \t]*:[ \t]*0[0-9]")

_SPACE_BEFORE = re.compile(rb"\r\n[0-9A-Fa-f]+[ \t]+;")
_SPACE_WITHIN = re.compile(rb"\r\n[0-9A-Fa-f]+[ \t]*;[^\r\n]*[ \t]")


def to_h11(message: bytes, head: RequestHead) -> str:
    """Why h11 reads this request otherwise; "" when it should not."""
    if message.startswith(b"\r"):
        return "it refuses empty lines before the request line, which RFC 9112 §2.2 lets pass"
    if head.upgrade is not None:
        return "it stops behind the head of an Upgrade"
    return chunks_to_h11(message) if head.length == CHUNKED else ""


def to_llhttp(message: bytes, head: RequestHead) -> str:
    """Why llhttp reads this request otherwise; "" when it should not."""
    if head.upgrade is not None:
        return "it stops behind the head of an Upgrade"
    if head.method not in _METHODS:
        return "it has no number for the method; RFC 9110 §9.1 lets any token pass"
    if not _VERSION.match(message.lstrip(b"\r\n")):
        return "it knows 1.0 and 1.1 only; RFC 9110 §2.5 lets higher minors pass as 1.1"
    if _TAB_BEHIND_CODING.search(message):
        return "it refuses a tab behind a coding; RFC 9112 §5.1 lets it pass, and we drop it"
    return chunks_to_llhttp(message) if head.length == CHUNKED else ""


def chunks_to_h11(message: bytes) -> str:
    """Why h11 reads this chunked body otherwise."""
    if _FRAMING_TRAILER.search(b"\r\n" + message):
        return "it judges framing in trailers; RFC 9110 §6.5.1 lets us drop it"
    if _SPACE_BEFORE.search(b"\r\n" + message):
        return "it refuses whitespace before an extension; RFC 9112 §7.1.1 lets it pass"
    return ""


def chunks_to_llhttp(message: bytes) -> str:
    """Why llhttp reads this chunked body otherwise."""
    if _FRAMING_TRAILER.search(b"\r\n" + message):
        return "it refuses or obeys what RFC 9110 §6.5.1 has no place for in trailers; we drop it"
    if _SPACE_BEFORE.search(b"\r\n" + message) or _SPACE_WITHIN.search(b"\r\n" + message):
        return "it refuses whitespace in extensions; RFC 9112 §7.1.1 lets it pass"
    return ""


def zeros(message: bytes) -> bool:
    """Whether a length may begin with zeros, which we leave away in what we send on."""
    return _ZEROS.search(message) is not None


def response_to_h11(message: bytes, head: ResponseHead, question: RequestHead) -> str:
    """Why h11 reads this response otherwise."""
    if head.status == 205:
        return "it reads a body; RFC 9110 §15.3.6 has none, and we close behind it"
    return chunks_to_h11(message) if head.length == CHUNKED else ""


def response_to_llhttp(message: bytes, head: ResponseHead, question: RequestHead) -> str:
    """Why llhttp reads this response otherwise."""
    if head.status == 205:
        return "it reads a body; RFC 9110 §15.3.6 has none, and we close behind it"
    if question.method == b"HEAD":
        return "it is not told that the request was HEAD"
    if not _VERSION.match(message):
        return "it knows 1.0 and 1.1 only; RFC 9110 §2.5 lets higher minors pass as 1.1"
    return chunks_to_llhttp(message) if head.length == CHUNKED else ""


def too_large_when_sent(whole: bytes, verdict: BadMessage | None) -> bool:
    """What we add may push a head over the limits that another rpx has."""
    size = whole.find(b"\r\n\r\n") + 4
    lines = whole[:size].count(b"\r\n")
    return verdict is not None and (size > DEFAULT.head or lines > DEFAULT.lines)
