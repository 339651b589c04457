"""Requests that pass, and what is read from them."""

from __future__ import annotations

import pytest

from rpx.http.framing import CHUNKED
from rpx.http.head import RequestHead, parse_request


def parse(raw: bytes) -> RequestHead:
    parsed = parse_request(raw)
    assert parsed is not None
    head, size = parsed
    assert size == len(raw)
    return head


def request(
    *lines: bytes, method: bytes = b"GET", target: bytes = b"/", version: bytes = b"1.1"
) -> RequestHead:
    start = b"%b %b HTTP/%b\r\nHost: a.test\r\n" % (method, target, version)
    return parse(start + b"".join(line + b"\r\n" for line in lines) + b"\r\n")


@pytest.mark.parametrize(
    "target",
    [
        b"/", b"/a%2fb/../c//d;x=1+2", b"/?", b"/?a=1&a=2&&", b"/%00%zz", b"//a/b", b"/a?b?c",
        b"/*",
        b'/a|b{c}^`"<>\\', b"/http://other/",
    ],
)  # fmt: skip
def test_a_target_in_origin_form_passes_byte_for_byte(target: bytes) -> None:
    """RFC 9110 §7.7: what is received as a path and a query is sent on."""
    assert request(target=target).target == target


def test_empty_lines_before_the_request_line_are_ignored() -> None:
    """RFC 9112 §2.2. How many is ours."""
    raw = b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert parse(raw).method == b"GET"
    assert parse_request(b"\r\n\r\n\r\n") is None
    assert parse(b"\r\n" * 98 + raw).method == b"GET"
    assert parse_request(b"\r\n" * 100 + b"\r") is None


def test_a_later_minor_version_is_1_1() -> None:
    """RFC 9110 §2.5, RFC 9112 §2.3."""
    assert request(version=b"1.2").minor == 1
    assert request(version=b"1.9").keep_alive
    assert request(version=b"1.0").minor == 0


@pytest.mark.parametrize("method", [b"MKCOLA", b"get", b"FOO", b"!#$%&'*+-.^_`|~9", b"A" * 64])
def test_unknown_methods_pass_in_their_own_case(method: bytes) -> None:
    """RFC 9110 §9.1: methods are case-sensitive, and what they mean is the origin's business."""
    assert request(method=method).method == method


def test_a_request_line_of_8000_bytes_and_more_passes() -> None:
    """RFC 9112 §3: 8,000 bytes should be possible at least."""
    assert len(request(target=b"/" + b"a" * 16000).target) == 16001


@pytest.mark.parametrize(
    ("target", "host_line", "forwarded", "host", "authority"),
    [
        (b"http://a.test/x?y", b"Host: a.test", b"/x?y", "a.test", b"a.test"),
        (b"http://A.test:80/", b"Host: a.test", b"/", "a.test", b"A.test:80"),
        (b"HTTPS://a.test", b"Host: a.test:443", b"/", "a.test", b"a.test"),
        (b"http://a.test?x", b"Host: a.test", b"/?x", "a.test", b"a.test"),
        (b"http://[::1]:8/", b"Host: [::1]:8", b"/", "[::1]", b"[::1]:8"),
        (b"http://a.test.", b"Host: a.test", b"/", "a.test", b"a.test."),
    ],
)
def test_absolute_form_becomes_origin_form_and_its_authority_the_host(
    target: bytes, host_line: bytes, forwarded: bytes, host: str, authority: bytes
) -> None:
    """RFC 9112 §3.2.2: the Host that came with it is replaced."""
    head = parse(b"GET %b HTTP/1.1\r\nX: 1\r\n%b\r\nY: 2\r\n\r\n" % (target, host_line))
    assert (head.target, head.host, head.authority) == (forwarded, host, authority)
    assert head.block == b"\r\nX: 1\r\nHost: %b\r\nY: 2" % authority


def test_a_1_0_request_gets_its_host_from_an_absolute_target() -> None:
    """RFC 9112 §3.2.2."""
    head = parse(b"GET http://a.test:81/x HTTP/1.0\r\nX: 1\r\n\r\n")
    assert (head.host, head.target) == ("a.test", b"/x")
    assert head.block == b"\r\nHost: a.test:81\r\nX: 1"


