"""Ours against h11 and llhttp (through httptools): what we accept means the same to both.

Where they differ from us, with the reason; the strategies below stay inside of it:

- h11 refuses empty lines before the request line, which RFC 9112 §2.2 lets pass.
- h11 closes after every HTTP/1.0 request, even one with keep-alive (RFC 9112 §9.3).
- llhttp keeps a 1.0 connection that says both close and keep-alive; by RFC 9112 §9.3 close wins.
- llhttp refuses methods that it has no number for, and HTTP/1.2; RFC 9110 §9.1, §2.5 let both pass.
- An Upgrade makes both stop behind the head; the body is compared without one.
- An Expect other than 100-continue is our 417 and nothing to them; so are Host's letters.

A second of each. `make fuzz` looks for the same differences for as long as it is told to.
"""

from __future__ import annotations

from typing import NamedTuple

import h11
import httptools
from hypothesis import given
from hypothesis import strategies as st

from rpx.http.forwarded import forwarding
from rpx.http.framing import CHUNKED, ChunkedReader
from rpx.http.head import RequestHead, parse_request
from rpx.http.limits import BadMessage
from rpx.http.response import parse_response
from rpx.http.rewrite import request_to_send
from tests.support.examples import times

NEXT = b"GET /next HTTP/1.1\r\nHost: n\r\n\r\n"

