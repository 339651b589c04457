"""Heads of HTTP/2 become heads of HTTP/1.1, and back; nothing in a field can become another one."""

from __future__ import annotations

import pytest
from hpack import Decoder
from hypothesis import given
from hypothesis import strategies as st

from rpx.http.fields import (
    TABLE,
    Asked,
    HeadEncoder,
    Malformed,
    accepts,
    answer_fields,
    read_fields,
    read_trailers,
)
from rpx.http.framing import CHUNKED
from rpx.http.head import parse_request
from rpx.http.limits import BadMessage

GET = [
    (b":method", b"GET"),
    (b":scheme", b"https"),
    (b":authority", b"a.localhost"),
    (b":path", b"/x?y"),
]


def read(*fields: tuple[bytes, bytes], ended: bool = True) -> Asked:
    return read_fields([*GET, *fields], ended=ended, key=b"key")


def test_a_get_is_one_of_http_1() -> None:
    asked = read((b"accept", b"*/*"))
    assert asked.head == b"GET /x?y HTTP/1.1\r\nHost: a.localhost\r\naccept: */*\r\n\r\n"
    assert (asked.length, asked.websocket) == (0, False)


def test_what_has_not_ended_and_has_no_length_is_chunked() -> None:
    asked = read(ended=False)
    assert asked.length == CHUNKED
    assert asked.head.endswith(b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert read((b"content-length", b"3"), ended=False).length == 3


def test_a_websocket_asks_for_an_upgrade_with_our_key() -> None:
    head = [(b":method", b"CONNECT"), *GET[1:], (b":protocol", b"websocket")]
    asked = read_fields([*head, (b"sec-websocket-key", b"x")], ended=False, key=b"key")
    assert asked.websocket
    parsed = parse_request(asked.head)
    assert parsed is not None
    assert (parsed[0].method, parsed[0].upgrade) == (b"GET", b"websocket")
    assert parsed[0].field(b"sec-websocket-key") == b"key"


@pytest.mark.parametrize("protocol", [None, b"connect-udp"])
def test_no_other_tunnel_is_opened(protocol: bytes | None) -> None:
    head = [(b":method", b"CONNECT"), (b":authority", b"a.localhost:1")]
    if protocol:
        head = [head[0], *GET[1:], (b":protocol", protocol)]
    with pytest.raises(BadMessage, match="501"):
        parse_request(read_fields(head, ended=False, key=b"key").head)


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
        parsed = parse_request(asked.head)
    except (Malformed, BadMessage):
        return
    assert parsed is not None
    assert parsed[1] == len(asked.head)
    crumbs = sum(name == b"cookie" for name, _ in fields)
    hosts = sum(name == b"host" for name, _ in fields)
    lines = asked.head.count(b"\r\n") - 2
    chunked = asked.length == CHUNKED
    assert lines == 1 + len(fields) - max(0, crumbs - 1) - hosts + chunked
    assert (parsed[0].target, parsed[0].host) == (b"/x?y", "a.localhost")
    assert parsed[0].length == asked.length


def test_trailers_are_lines() -> None:
    assert read_trailers([(b"a", b"1"), (b"cookie", b"2")]) == b"a: 1\r\ncookie: 2\r\n"
    with pytest.raises(Malformed):
        read_trailers([(b":path", b"/")])


def test_a_head_of_ours_becomes_fields_without_what_is_for_one_connection() -> None:
    told = answer_fields(
        b"HTTP/1.1 200 OK\r\nX-A:  1 \r\nContent-Length: 3\r\nConnection: close\r\nUpgrade: a\r\n"
    )
    assert told.fields == [(b":status", b"200"), (b"x-a", b"1"), (b"content-length", b"3")]
    assert (told.status, told.length) == (200, 3)
    assert answer_fields(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked").length == CHUNKED


def test_an_accept_belongs_to_its_key() -> None:
    """RFC 6455 §1.3."""
    assert accepts(b"dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    assert not accepts(b"dGhlIHNhbXBsZSBub25jZQ==", None)


@pytest.mark.parametrize(
    ("offers", "uses"),
    [([], TABLE), ([65536], TABLE), ([0], 0), ([0, 100], 100), ([0, 65536], TABLE)],
)
def test_heads_are_read_by_others_and_little_of_them_is_remembered(
    offers: list[int], uses: int
) -> None:
    ours, theirs = HeadEncoder(), Decoder()
    for number in range(60):
        head = [(b":status", b"200"), (b"etag", b"%040d" % number), (b"x-same", b"always")]
        assert theirs.decode(ours.encode(head), raw=True) == head
        if number == 29:
            for offer in offers:
                theirs.max_allowed_table_size = offer
                ours.header_table_size = offer
    assert theirs.header_table_size == ours.header_table_size == uses


def test_who_has_no_room_for_heads_from_the_beginning_is_told_of_none() -> None:
    ours, theirs = HeadEncoder(), Decoder()
    theirs.max_allowed_table_size = ours.header_table_size = 0  # both, before the first head
    assert theirs.decode(ours.encode([(b"a", b"b")]), raw=True) == [(b"a", b"b")]