def test_the_asterisk_is_for_options() -> None:
    """RFC 9112 §3.2.4."""
    assert request(method=b"OPTIONS", target=b"*").target == b"*"
    assert request(method=b"OPTIONS", target=b"http://a.test").target == b"*"
    assert request(method=b"OPTIONS", target=b"http://a.test/").target == b"/"
    assert request(method=b"OPTIONS", target=b"http://a.test?x").target == b"/?x"


@pytest.mark.parametrize(
    ("value", "hops"), [(b"0", 0), (b"7", 7), (b"x", None), (b"", None), (b"-1", None)]
)
def test_max_forwards_is_read_for_options(value: bytes, hops: int | None) -> None:
    """RFC 9110 §7.6.2."""
    assert request(b"Max-Forwards: " + value, method=b"OPTIONS").max_forwards == hops
    assert request(b"Max-Forwards: " + value).max_forwards is None


def test_a_1_0_request_may_come_without_host() -> None:
    """RFC 9112 §3.2: only HTTP/1.1 must have one."""
    head = parse(b"GET / HTTP/1.0\r\n\r\n")
    assert (head.host, head.authority, head.block) == ("", b"", b"")


@pytest.mark.parametrize(
    ("value", "host"),
    [
        (b"App.Test", "app.test"),
        (b"app.test:3000", "app.test"),
        (b"app.test.", "app.test"),
        (b"app.test.:3000", "app.test"),
        (b"app.test:", "app.test"),
        (b"127.0.0.1:80", "127.0.0.1"),
        (b"[::1]:443", "[::1]"),
        (b"[FE80::1]", "[fe80::1]"),
        (b"a_b.test", "a_b.test"),
        (b"a%41.test", "a%41.test"),
        (b" \tapp.test \t", "app.test"),
    ],
)
def test_the_host_for_routing_has_no_port_case_or_dot(value: bytes, host: str) -> None:
    """RFC 9110 §4.2.3: hosts don't depend on case; that port and last dot don't count is ours."""
    head = parse(b"GET / HTTP/1.1\r\nHost:%b\r\n\r\n" % value)
    assert head.host == host
    assert head.block == b"\r\nHost:%b" % value  # sent on as it came


def test_unknown_fields_keep_bytes_case_order_and_spacing() -> None:
    """RFC 9110 §5.1, §5.3, §5.5: unknown fields, their order, bytes above ASCII. Case is ours."""
    lines = (b"x-B:  1\t", b"X-a:\t\xe4\xff", b"x-B:2", b"Content__Length: 5", b"Cookie: a=b;  c",
             b"Accept-Encoding: x", b"user_id: 7", b"Empty:")  # fmt: skip
    head = request(*lines)
    assert head.block == b"\r\nHost: a.test\r\n" + b"\r\n".join(lines)
    assert head.length == 0
    assert head.field(b"x-b") == b"1, 2"
    assert head.field(b"empty") == b""
    assert head.field(b"user-agent") is None  # none is invented


def test_a_hundred_lines_pass() -> None:
    """RFC 6585 §5 has no number; ours is a hundred."""
    assert request(*[b"a: b"] * 99).block.count(b"a: b") == 99


HOP_LINES = [
    b"Connection: keep-alive", b"connection:  keep-alive ", b"Connection: close", b"Connection:",
    b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive", b"Proxy-Authenticate: x",
    b"PROXY-AUTHORIZATION: Basic x", b"TE: gzip", b"Upgrade: websocket", b"HTTP2-Settings: x",
    b"Via: 1.1 x", b"Forwarded: for=1.2.3.4", b"X-Forwarded-For: 1.2.3.4", b"x-forwarded-port: 1",
    b"X-Forwarded-Anything: 1",
]  # fmt: skip


