"""Heads of answers become blocks of HTTP/2, and what is remembered of them changes nothing."""

from __future__ import annotations

from rpx.http.answer_head import AnswerHead
from rpx.http.answer_lines import LINE, LINES, LineEncoder
from rpx.http.framing import CHUNKED
from rpx.http.hpack import Decoder, Fields


def told(encoder: LineEncoder, head: AnswerHead) -> Fields:
    return Decoder(100_000).decode(b"".join(encoder.head(head)))


def test_a_head_of_ours_becomes_fields_without_what_is_for_one_connection() -> None:
    block = b"\r\nX-A:  1 \r\nContent-Length: 3\r\nUpgrade: a"
    head = AnswerHead(200, b"OK", block, b"Connection: close\r\nDate: now\r\n", 3)
    fields = ((b"x-a", b"1"), (b"content-length", b"3"), (b"date", b"now"))
    encoder = LineEncoder()
    for _ in range(2):
        assert told(encoder, head) == ((b":status", b"200"), *fields)
    head = AnswerHead(204, b"", b"", b"Transfer-Encoding: chunked\r\n", CHUNKED)
    assert told(encoder, head) == ((b":status", b"204"),)


def test_a_switch_is_a_200_without_the_accept_that_nobody_has_asked_for() -> None:
    block = b"\r\nSec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: y\r\nUpgrade: websocket"
    head = AnswerHead(101, b"", block, b"Connection: upgrade\r\n", 0)
    fields = ((b":status", b"200"), (b"sec-websocket-protocol", b"y"))
    assert told(LineEncoder(), head) == fields


def test_trailers_are_fields() -> None:
    encoded = LineEncoder().trailers(b"X-A: 1\r\nx-b: \r\n")
    assert Decoder(1000).decode(b"".join(encoded)) == ((b"x-a", b"1"), (b"x-b", b""))


def test_what_is_remembered_has_bounds() -> None:
    encoder = LineEncoder()
    for number in range(2 * LINES):
        for value in (b"%d" % number, b"%d" % number + b"v" * LINE):
            line = (b"x", value)
            head = AnswerHead(200, b"", b"\r\n%b: %b" % line, b"", 0)
            assert told(encoder, head) == ((b":status", b"200"), line)
    assert len(encoder._known) <= LINES
    assert max(map(len, encoder._known)) <= LINE
