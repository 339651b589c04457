"""The head of a response: the same technique as for requests, and every doubt is a 502.

What is not written as it should be, and yet plain, is mended (sloppy.py). The connection is not
kept then, for where framing is doubtful one client's answer may run into another's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from rpx.http.framing import CHUNKED, UNTIL_CLOSE, plain_length
from rpx.http.grammar import find_field, members, response_pattern
from rpx.http.hops import connection_options, protocols, without
from rpx.http.limits import DEFAULT, BadMessage, MessageLimits
from rpx.http.refuse import Buffer, refuse_response
from rpx.http.sloppy import BOTH, END, TWO_LENGTHS, mended, read_lengths

_SPECIAL = re.compile(
    rb"\r\n(content-length|connection|transfer-encoding|keep-alive|te|upgrade"
    rb"|alt-svc|proxy-(?:connection|authenticate|authorization)):[ \t]*+([^\r]*+)"
)
_CUT = re.compile(
    rb"\r\n(?:[Cc](?i:onnection)|[Tt](?i:e|ransfer-encoding)|[Uu](?i:pgrade)|[Kk](?i:eep-alive)"
    rb"|[Aa](?i:lt-svc)|[Pp](?i:roxy-(?:connection|authenticate|authorization))):[^\r]*+"
)
_STAYS = {b"content-length"}
_BODILESS = frozenset((204, 205, 304))
# What most servers send, cut without a pattern.
_USUAL = {b"content-length", b"connection"}
_USUAL_LINE = b"\r\nConnection: keep-alive"
_CONTENT_LENGTH = frozenset((b"content-length",))
_TIMEOUT = re.compile(rb"timeout[ \t]*+=[ \t]*+\"?([0-9]{1,9}+)")


@dataclass(slots=True)  # for the reason in head.py
class ResponseHead:
    """A backend's answer that may be sent on. It is never changed: it may be remembered.

    status, reason      as they came; reason may be empty
    minor               of the backend's version: 0 or 1
    block               the field lines to forward, each with the CRLF *before* it. Hop-by-hop lines
                        and Alt-Svc are cut out; a valid Content-Length stays in place
    length              the body that follows here: n bytes (0: none), CHUNKED or UNTIL_CLOSE
    keep_alive          this connection may be used again after the body; not if one was announced
                        that is not to come (HEAD, 204, 304): some send it nevertheless
    keep_alive_timeout  seconds that the backend keeps an idle connection, when it says
    upgrade             the value of Upgrade: what a 101 switches to, what others offer
    has_date            it brings its own Date
    event_stream        its Content-Type is text/event-stream
    chunked             it said `Transfer-Encoding: chunked`, though a HEAD answer has no body
    odd                 what had to be mended, as "sends …": for a note on the backend
    """

    status: Final[int]
    reason: Final[bytes]
    minor: Final[int]
    block: Final[bytes]
    length: Final[int]
    keep_alive: Final[bool]
    keep_alive_timeout: Final[float | None]
    upgrade: Final[bytes | None]
    has_date: Final[bool]
    event_stream: Final[bool]
    chunked: Final[bool]
    odd: Final[str] = ""

    def field(self, name: bytes) -> bytes | None:
        """The values of a field in the block joined with `, `. `name` must come from code."""
        return find_field(self.block, name)

    def altered(self, block: bytes) -> ResponseHead:
        """The same with other field lines."""
        return ResponseHead(
            self.status, self.reason, self.minor, block, self.length, self.keep_alive,
            self.keep_alive_timeout, self.upgrade, self.has_date, self.event_stream, self.chunked,
            self.odd,
        )  # fmt: skip


def parse_response(
    buffer: Buffer,
    request_method: bytes,
    upgrade: bytes | None = None,
    limits: MessageLimits = DEFAULT,
    scanned: int = 0,
) -> tuple[ResponseHead, int] | None:
    """The head at the beginning of `buffer` and how many bytes it takes; None: more are needed.

    1xx heads come like any other, with no body; the final one follows them. `upgrade` is what the
    request asked for (RequestHead.upgrade): a 101 to anything else is refused. `scanned` as in
    parse_request. Raises: BadMessage(502).
    """
    match = None
    if not scanned or buffer.find(b"\r\n\r\n", max(0, scanned - 3)) >= 0:
        match = response_pattern(limits.answer_lines).match(buffer)
    if match is None:
        return _mended(buffer, request_method, upgrade, limits, scanned)
    digit, code, reason, fields = match.groups()
    end = match.end()
    if end > limits.head:
        raise BadMessage(502, f"The backend's head is larger than {limits.head} bytes.")
    head = _read(int(code), reason or b"", 0 if digit == b"0" else 1, fields, request_method)
    if head.status == 101:
        _check_switch(head.upgrade, upgrade)
    return head, end


def _mended(
    buffer: Buffer, method: bytes, upgrade: bytes | None, limits: MessageLimits, scanned: int
) -> tuple[ResponseHead, int] | None:
    found = END.search(buffer, max(0, scanned - 3))
    head_only = buffer if found is None else bytes(buffer[: found.end()])  # no byte of the body
    refuse_response(head_only, limits, scanned)
    if found is None:
        return None
    clean, odd = mended(bytes(head_only))
    if not odd or response_pattern(limits.answer_lines).match(clean) is None:
        refuse_response(clean, limits, 0, complete=True)
    parsed = parse_response(clean, method, upgrade, limits)
    if parsed is None:
        raise BadMessage(502, "The backend's answer is malformed.")
    head, _ = parsed
    return replace(head, odd=odd, keep_alive=False), found.end()


def _read(status: int, reason: bytes, minor: int, fields: bytes, method: bytes) -> ResponseHead:
    low = fields.lower()
    pairs = _SPECIAL.findall(low)
    found: dict[bytes, bytes] = dict(pairs)
    if len(found) != len(pairs):
        found = _combined(pairs)
    told, coding = found.get(b"content-length"), found.get(b"transfer-encoding")
    odd, length = "", -1
    if told is not None and coding is None:
        length = plain_length(told.rstrip(b" \t"))
    if length < 0:
        length, fields, odd = _framed(told, coding, minor, fields)
    block, keep_alive, timeout, switches = fields, minor == 1, None, None
    if minor == 0 or not _STAYS.issuperset(found):
        block, keep_alive, timeout, switches = _hops(found, minor, fields)
    chunked = length == CHUNKED
    if status < 200 or status in _BODILESS or method == b"HEAD":
        keep_alive = keep_alive and _ends_with_head(status, method, length)
        block, chunked = _without_body(status, block, length, chunked)
        length = 0
    elif length == UNTIL_CLOSE or odd:
        keep_alive = False
    # Two searches are cheaper than two more fields found, and nearly always in vain.
    return ResponseHead(
        status, reason, minor, block, length, keep_alive, timeout, switches, b"\r\ndate:" in low,
        b"text/event-stream" in low and _is_event_stream(low), chunked, odd,
    )  # fmt: skip


def _framed(
    told: bytes | None, coding: bytes | None, minor: int, fields: bytes
) -> tuple[int, bytes, str]:
    """Return how long the body is, the fields as they go on, and what is odd about them."""
    if coding is None:
        if told is None:
            return UNTIL_CLOSE, fields, ""
        length = read_lengths(told)
        fields = without(fields, _CONTENT_LENGTH) + b"\r\nContent-Length: %d" % length
        return length, fields, TWO_LENGTHS if b"," in told else ""
    length = _chunked(coding, minor)
    if told is None:
        return length, fields, ""
    return length, without(fields, _CONTENT_LENGTH), BOTH  # RFC 9112 §6.3


def _is_event_stream(low: bytes) -> bool:
    return (find_field(low, b"content-type") or b"").startswith(b"text/event-stream")


def _combined(pairs: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        elif name == b"transfer-encoding":
            raise BadMessage(502, "The backend's answer has two Transfer-Encoding lines.")
        else:
            found[name] += b"," + value
    return found


def _hops(
    found: dict[bytes, bytes], minor: int, fields: bytes
) -> tuple[bytes, bool, float | None, bytes | None]:
    """Cut out and obey what is meant for this hop only (RFC 9110 §7.6.1).

    Return the block, keep_alive, keep_alive_timeout and upgrade of the head.
    """
    if found.get(b"connection") == b"keep-alive" and minor and found.keys() <= _USUAL:
        block = fields.replace(_USUAL_LINE, b"", 1)
        if len(block) != len(fields):
            return block, True, None, None
    options = connection_options(found.get(b"connection", b""))
    block = _CUT.sub(b"", fields)
    if options.names:
        block = without(block, options.names)
    timeout = upgrade = None
    if b"keep-alive" in found and (told := _TIMEOUT.search(found[b"keep-alive"])):
        timeout = float(told[1])
    if b"upgrade" in found:
        upgrade = b", ".join(protocols(find_field(fields, b"upgrade") or b"")) or None
    return block, not options.close and (minor == 1 or options.keep_alive), timeout, upgrade


def _chunked(coding: bytes, minor: int) -> int:
    if minor == 0:  # RFC 9112 §6.1
        raise BadMessage(502, "The backend sent a Transfer-Encoding with HTTP/1.0.")
    if coding.rstrip(b" \t") != b"chunked":
        raise BadMessage(502, "The backend's Transfer-Encoding is not chunked alone.")
    return CHUNKED


def _ends_with_head(status: int, method: bytes, length: int) -> bool:
    """Whether an answer without a body has announced none, either.

    Some servers send what they have announced, and later than one could look for it.
    """
    if status == 205 and length:
        return False  # §15.3.6: what a backend sends nevertheless goes down with its connection
    return not length or (length == UNTIL_CLOSE and (method != b"HEAD" or status < 200))


def _without_body(status: int, block: bytes, length: int, chunked: bool) -> tuple[bytes, bool]:
    """The block of an answer that ends with its head, and whether it may say `chunked`.

    Such answers do so whatever their fields say (RFC 9110 §6.4.1).
    """
    if status == 205 and length:
        block = without(block, _CONTENT_LENGTH) + b"\r\nContent-Length: 0"
    if status < 200 or status == 204:  # §8.6: no Content-Length
        block = without(block, _CONTENT_LENGTH)
    return block, chunked and status >= 200 and status not in _BODILESS


def _check_switch(to: bytes | None, asked: bytes | None) -> None:
    """RFC 9110 §7.8: a 101 switches to (one of) what the request asked for."""
    if asked is None:
        raise BadMessage(502, "The backend switched protocols without being asked.")
    if to is None or not set(members(to)) <= set(members(asked)):
        raise BadMessage(502, "The backend switched to another protocol than the one asked for.")