@pytest.mark.parametrize("line", HOP_LINES)
def test_hop_by_hop_lines_are_cut_out(line: bytes) -> None:
    """RFC 9110 §7.6.1, §11.7.2."""
    assert request(b"A: 1", line, b"B: 2").block == b"\r\nHost: a.test\r\nA: 1\r\nB: 2"
    assert request(line).block == b"\r\nHost: a.test"
    both = request(line, b"Connection: keep-alive", b"TE: x")
    assert both.block == b"\r\nHost: a.test"


def test_fields_that_connection_names_are_cut_out() -> None:
    """RFC 9110 §7.6.1."""
    head = request(b"X-Secret: 1", b"Connection: , x-secret ,", b"CONNECTION:Cookie", b"Y: 2",
                   b"cookie: a", b"x-SECRET: 2")  # fmt: skip
    assert head.block == b"\r\nHost: a.test\r\nY: 2"
    long = b",".join(b"x-%d" % i for i in range(100))
    assert request(b"X-77: 1", b"Connection: " + long).block == b"\r\nHost: a.test"


def test_connection_cannot_name_what_framing_and_routing_need() -> None:
    """RFC 9110 §7.6.1: what is for all recipients must not be named."""
    head = request(
        b"Connection: Host, Content-Length, Via, Expect, X-Forwarded-For", b"Content-Length: 5",
        b"Via: 1.1 x", b"X-Forwarded-For: 6.6.6.6", b"Expect: 100-continue", method=b"POST",
    )  # fmt: skip
    assert head.block == b"\r\nHost: a.test\r\nContent-Length: 5\r\nExpect: 100-continue"
    assert (head.length, head.via, head.forwarded) == (5, b"1.1 x", b"")
    head = request(b"Connection: Transfer-Encoding", b"Transfer-Encoding: chunked")
    assert head.length == CHUNKED
    assert head.block.endswith(b"\r\nTransfer-Encoding: chunked")


def test_only_trailers_of_te_survives() -> None:
    """RFC 9110 §10.1.4."""
    assert request(b"TE: gzip;q=0.5, Trailers", b"Connection: TE").te_trailers
    assert not request(b"TE: gzip").te_trailers
    assert not request(b"TE: trailers", version=b"1.0").te_trailers


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"POST"])
@pytest.mark.parametrize("number", [0, 1, 1048576, 2**63 - 1])
def test_a_length_is_read_for_every_method(method: bytes, number: int) -> None:
    """RFC 9112 §6.2; RFC 9110 §9.3.1: the content of a GET means nothing, but may be there."""
    head = request(b"Content-Length:  %d \t" % number, method=method)
    assert head.length == number
    assert head.block.count(b"Content-Length") == 1


@pytest.mark.parametrize("value", [b"chunked", b"Chunked", b"CHUNKED", b"chunked \t"])
def test_chunked_in_any_case_is_sent_on_in_one(value: bytes) -> None:
    """RFC 9112 §7: the names of codings don't depend on case."""
    head = request(b"Transfer-Encoding: " + value, b"Z: 1")
    assert head.length == CHUNKED
    assert head.block == b"\r\nHost: a.test\r\nZ: 1\r\nTransfer-Encoding: chunked"


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"PATCH"])
def test_a_post_without_a_body_says_so(method: bytes) -> None:
    """RFC 9110 §8.6."""
    assert request(method=method).block == b"\r\nHost: a.test\r\nContent-Length: 0"
    assert request(method=b"GET").block == b"\r\nHost: a.test"


def test_what_follows_the_head_is_not_part_of_it() -> None:
    """RFC 9112 §6.3."""
    raw = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    parsed = parse_request(raw + b"GET / HTTP/1.1\r\n\r\n")
    assert parsed is not None
    assert parsed[1] == len(raw)


def test_expect_continue_is_read_when_a_body_follows() -> None:
    """RFC 9110 §10.1.1."""
    head = request(b"Expect: 100-Continue", b"Content-Length: 5")
    assert head.expect_continue
    assert b"Expect" in head.block
    assert request(b"Expect: 100-continue", b"Transfer-Encoding: chunked").expect_continue
    none = request(b"Expect: 100-continue")
    assert not none.expect_continue
    assert b"Expect" not in none.block


