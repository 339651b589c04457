"""Answers of backends: what is read from them, what is refused."""

from __future__ import annotations

import pytest

from rpx.http.framing import CHUNKED, UNTIL_CLOSE
from rpx.http.limits import BadMessage, MessageLimits
from rpx.http.response import ResponseHead, parse_response


def parse(raw: bytes, method: bytes = b"GET", upgrade: bytes | None = None) -> ResponseHead:
    parsed = parse_response(raw, method, upgrade)
    assert parsed is not None
    head, size = parsed
    assert size == len(raw)
    return head


def response(
    *lines: bytes,
    status: bytes = b"200 OK",
    version: bytes = b"1.1",
    method: bytes = b"GET",
    upgrade: bytes | None = None,
) -> ResponseHead:
    start = b"HTTP/%b %b\r\n" % (version, status)
    return parse(start + b"".join(line + b"\r\n" for line in lines) + b"\r\n", method, upgrade)


CL5 = b"Content-Length: 5"
CHUNKS = b"Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("lines", "status", "version", "method", "length"),
    [
        ((CL5,), b"200 OK", b"1.1", b"GET", 5),
        ((CHUNKS,), b"200 OK", b"1.1", b"GET", CHUNKED),
        ((b"transfer-encoding:CHUNKED ",), b"200 OK", b"1.1", b"GET", CHUNKED),
        ((), b"200 OK", b"1.1", b"GET", UNTIL_CLOSE),
        ((), b"200 OK", b"1.0", b"GET", UNTIL_CLOSE),
        ((CL5,), b"200 OK", b"1.1", b"HEAD", 0),  # RFC 9110 §9.3.2
        ((CHUNKS,), b"200 OK", b"1.1", b"HEAD", 0),
        ((), b"200 OK", b"1.1", b"HEAD", 0),
        ((CL5,), b"204 No Content", b"1.1", b"GET", 0),  # RFC 9110 §8.6
        ((CL5,), b"304 Not Modified", b"1.1", b"GET", 0),
        ((CHUNKS,), b"304 Not Modified", b"1.1", b"GET", 0),
        ((CL5,), b"103 Early Hints", b"1.1", b"GET", 0),
        ((), b"205 Reset", b"1.1", b"GET", 0),  # RFC 9110 §15.3.6
        ((CL5,), b"206 Partial", b"1.1", b"GET", 5),
        ((CL5,), b"416 No", b"1.1", b"GET", 5),
    ],
)
def test_how_long_the_body_is(
    lines: tuple[bytes, ...], status: bytes, version: bytes, method: bytes, length: int
) -> None:
    """RFC 9112 §6.3."""
    head = response(*lines, status=status, version=version, method=method)
    assert head.length == length


def test_the_metadata_of_a_head_answer_is_kept() -> None:
    """RFC 9110 §9.3.2."""
    head = response(CL5, method=b"HEAD")
    assert head.block == b"\r\nContent-Length: 5"
    assert response(CHUNKS, method=b"HEAD").chunked


@pytest.mark.parametrize(
    ("lines", "status", "method", "kept"),
    [
        ((CL5,), b"200", b"HEAD", False),
        ((CHUNKS,), b"200", b"HEAD", False),
        ((), b"200", b"HEAD", False),  # to a GET it would have come until the end
        ((b"Content-Length: 0",), b"404", b"HEAD", True),
        ((CL5,), b"204", b"GET", False),
        ((CHUNKS,), b"304", b"GET", False),
        ((), b"204", b"HEAD", False),
        ((), b"304", b"GET", True),
        ((b"Content-Length: 0",), b"204", b"DELETE", True),
    ],
)
def test_a_body_that_is_announced_and_not_to_come_may_come_nevertheless(
    lines: tuple[bytes, ...], status: bytes, method: bytes, kept: bool
) -> None:
    assert response(*lines, status=status, method=method).keep_alive is kept


def test_interim_and_204_answers_lose_their_length_and_304_keeps_it() -> None:
    """RFC 9110 §8.6, RFC 9112 §6.1."""
    assert response(CL5, b"X: 1", status=b"204").block == b"\r\nX: 1"
    assert response(CL5, b"X: 1", status=b"100").block == b"\r\nX: 1"
    assert response(CL5, b"X: 1", status=b"304").block == b"\r\nContent-Length: 5\r\nX: 1"
    for status in (b"204", b"304", b"100", b"205"):
        assert not response(CHUNKS, status=status).chunked
        assert b"ransfer" not in response(CHUNKS, status=status).block
    assert response(status=b"204").keep_alive
    assert response(status=b"304").keep_alive


