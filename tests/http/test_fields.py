"""Heads of HTTP/2 become heads of HTTP/1.1, and back; nothing in a field can become another one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.http.fields import (
    Asked,
    Malformed,
    accepts,
    read_fields,
    read_trailers,
    request_of,
)
from rpx.http.framing import CHUNKED
from rpx.http.head import parse_request
from rpx.http.limits import BadMessage, MessageLimits

GET = [
    (b":method", b"GET"),
    (b":scheme", b"https"),
    (b":authority", b"a.localhost"),
    (b":path", b"/x?y"),
]


def read(*fields: tuple[bytes, bytes], ended: bool = True) -> Asked:
    return read_fields([*GET, *fields], ended=ended)


def test_a_get_is_one_of_http_1() -> None:
    asked = read((b"accept", b"*/*"))
    head = request_of(asked)
    assert (head.method, head.target, head.minor) == (b"GET", b"/x?y", 1)
    assert head.block == b"\r\nHost: a.localhost\r\naccept: */*"
    assert (asked.length, asked.websocket) == (0, False)


def test_what_has_not_ended_and_has_no_length_is_chunked() -> None:
    asked = read(ended=False)
    assert asked.length == CHUNKED
    assert request_of(asked).block.endswith(b"\r\nTransfer-Encoding: chunked")
    assert read((b"content-length", b"3"), ended=False).length == 3


@pytest.mark.parametrize("ended", [True, False])
def test_a_length_of_five_thousand_digits_is_refused_and_not_counted(ended: bool) -> None:
    asked = read((b"content-length", b"9" * 5000), ended=ended)
    with pytest.raises(BadMessage) as refused:
        request_of(asked)
    assert refused.value.status == 400


def test_a_websocket_asks_for_an_upgrade_with_our_key() -> None:
    head = [(b":method", b"CONNECT"), *GET[1:], (b":protocol", b"websocket")]
    asked = read_fields([*head, (b"sec-websocket-key", b"x")], ended=False)
    assert asked.websocket
    request = request_of(asked, key=b"key")
    assert (request.method, request.upgrade) == (b"GET", b"websocket")
    assert request.field(b"sec-websocket-key") == b"key"


@pytest.mark.parametrize("protocol", [None, b"connect-udp"])
def test_no_other_tunnel_is_opened(protocol: bytes | None) -> None:
    head = [(b":method", b"CONNECT"), (b":authority", b"a.localhost:1")]
    if protocol:
        head = [head[0], *GET[1:], (b":protocol", protocol)]
    with pytest.raises(BadMessage, match="501"):
        request_of(read_fields(head, ended=False))


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=8)
            | st.sampled_from([b"x", b"host", b"cookie", b"te", b"content-length"])
            | st.sampled_from([name for name, _ in GET]),
            st.binary(max_size=12)
            | st.sampled_from([b"1", b"trailers", b"a.localhost", b"a\r\nb: c"]),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_a_head_that_is_passed_on_has_one_line_for_each_field(
    fields: list[tuple[bytes, bytes]], ended: bool
) -> None:
    """Whatever comes: it is refused, or HTTP/1.1 finds in it what HTTP/2 had, and nothing else."""
    try:
        asked = read(*fields, ended=ended)
        head = request_of(asked)
    except (Malformed, BadMessage):
        return
    raw = b"GET /x?y HTTP/1.1" + head.block + b"\r\n\r\n"
    parsed = parse_request(raw)
    assert parsed is not None
    assert parsed[1] == len(raw)
    crumbs = sum(name == b"cookie" for name, _ in fields)
    left_out = sum(name in {b"host", b"te"} for name, _ in fields)  # said already, and not sent on
    chunked = asked.length == CHUNKED
    lines = head.block.count(b"\r\n")
    assert lines == 1 + len(fields) - max(0, crumbs - 1) - left_out + chunked
    assert (parsed[0].target, parsed[0].host) == (b"/x?y", "a.localhost")
    assert parsed[0].length == asked.length == head.length


SPECIAL = [
    "accept", "content-length", "content_length", "expect", "via", "forwarded", "x-real-ip",
    "x-forwarded-for", "x_forwarded_for", "x-forwarded_for", "x_real_ip", "cdn-loop", "cdn_loop",
    "http2-settings", "proxy-authorization", "transfer_encoding", "max-forwards", "origin",
]  # fmt: skip
VALUES = ["1", "05", "100-Continue", "A.b:80", "1.1 rpx, 1.1 Rpx", "rpx; x", "v" * 99]


@given(
    st.sampled_from(["GET", "POST", "OPTIONS", "TRACE", "M" * 70]),
    st.sampled_from(["/x?y", "/", "/" + "p" * 90, "/\x80"]),
    st.sampled_from(["a.localhost", "A.localhost:8080", "[::1]:1", "a,b", None]),
    st.lists(
        st.just(("te", "trailers")) | st.tuples(st.sampled_from(SPECIAL), st.sampled_from(VALUES)),
        max_size=9,
    ),
)
def test_it_is_judged_like_the_same_head_of_http_1(
    method: str, path: str, host: str | None, fields: list[tuple[str, str]]
) -> None:
    limits = MessageLimits(head=600, lines=8, target=80)
    pairs = [(name.encode(), value.encode()) for name, value in fields]
    first = [(b":method", method.encode()), (b":scheme", b"https")]
    first.append((b":path", path.encode("latin-1")))
    lines = list(pairs)
    if host is not None:
        first.append((b":authority", host.encode()))
        lines.insert(0, (b"Host", host.encode()))
    ended = all(name != b"content-length" for name, _ in pairs)
    raw = b"%b %b HTTP/1.1\r\n" % (method.encode(), path.encode("latin-1"))
    raw += b"".join(b"%b: %b\r\n" % line for line in lines) + b"\r\n"
    try:
        parsed = parse_request(raw, limits)
        expected: object = parsed and parsed[0]
    except BadMessage as bad:
        expected = str(bad)
    try:
        found: object = request_of(read_fields([*first, *pairs], ended=ended), limits)
    except BadMessage as bad:
        found = str(bad)
    assert found == expected


def test_trailers_are_lines() -> None:
    assert read_trailers([(b"a", b"1"), (b"cookie", b"2")]) == b"a: 1\r\ncookie: 2\r\n"
    with pytest.raises(Malformed):
        read_trailers([(b":path", b"/")])


def test_an_accept_belongs_to_its_key() -> None:
    """RFC 6455 §1.3."""
    assert accepts(b"dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    assert not accepts(b"dGhlIHNhbXBsZSBub25jZQ==", None)