METHODS = st.sampled_from([b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"DELETE", b"PATCH"])
TARGETS = st.sampled_from(
    [b"/", b"/a?b=c", b"//x", b"/%00", b"/a#b", b"*", b"http://a/", b"/\x7f", b"a", b"/a b", b""]
)
VERSIONS = st.sampled_from([b"HTTP/1.1"] * 4 + [b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1", b"http/1.1"])
ENDS = st.sampled_from([b"\r\n"] * 30 + [b"\n", b"\r", b"\r\r\n", b" \r\n", b"\r\n ", b""])
LINES = st.sampled_from(
    [
        b"Host: a", b"Host: a", b"Host:a:80", b"host: b", b"Host: ", b"Content-Length: 5",
        b"Content-Length: 0", b"content-length:5", b"Content-Length: +5", b"Content-Length: 5, 5",
        b"Content-Length : 5", b"Transfer-Encoding: chunked", b"Transfer-Encoding:\tCHUNKED ",
        b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: xchunked", b"X-A: b", b"X-A:",
        b"Transfer_Encoding: chunked", b"X A: b", b"X-A: \x00", b"X-A: \xff", b": x", b"nothing",
        b"Connection: close", b"Connection: keep-alive", b"Connection: x, close", b"TE: trailers",
        b"Expect: 100-continue", b"Connection: content-length, host", b"Via: 1.1 x",
    ]
)  # fmt: skip
BODIES = st.sampled_from(
    [
        b"hello",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n",
        b"0\r\n\r\n",
        b"",
    ]
)


@st.composite
def conversations(draw: st.DrawFn) -> bytes:
    start = draw(METHODS) + b" " + draw(TARGETS) + b" " + draw(VERSIONS) + draw(ENDS)
    lines = draw(st.lists(st.tuples(LINES, ENDS), min_size=1, max_size=5))
    head = start + b"".join(line + end for line, end in lines) + b"\r\n"
    return head + draw(BODIES) + NEXT


class Read(NamedTuple):
    method: bytes
    target: bytes
    body: bytes
    after: bytes  # the first bytes behind the message


def by_us(raw: bytes) -> tuple[RequestHead, Read] | None:
    """Head and message, or None when refused or not complete."""
    try:
        parsed = parse_request(raw)
        if parsed is None:
            return None
        head, size = parsed
        if head.length != CHUNKED:
            body, after = raw[size : size + head.length], raw[size + head.length :]
            return head, Read(head.method, head.target, body, after)
        reader = ChunkedReader()
        body = b"".join(reader.feed(raw[size:]))
    except BadMessage:
        return None
    return (head, Read(head.method, head.target, body, reader.rest)) if reader.done else None


def by_h11(raw: bytes) -> tuple[Read, bool]:
    conn = h11.Connection(h11.SERVER)
    conn.receive_data(raw)
    head = conn.next_event()
    assert isinstance(head, h11.Request)
    body = b""
    while isinstance(event := conn.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    read = Read(head.method, head.target, body, conn.trailing_data[0])
    return read, conn.their_state is not h11.MUST_CLOSE


class Llhttp:
    def __init__(self, raw: bytes) -> None:
        self.url = self.body = self.method = b""
        self.heads = 0
        self.kept = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(raw)

    def on_url(self, data: bytes) -> None:
        if not self.heads:
            self.url += data

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_headers_complete(self) -> None:
        self.heads += 1
        if self.heads == 1:
            self.method = self.parser.get_method()
            self.kept = self.parser.should_keep_alive()


@times(8)
@given(conversations())
def test_what_we_accept_means_the_same_to_h11_and_llhttp(raw: bytes) -> None:
    ours = by_us(raw)
    if ours is None:
        return
    head, read = ours
    # What isn't a request is an error of the next message, which the last one hides.
    raw = raw[: len(raw) - len(read.after)] + (NEXT if head.keep_alive else b"")
    target = raw.split(b" ")[1]  # before we normalised it
    theirs, kept = by_h11(raw)
    after = NEXT if head.keep_alive else b""
    assert theirs == Read(read.method, target, read.body, after)
    assert kept == (head.keep_alive and head.minor == 1)

    llhttp = Llhttp(raw)
    assert (llhttp.method, llhttp.url, llhttp.body) == (read.method, target, read.body)
    assert llhttp.kept == head.keep_alive or (head.minor == 0 and llhttp.kept)
    assert llhttp.heads == 1 + head.keep_alive


@times(4)
@given(conversations())
def test_what_we_send_on_is_one_message_to_both(raw: bytes) -> None:
    """91, 102: exactly one framing, and no byte of the body becomes a second request."""
    ours = by_us(raw)
    if ours is None or not ours[0].host:
        return
    head, read = ours
    sent = request_to_send(head, forwarding("192.0.2.1", "http"))
    whole = sent + (b"%x\r\n%b\r\n" % (len(read.body), read.body) if read.body else b"")
    whole = whole + b"0\r\n\r\n" if head.length == CHUNKED else sent + read.body
    assert by_h11(whole) == (Read(read.method, head.target, read.body, b""), True)
    again = by_us(whole)
    assert again is not None
    assert again[1] == Read(read.method, head.target, read.body, b"")
    llhttp = Llhttp(whole)
    assert (llhttp.heads, llhttp.body, llhttp.kept) == (1, read.body, True)


@times(3)
@given(conversations())
def test_hops_are_idempotent(raw: bytes) -> None:
    """A second rpx changes nothing but CDN-Loop and what it knows of its own client."""
    ours = by_us(raw)
    if ours is None or not ours[0].host:
        return
    peer = forwarding("192.0.2.1", "http")
    once = parse_request(request_to_send(ours[0], peer))
    assert once is not None
    assert once[0].loops == 1
    first, again = ours[0].block.split(b"\r\n"), once[0].block.split(b"\r\n")
    again.remove(b"CDN-Loop: rpx")
    assert sorted(first) == sorted(again)


HEADS = st.lists(
    st.sampled_from([b"GET", b" ", b"/", b"HTTP/1.1", b"\r\n", b"Host: a", b":", b"\n", b"X: y",
                     b"HTTP/1.1 200 OK", b"Content-Length: 5", b"\x00", b"\r", b"\xff"])
    | st.binary(max_size=4),
    max_size=14,
).map(b"".join)  # fmt: skip


@times(5)
@given(HEADS | conversations(), st.integers(1, 7))
def test_garbage_raises_nothing_but_bad_message_and_chopping_changes_nothing(
    raw: bytes, step: int
) -> None:
    def whole(request: bool, buffer: bytes | bytearray, scanned: int = 0) -> object:
        try:
            if request:
                return parse_request(buffer, scanned=scanned)
            return parse_response(buffer, b"GET", scanned=scanned)
        except BadMessage:
            return "bad"

    for request in (True, False):
        buffer = bytearray()
        scanned = 0
        result: object = None
        for at in range(0, len(raw), step):
            buffer += raw[at : at + step]
            result = whole(request, buffer, scanned)
            if result is not None:
                break
            scanned = len(buffer)
        assert result == whole(request, raw)