def test_a_205_has_no_body_whatever_the_backend_says() -> None:
    """RFC 9110 §15.3.6."""
    for lines in ((CL5,), (CHUNKS,), ()):
        head = response(*lines, status=b"205 Reset Content")
        assert (head.length, head.keep_alive) == (0, False)
        assert head.block == b"\r\nContent-Length: 0"
    assert response(b"Content-Length: 0", status=b"205").keep_alive


# Each: what is wrong, bytes.
REFUSED = [
    # RFC 9110 §5.1: a field name is a token.
    ("name", b"HTTP/1.1 200 OK\r\na b: v\r\n\r\n"),
    # RFC 9112 §5: a name, then a colon.
    ("no colon", b"HTTP/1.1 200 OK\r\nname\r\n\r\n"),
    # RFC 9110 §5.5: no NUL in a value.
    ("NUL", b"HTTP/1.1 200 OK\r\nX: a\x00\r\n\r\n"),
    # Ours: the limits of answers. RFC 9110 §5.4 leaves them to each recipient.
    ("too large", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70000 + b"\r\n\r\n"),
    ("while it is coming", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70000),
    ("too many lines", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1001 + b"\r\n"),
    # RFC 9112 §6.3: a Content-Length that is none.
    ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 6\r\n\r\n"),
    # RFC 9112 §5.2: a folded line, with nothing before it that it could belong to.
    ("folded at once", b"HTTP/1.1 200 OK\r\n X: a\r\n\r\n"),
    # RFC 9112 §2.2: a bare CR is invalid, and a bare LF begins no line that could be read.
    ("bare CR", b"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n"),
    ("CR CR LF", b"HTTP/1.1 200 OK\r\nX: a\r\r\n\r\n"),
    ("bare LF in a value without a colon", b"HTTP/1.1 200 OK\r\nX: a\nb\r\n\r\n"),
    # RFC 9112 §6.3: a Content-Length that is none.
    *[
        (f"length {value!r}", b"HTTP/1.1 200 OK\r\nContent-Length: %b\r\n\r\n" % value)
        for value in (
            b"+5",
            b"5, 6",
            b"5,",
            b"",
            b"x",
            b"0x5",
            b"5;",
            b"-1",
            b"9223372036854775808",
            b"5 5",
        )
    ],
    # RFC 9112 §6.1: a coding that is not understood, or chunked more than once.
    *[
        (f"coding {value!r}", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: %b\r\n\r\n" % value)
        for value in (b"gzip", b"identity", b"", b"chunked, chunked", b"gzip, chunked", b"xchunked")
    ],
    ("two codings", b"HTTP/1.1 200 OK\r\n%b\r\n%b\r\n\r\n" % (CHUNKS, CHUNKS)),
    # RFC 9112 §6.1: HTTP/1.0 has no transfer coding.
    ("coding in 1.0", b"HTTP/1.0 200 OK\r\n%b\r\n\r\n" % CHUNKS),
    # RFC 9112 §4: what does not begin with a status line.
    ("not HTTP", b"Unauthorized"),
    ("not HTTP, short", b"no"),
    ("an empty line first", b"\r\nHTTP/1.1 200 OK\r\n\r\n"),
    ("HTTP/2", b"HTTP/2 200\r\n\r\n"),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"),
    # RFC 9112 §4: a status is three digits; RFC 9110 §15: from 100 on.
    ("status below 100", b"HTTP/1.1 099 x\r\n\r\n"),
    ("two digits", b"HTTP/1.1 20 x\r\n\r\n"),
    ("four digits", b"HTTP/1.1 2000 x\r\n\r\n"),
    ("no status", b"HTTP/1.1 \r\n\r\n"),
    # RFC 9110 §15.2.2: nobody asked to switch.
    ("unrequested 101", b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n"),
]


def parse_slowly(raw: bytes) -> None:
    buffer, scanned, step = bytearray(), 0, max(1, len(raw) // 300)
    for at in range(0, len(raw), step):
        buffer += raw[at : at + step]
        assert parse_response(buffer, b"GET", scanned=scanned) is None
        scanned = len(buffer)


@pytest.mark.parametrize("raw", [case[1] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_is_a_502(raw: bytes) -> None:
    with pytest.raises(BadMessage) as caught:
        parse_response(raw, b"GET")
    assert caught.value.status == 502
    assert caught.value.reason.endswith(".")
    with pytest.raises(BadMessage):
        parse_slowly(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"H",
        b"HTTP/1.",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r",
        b"HTTP/1.1 200 OK\r\nA: b\r\n\r",
    ],
)
def test_an_incomplete_head_asks_for_more(raw: bytes) -> None:
    assert parse_response(raw, b"GET") is None


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        (b"200 OK", 200, b"OK"),
        (b"200", 200, b""),
        (b"200 ", 200, b""),
        (b"404 Gibt's  nicht \xe4", 404, b"Gibt's  nicht \xe4"),
        (b"999 ?", 999, b"?"),
    ],
)
def test_the_reason_may_be_anything_or_nothing(line: bytes, status: int, reason: bytes) -> None:
    """RFC 9112 §4."""
    head = response(CL5, status=line)
    assert (head.status, head.reason) == (status, reason)


def test_fields_pass_in_their_order_and_case() -> None:
    """RFC 9110 §5.3."""
    lines = (b"SERVER: x", b"set-cookie: a=1", b"X:  \xff ", b"Set-Cookie: b=2", b"Date: now", CL5)
    head = response(*lines, b"Connection: keep-alive")
    assert head.block == b"\r\n" + b"\r\n".join(lines)
    assert head.has_date
    assert head.field(b"set-cookie") == b"a=1, b=2"
    assert not response(CL5).has_date
    assert response(b"Date: a", b"Date: b", b"Connection: x", b"connection: y", CL5).has_date


@pytest.mark.parametrize(
    "line",
    [
        b"Connection: close", b"Keep-Alive: timeout=5", b"Proxy-Connection: x", b"TE: x",
        b"Proxy-Authenticate: x", b"Upgrade: h2c", b"Alt-Svc: h3=1",
        b"Connection: X-Secret\r\nx-secret: 1",
    ],
)  # fmt: skip
def test_hop_by_hop_lines_are_cut_out(line: bytes) -> None:
    """RFC 9110 §7.6.1. Alt-Svc is ours: the other address would lead around the proxy."""
    assert response(b"A: 1", line, CL5).block == b"\r\nA: 1\r\n" + CL5


def test_connection_cannot_name_the_framing_away() -> None:
    """RFC 9110 §7.6.1: what is for all recipients must not be named."""
    head = response(CL5, b"Connection: content-length, date", b"Date: x")
    assert (head.length, head.block) == (5, b"\r\n" + CL5 + b"\r\nDate: x")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(b"timeout=5", 5.0), (b"max=3, Timeout = 60", 60.0), (b"max=5", None), (b"timeout=x", None)],
)
def test_the_timeout_of_keep_alive_is_read(value: bytes, seconds: float | None) -> None:
    """RFC 9112 §C.2.2: of HTTP/1.0, and sent by many servers still."""
    assert response(CL5, b"Keep-Alive: " + value).keep_alive_timeout == seconds


