"""Answers that are written carelessly and plain nevertheless: others take them, and so do we."""

from __future__ import annotations

import pytest

from rpx.http.framing import CHUNKED, UNTIL_CLOSE, ChunkedReader
from rpx.http.head import parse_request
from rpx.http.limits import BadMessage
from rpx.http.response import parse_response
from rpx.http.sloppy import (
    BARE_LF,
    BOTH,
    COLON,
    CONTROL,
    FOLDED,
    STATUS_LINE,
    TWO_LENGTHS,
    SloppyReader,
)
from rpx.http.sloppy import (
    CHUNKS as SLOPPY,
)

CL5 = b"Content-Length: 5"
NONE = b"Content-Length: 0"
CHUNKS = b"Transfer-Encoding: chunked"
OK = b"HTTP/1.1 200 OK\r\n"

# What is odd, the head, and how it goes on: status, reason, fields, how long the body is.
MENDED = [
    (BARE_LF, b"HTTP/1.1 200 OK\nX: a\nContent-Length: 5\n\n", b"OK", b"\r\nX: a\r\n" + CL5, 5),
    (BARE_LF, OK + b"X: a\n" + CL5 + b"\r\n\r\n", b"OK", b"\r\nX: a\r\n" + CL5, 5),
    (BARE_LF, OK + CL5 + b"\r\n\n", b"OK", b"\r\n" + CL5, 5),
    (BARE_LF, OK + CL5 + b"\n\r\n", b"OK", b"\r\n" + CL5, 5),
    (BARE_LF, b"HTTP/1.1 200\n\n", b"", b"", UNTIL_CLOSE),
    (BOTH, OK + CL5 + b"\r\nX: a\r\n" + CHUNKS + b"\r\n\r\n", b"OK", b"\r\nX: a", CHUNKED),
    (BOTH, OK + CHUNKS + b"\r\nContent-Length: x\r\n\r\n", b"OK", b"", CHUNKED),
    (TWO_LENGTHS, OK + b"%b\r\nX: a\r\n%b\r\n\r\n" % (CL5, CL5), b"OK", b"\r\nX: a\r\n" + CL5, 5),
    (TWO_LENGTHS, OK + CL5 + b" , 5,05\r\n\r\n", b"OK", b"\r\n" + CL5, 5),
    ("", OK + b"Content-Length: 0005\r\n\r\n", b"OK", b"\r\n" + CL5, 5),
    ("", OK + b"Content-Length: %b\r\n\r\n" % (b"5".zfill(40)), b"OK", b"\r\n" + CL5, 5),
    ("", OK + b"Content-Length: 000\r\n\r\n", b"OK", b"\r\nContent-Length: 0", 0),
    (CONTROL, OK + b"X: a\x01b\x7f\r\n" + CL5 + b"\r\n\r\n", b"OK", b"\r\nX: a b \r\n" + CL5, 5),
    (STATUS_LINE, b"HTTP/1.1 200 O\x1bK\r\n" + CL5 + b"\r\n\r\n", b"O K", b"\r\n" + CL5, 5),
    (STATUS_LINE, b"HTTP/1.1   200  OK\r\n" + CL5 + b"\r\n\r\n", b" OK", b"\r\n" + CL5, 5),
    (STATUS_LINE, b"HTTP/2.0 200 OK\r\n" + CL5 + b"\r\n\r\n", b"OK", b"\r\n" + CL5, 5),
    (FOLDED, OK + b"X: a \r\n\t b\r\n c\r\n\r\n", b"OK", b"\r\nX: a b c", UNTIL_CLOSE),
    (COLON, OK + b"Content-Length \t: 5\r\n\r\n", b"OK", b"\r\n" + CL5, 5),
    (BARE_LF, b"HTTP/1.1  200 OK\nX : \x02\n%b\n\n" % NONE, b"OK", b"\r\nX:  \r\n" + NONE, 0),
]  # fmt: skip