@pytest.mark.parametrize("value", [b"100-continue", b"pudding"])
def test_an_expectation_of_a_1_0_client_is_ignored(value: bytes) -> None:
    """RFC 9110 §10.1.1."""
    head = request(b"Expect: " + value, b"Content-Length: 5", version=b"1.0")
    assert not head.expect_continue
    assert b"Expect" not in head.block


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        (b"1.1", None, True),
        (b"1.1", b"Keep-Alive", True),
        (b"1.1", b"close", False),
        (b"1.1", b"x, CLOSE", False),
        (b"1.1", b"keep-alive, close", False),
        (b"1.1", b"closed", True),
        (b"1.0", None, False),
        (b"1.0", b"keep-alive", True),
        (b"1.0", b"KEEP-alive, x", True),
        (b"1.0", b"keep-alive, close", False),
    ],
)
def test_how_long_the_connection_lasts(
    version: bytes, connection: bytes | None, kept: bool
) -> None:
    """RFC 9112 §9.3."""
    lines = () if connection is None else (b"Connection: " + connection,)
    assert request(*lines, version=version).keep_alive is kept


@pytest.mark.parametrize(
    ("connection", "upgrade", "method", "version", "asked"),
    [
        (b"Upgrade", b"websocket", b"GET", b"1.1", b"websocket"),
        (b"keep-alive, upgrade", b"WebSocket", b"GET", b"1.1", b"WebSocket"),
        (b"close, upgrade", b"foo", b"POST", b"1.1", b"foo"),
        (b"keep-alive", b"websocket", b"GET", b"1.1", None),
        (b"upgrade", b"websocket", b"GET", b"1.0", None),
        (b"upgrade", b"websocket", b"POST", b"1.1", None),
        (b"upgrade", b"h2c", b"GET", b"1.1", None),
        (b"upgrade, http2-settings", b"H2C, foo", b"GET", b"1.1", b"foo"),
        (b"upgrade", b"", b"GET", b"1.1", None),
        (b"upgrade", b"foo/2, bar", b"GET", b"1.1", b"foo/2, bar"),
    ],
)
def test_when_an_upgrade_is_acted_on(
    connection: bytes, upgrade: bytes, method: bytes, version: bytes, asked: bytes | None
) -> None:
    """RFC 9110 §7.8; RFC 6455 §4.1: GET; RFC 9113 §3.1: h2c is obsolete."""
    lines = (b"Connection: " + connection, b"Upgrade: " + upgrade)
    head = request(*lines, method=method, version=version)
    assert head.upgrade == asked
    assert b"pgrade" not in head.block


def test_connection_without_upgrade_and_upgrade_without_connection_ask_for_nothing() -> None:
    assert request(b"Connection: upgrade").upgrade is None
    assert request(b"Upgrade: websocket").upgrade is None


@pytest.mark.parametrize(
    ("lines", "loops"),
    [
        ((), 0),
        ((b"Via: 1.1 other",), 0),
        ((b"Via: 1.1 rpx",), 1),
        ((b"Via: 1.0 RPX (x), 1.1 other", b"via: 1.1 rpx"), 2),
        ((b"Via: rpx",), 0),
        ((b"Via: 1.1 rpxy",), 0),
        ((b"CDN-Loop: rpx",), 1),
        ((b"cdn-loop: other; a=b, RPX;x=1", b"CDN-Loop: rpx"), 2),
        ((b"CDN-Loop: rpxy, fastly; rpx",), 0),
        ((b"CDN-Loop: rpx", b"Connection: CDN-Loop"), 1),
        ((b"CDN-Loop: rpx, rpx", b"Via: 1.1 rpx"), 2),
    ],
)
def test_our_pseudonym_is_counted(lines: tuple[bytes, ...], loops: int) -> None:
    """RFC 9110 §7.6.3, RFC 8586: Via and CDN-Loop find loops."""
    assert request(*lines).loops == loops


def test_the_path_is_the_target_without_its_query() -> None:
    assert request(target=b"/a/b?c?d").path == b"/a/b"
    assert request(target=b"/a").path == b"/a"