@pytest.mark.parametrize(
    ("lines", "version", "kept"),
    [
        ((CL5,), b"1.1", True),
        ((CHUNKS,), b"1.1", True),
        ((), b"1.1", False),
        ((CL5, b"Connection: Close"), b"1.1", False),
        ((CL5,), b"1.0", False),
        ((CL5, b"Connection: keep-alive"), b"1.0", True),
        ((b"Connection: keep-alive",), b"1.0", False),
    ],
)
def test_the_backend_connection_is_kept(
    lines: tuple[bytes, ...], version: bytes, kept: bool
) -> None:
    assert response(*lines, version=version).keep_alive is kept


def test_interim_heads_come_one_by_one() -> None:
    """RFC 9110 §15.2."""
    first = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    raw = first + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    parsed = parse_response(raw, b"GET")
    assert parsed is not None
    assert (parsed[0].status, parsed[0].block, parsed[1]) == (103, b"\r\nLink: </a>", len(first))


def test_a_101_switches_to_what_was_asked_for() -> None:
    """RFC 9110 §7.8, §15.2.2."""
    lines = (b"Upgrade: WebSocket", b"Connection: Upgrade", b"Sec-WebSocket-Accept: x")
    head = response(*lines, status=b"101 Go", upgrade=b"websocket")
    assert (head.upgrade, head.length) == (b"WebSocket", 0)
    assert head.block == b"\r\nSec-WebSocket-Accept: x"
    for asked in (b"foo", None):
        with pytest.raises(BadMessage):
            response(*lines, status=b"101 Go", upgrade=asked)
    with pytest.raises(BadMessage):
        response(status=b"101 Go", upgrade=b"websocket")
    assert response(b"Upgrade: b", status=b"101", upgrade=b"a, B").upgrade == b"b"


def test_event_streams_are_known() -> None:
    assert response(b"Content-Type: Text/Event-Stream; charset=utf-8").event_stream
    assert not response(b"Content-Type: text/html").event_stream


def test_limits_are_those_given() -> None:
    raw = b"HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n\r\n"
    assert parse_response(raw, b"GET", limits=MessageLimits(head=100, answer_lines=2)) is not None
    for limits in (MessageLimits(answer_lines=1), MessageLimits(head=20)):
        with pytest.raises(BadMessage):
            parse_response(raw, b"GET", limits=limits)