@pytest.mark.parametrize("step", [1, 7, 1000])
@pytest.mark.parametrize("case", MENDED)
def test_what_others_take_is_mended(case: tuple[str, bytes, bytes, bytes, int], step: int) -> None:
    odd, raw, reason, block, length = case
    buffer, scanned, parsed = bytearray(), 0, None
    behind = b"12345HTTP/1.1 200 OK\r\n\r\n"
    for at in range(0, len(raw), step):
        buffer += raw[at : at + step]
        if len(buffer) >= len(raw):
            buffer += behind
        parsed = parse_response(buffer, b"GET", scanned=scanned)
        scanned = len(buffer)
        assert (parsed is not None) is (len(buffer) > len(raw))
    assert parsed is not None
    head, end = parsed
    assert (head.status, head.reason, head.block, head.length) == (200, reason, block, length)
    assert (head.odd, end) == (odd, len(raw))
    assert head.keep_alive is (not odd and length >= 0)


@pytest.mark.parametrize("lines", [150, 999])
def test_an_answer_may_have_many_lines(lines: int) -> None:
    raw = OK + b"X: a\r\n" * lines + CL5 + b"\r\n\r\n"
    head, _ = parse_response(raw, b"GET") or pytest.fail("not a whole head")
    assert head.block.count(b"\r\n") == lines + 1
    assert head.keep_alive


def test_a_hundred_lines_are_enough_for_a_request() -> None:
    raw = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 150 + b"\r\n"
    with pytest.raises(BadMessage) as caught:
        parse_request(raw)
    assert caught.value.status == 431


def feed(reader: ChunkedReader, raw: bytes, step: int) -> None:
    for at in range(0, len(raw), step):
        reader.feed(raw[at : at + step])


CHUNKS_SO = [
    (b"5  \r\nhello\r\n0\t\r\n\r\n", b""),
    (b"5\nhello\n0\n\n", b""),
    (b"5\nhello\r\n0\r\n\r\n", b""),
    (b"5;\r\nhello\r\n0; x y z\r\n\r\n", b""),
    (b"3\r\nhel\r\n2 \r\nlo\r\n0\r\nX-Sum: 1\nX-Two\t: a\x01b\n\n", b"X-Sum: 1\r\nX-Two: a b\r\n"),
    (b"5\r\nhello\r\n0\r\nX: a\r\n b\r\n\n", b"X: a b\r\n"),
]


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
@pytest.mark.parametrize(("raw", "trailers"), CHUNKS_SO)
def test_chunks_that_others_take_are_read(raw: bytes, trailers: bytes, step: int) -> None:
    reader, body = SloppyReader(), b""
    whole = raw + b"HTTP/1.1"
    for at in range(0, len(whole), step):
        body += b"".join(reader.feed(whole[at : at + step]))
        assert reader.done is (at + step >= len(raw))
    assert (body, reader.trailers, reader.rest) == (b"hello", trailers, b"HTTP/1.1")
    assert reader.odd == SLOPPY
    with pytest.raises(BadMessage):
        ChunkedReader().feed(whole)


@pytest.mark.parametrize(
    "raw",
    [
        b"5\r\nhello\r\n0\r\n\r\n",
        b"5 ; a=b\r\nhello\r\n0\r\nX: a\r\n\r\n",
    ],
)
def test_clean_chunks_are_not_odd(raw: bytes) -> None:
    reader = SloppyReader()
    assert reader.feed(raw) == [b"hello"]
    assert (reader.done, reader.odd) == (True, "")


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize(
    "raw",
    [
        b" 5\r\nhello",
        b"0x5\r\nhello",
        b"5 5\r\nhello",
        b"5\r hello",
        b"+5\r\n",
        b"\r\n",
        b"5\r\nhelloo\r\n0\r\n\r\n",
        b"00000000000000005\r\nhello",
        b"0\r\nX\r\n\r\n",
        b"0\r\nX: a\x00b\r\n\r\n",
        b"0\r\nX: a\rb\r\n\r\n",
    ],
)
def test_chunks_that_make_no_sense_are_refused(raw: bytes, step: int) -> None:
    with pytest.raises(BadMessage) as caught:
        feed(SloppyReader(), raw, step)
    assert caught.value.status == 502


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\n", b"\n\r\n"])
@pytest.mark.parametrize("body", [b"\x00\xff\r\x01", b"\r\n\r\n\x00", b"\n" * 500])
def test_what_a_body_has_is_no_fault_of_the_head_before_it(end: bytes, body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\nContent-Length: %d" % len(body) + end
    parsed = parse_response(head + body, b"GET")
    assert parsed is not None
    assert (parsed[0].length, parsed[1]) == (len(body), len(head))
