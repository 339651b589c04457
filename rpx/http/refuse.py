"""The slow path: a head that did not match is either incomplete or refused with a reason.

Cheap when called again on a growing buffer: `scanned` says how many bytes an earlier call has
seen, and only what is new is searched. (Lines are counted again for each call that brings the
end of a line, which the limit on lines bounds.)
"""

from __future__ import annotations

import re

from rpx.http.grammar import (
    A_TOKEN,
    EMPTY_LINES,
    FIELD_LINE,
    LEADING_EMPTY_LINES,
    STRAY,
    STRAY_IN_ANSWERS,
    TARGET,
)
from rpx.http.limits import BadMessage, MessageLimits
from rpx.http.protocols import spoken

Buffer = bytes | bytearray

_A_TARGET = re.compile(TARGET + rb"++")
_A_VERSION = re.compile(rb"HTTP/[0-9]\.[0-9]")
_STATUS_LINE = re.compile(rb"HTTP/(?:1\.[0-9]|2\.0) +[1-9][0-9]{2}(?: [^\x00\r]*+)?\r?")
_STATUS_PREFIX = b"HTTP/1."
_ODD_PREFIX = b"HTTP/2.0 "


def refuse_request(buffer: Buffer, limits: MessageLimits, scanned: int) -> None:
    """Return when the head is only incomplete.

    Raises: BadMessage with 400, 414, 431, 501 or 505.
    """
    found = LEADING_EMPTY_LINES.match(buffer)
    start = found.end() if found else 0
    if buffer[start : start + 2] == b"\r\n":
        raise BadMessage(400, f"More than {EMPTY_LINES} empty lines come before the request.")
    end = buffer.find(b"\r\n\r\n", max(start, scanned - 3))
    first_end = buffer.find(b"\r\n", start)
    if first_end < 0:
        _check_first_piece(buffer, start, limits)
    elif end >= 0 or first_end >= scanned - 1:
        _check_request_line(bytes(buffer[start:first_end]), limits)
    _check_rest(buffer, start, end, scanned=scanned, limits=limits, status=431)
    if end >= 0:
        _explain(bytes(buffer[first_end + 2 : end]), 400)


def refuse_response(
    buffer: Buffer, limits: MessageLimits, scanned: int, *, complete: bool = False
) -> None:
    """Return when the head is only incomplete. Raises: BadMessage(502).

    What can be mended (sloppy.py) is not refused, unless it is `complete`: it has been mended.
    """
    end = buffer.find(b"\r\n\r\n", max(0, scanned - 3))
    first_end = buffer.find(b"\n")
    beginning = bytes(buffer[:9])
    if not (_STATUS_PREFIX.startswith(beginning[:7]) or _ODD_PREFIX.startswith(beginning)):
        speaks = spoken(bytes(buffer[:16]))
        raise BadMessage(502, f"The backend speaks {speaks}, not HTTP/1.1.", speaks=speaks)
    if first_end >= 0 and not _STATUS_LINE.fullmatch(buffer, 0, first_end):
        raise BadMessage(502, "The backend's status line is malformed.")
    _check_rest(buffer, 0, end, scanned=scanned, limits=limits, status=502)
    if complete:
        _explain(bytes(buffer[first_end + 1 : end]), 502)


def check_size(size: int, method: int, target: int, limits: MessageLimits) -> None:
    """Compare what a request head has, in bytes, with its limits.

    Raises: BadMessage with 501, 414 or 431 when it is over one.
    """
    if method > limits.method:
        raise BadMessage(501, f"The method is longer than {limits.method} bytes.")
    if target > limits.target:
        raise BadMessage(414, f"The request target is longer than {limits.target} bytes.")
    if size > limits.head:
        raise BadMessage(431, f"The head of the request is larger than {limits.head} bytes.")


def check_target(target: bytes) -> None:
    """Refuse a request target with bytes that none may have. Raises: BadMessage (400)."""
    if not _A_TARGET.fullmatch(target):
        why = "The request target contains bytes that no target may contain."
        if re.search(rb"[\x80-\xff]", target):
            why += " Percent-encode them (curl does so with `-G --data-urlencode q=…`)."
        raise BadMessage(400, why)


def check_lines(count: int, limits: MessageLimits) -> None:
    """Refuse a request with too many field lines. Raises: BadMessage (431)."""
    if count > limits.lines:
        raise BadMessage(431, f"The request has more than {limits.lines} field lines.")


def _check_first_piece(buffer: Buffer, start: int, limits: MessageLimits) -> None:
    """Judge an unfinished request line, so that TLS or garbage isn't waited for."""
    space = buffer.find(b" ", start, start + limits.method + 1)
    method_end = space if space >= 0 else len(buffer)
    method = bytes(buffer[start:method_end]).rstrip(b"\r")
    _check_method(method)
    # 11 for the two spaces, the version and a CR
    check_size(len(buffer), len(method), len(buffer) - method_end - 11, limits)


def _check_method(method: bytes) -> None:
    if method and not A_TOKEN.fullmatch(method):
        raise BadMessage(400, "The request does not begin with a method.")


def _check_request_line(line: bytes, limits: MessageLimits) -> None:
    parts = line.split(b" ")
    _check_method(parts[0])
    check_size(0, len(parts[0]), len(line) - len(parts[0]) - 10, limits)
    if not parts[0] or len(parts) != 3:
        raise BadMessage(400, "The request line is not a method, a target and a version.")
    check_target(parts[1])
    if not _A_VERSION.fullmatch(parts[2]):
        raise BadMessage(400, "The request line does not end with an HTTP version.")
    if not parts[2].startswith(_STATUS_PREFIX):
        raise BadMessage(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")


def _check_rest(
    buffer: Buffer, start: int, end: int, *, scanned: int, limits: MessageLimits, status: int
) -> None:
    whose = "request" if status == 431 else "backend's answer"
    stop = end + 2 if end >= 0 else len(buffer)
    if (end + 4 if end >= 0 else stop) > limits.head:
        raise BadMessage(status, f"The head of the {whose} is larger than {limits.head} bytes.")
    new_from = max(start, scanned - 1)
    stray, lines, end_of_line = STRAY, limits.lines, b"\r\n"
    if status == 502:
        stray, lines, end_of_line = STRAY_IN_ANSWERS, limits.answer_lines, b"\n"
    begun = buffer.find(b"\n", new_from, stop) >= 0  # else there is no line more than last time
    if begun and buffer.count(end_of_line, start, stop) > lines + 1:  # with the start line
        raise BadMessage(status, f"The {whose} has more than {lines} field lines.")
    if stray.search(buffer, new_from, stop):
        status = 502 if status == 502 else 400
        raise BadMessage(
            status,
            f"The head of the {whose} contains a control byte, or a line end that isn't CRLF.",
        )


def _explain(fields: bytes, status: int) -> None:
    whose = "request" if status == 400 else "backend's answer"
    # There is one: the start line and the number of lines are right, and yet it didn't match.
    line = next((x for x in fields.split(b"\r\n") if not FIELD_LINE.fullmatch(x)), b"")
    name, colon, _ = line.partition(b":")
    if line[:1] in {b" ", b"\t"}:
        why = "begins with whitespace (folded lines are not accepted)"
    elif not colon:
        why = "has no colon"
    elif name != name.rstrip(b" \t"):
        why = "has whitespace before its colon"
    else:
        why = "has a name that is not a token"
    raise BadMessage(status, f"A field line of the {whose} {why}.")
