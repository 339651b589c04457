"""Heads as they are sent on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rpx.http.forwarded import Forwarding, client_of, forwarding, scheme_of
from rpx.http.framing import CHUNKED, UNTIL_CLOSE
from rpx.http.head import RequestHead, parse_request
from rpx.http.response import ResponseHead, parse_response
from rpx.http.rewrite import interim_to_send, request_to_send, response_to_send

PEER = forwarding("192.0.2.1", "http")
OURS = (
    b"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a.test:80\r\n"
    b"CDN-Loop: rpx\r\n"
)


def request(*lines: bytes, start: bytes = b"GET / HTTP/1.1") -> RequestHead:
    raw = b"\r\n".join((start, b"Host: a.test:80", *lines, b"", b""))
    parsed = parse_request(raw)
    assert parsed is not None
    return parsed[0]


def response(*lines: bytes, start: bytes = b"HTTP/1.1 200 OK", method: bytes = b"GET",
             upgrade: bytes | None = None) -> ResponseHead:  # fmt: skip
    parsed = parse_response(b"\r\n".join((start, *lines, b"", b"")), method, upgrade)
    assert parsed is not None
    return parsed[0]


def sent(*lines: bytes, start: bytes = b"GET / HTTP/1.1", peer: Forwarding = PEER) -> list[bytes]:
    """The lines of the forwarded head, without those that stand in every one."""
    raw = request_to_send(request(*lines, start=start), peer)
    assert raw.endswith(b"\r\n\r\n")
    return raw[:-4].split(b"\r\n")


def test_the_whole_head_of_a_plain_request() -> None:
    raw = request_to_send(request(b"x-A:  1 ", b"Connection: keep-alive"), PEER)
    assert raw == b"GET / HTTP/1.1\r\nHost: a.test:80\r\nx-A:  1 \r\n" + OURS + b"\r\n"


def test_a_1_0_request_is_sent_as_1_1() -> None:
    """RFC 9112 §2.3: an intermediary sends its own version."""
    assert sent(start=b"FOO /x?y HTTP/1.0")[0] == b"FOO /x?y HTTP/1.1"


def test_max_forwards_is_decremented_for_options() -> None:
    """RFC 9110 §7.6.2."""
    assert b"Max-Forwards: 6" in sent(b"max-forwards: 7", start=b"OPTIONS * HTTP/1.1")
    assert b"max-forwards: 7" in sent(b"max-forwards: 7")
    assert b"Max-Forwards: x" in sent(b"Max-Forwards: x", start=b"OPTIONS * HTTP/1.1")


def test_via_is_one_line_with_the_existing_values_where_there_are_any() -> None:
    """RFC 9110 §7.6.3 asks every gateway for one; ours adds itself to what is there."""
    assert not [line for line in sent() if b"via" in line.lower()]
    via = [line for line in sent(b"Via: 1.0 A", b"via: 1.1 b (c)") if b"via" in line.lower()]
    assert via == [b"Via: 1.0 A, 1.1 b (c), 1.1 rpx"]


def test_te_trailers_survives_with_its_connection_line() -> None:
    """RFC 9110 §10.1.4."""
    lines = sent(b"TE: gzip, trailers", b"Connection: TE")
    assert b"TE: trailers" in lines
    assert b"Connection: TE" in lines
    lines = sent(b"TE: trailers", b"Connection: upgrade, te", b"Upgrade: WebSocket")
    assert {b"TE: trailers", b"Connection: Upgrade, TE", b"Upgrade: WebSocket"} <= set(lines)


def test_what_is_added_cannot_be_named_away() -> None:
    """RFC 9110 §7.6.1: first what Connection names is removed, then ours is added."""
    lines = sent(b"Connection: X-Forwarded-For, X-Forwarded-Proto, Via, Host", b"X: 1")
    assert lines[1:] == [b"Host: a.test:80", b"X: 1", *OURS.split(b"\r\n")[:-1]]


@pytest.mark.parametrize(
    ("lines", "start", "framing"),
    [
        ((), b"GET / HTTP/1.1", []),
        ((b"Content-Length: 5",), b"GET / HTTP/1.1", [b"Content-Length: 5"]),
        ((), b"POST / HTTP/1.1", [b"Content-Length: 0"]),
        ((), b"PUT / HTTP/1.0", [b"Content-Length: 0"]),
        ((b"Transfer-Encoding: CHUNKED",), b"POST / HTTP/1.1", [b"Transfer-Encoding: chunked"]),
        ((b"Connection: content-length", b"Content-Length: 5"), b"DELETE / HTTP/1.1",
         [b"Content-Length: 5"]),
    ],
)  # fmt: skip
def test_exactly_one_framing_is_sent(
    lines: tuple[bytes, ...], start: bytes, framing: list[bytes]
) -> None:
    """RFC 9112 §6.2, RFC 9110 §8.6."""
    found = [line for line in sent(*lines, start=start) if line[:7] in {b"Content", b"Transfe"}]
    assert found == framing


def test_an_upgrade_is_asked_for_again() -> None:
    """RFC 9110 §7.8: hop by hop, thus said anew."""
    lines = sent(b"Connection: keep-alive, Upgrade", b"Upgrade: websocket, h2c")
    assert b"Upgrade: websocket" in lines
    assert b"Connection: Upgrade" in lines
    assert not any(b"pgrade" in line for line in sent(b"Connection: Upgrade", b"Upgrade: h2c"))


CLAIMS = (b"X-Forwarded-For: 6.6.6.6", b"x-forwarded-proto: https", b"X-Forwarded-Host: evil",
          b"Forwarded: for=6.6.6.6", b"X-Forwarded-Port: 1")  # fmt: skip


def test_claims_of_an_untrusted_peer_are_replaced() -> None:
    """RFC 7239 §8: anyone can have written them."""
    assert request_to_send(request(*CLAIMS), PEER) == request_to_send(request(), PEER)


def test_claims_of_a_trusted_peer_are_kept_and_its_address_appended() -> None:
    """RFC 7239 §4: each proxy adds its element at the end."""
    peer = forwarding("10.0.0.1", "http", trusted=True)
    assert sent(*CLAIMS, peer=peer)[2:] == [
        b"x-forwarded-proto: https",
        b"X-Forwarded-Host: evil",
        b"X-Forwarded-Port: 1",
        b"Forwarded: for=6.6.6.6, for=10.0.0.1;proto=http",
        b"X-Forwarded-For: 6.6.6.6, 10.0.0.1",
        b"CDN-Loop: rpx",
    ]
    assert sent(CLAIMS[0], CLAIMS[0], peer=peer)[2:] == [
        b"X-Forwarded-For: 6.6.6.6, 6.6.6.6, 10.0.0.1",
        b"X-Forwarded-Proto: http",
        b"X-Forwarded-Host: a.test:80",
        b"CDN-Loop: rpx",
    ]
    assert sent(peer=peer)[2] == b"X-Forwarded-For: 10.0.0.1"


def test_no_ipv6_zone_and_no_address_of_a_unix_socket_is_told() -> None:
    """Ours: neither means anything to others."""
    assert forwarding("fe80::1%eth0", "https").lines == (
        b"X-Forwarded-For: fe80::1\r\nX-Forwarded-Proto: https\r\n"
    )
    assert forwarding("", "http").lines == b"X-Forwarded-Proto: http\r\n"
    trusted = forwarding("", "http", trusted=True)
    assert b"X-Forwarded-For: 6.6.6.6" in sent(CLAIMS[0], peer=trusted)
    assert not any(b"-For:" in line for line in sent(CLAIMS[1], peer=trusted))


TRUSTED = forwarding("::1", "http", trusted=True)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b'for=192.0.2.9;proto=https;host="shop.example:1"',
         (b"192.0.2.9, ::1", b"https", b"shop.example:1")),
        (b'For="[2001:db8::9]:4711", for=10.1.1.1:80;proto=http',
         (b"2001:db8::9, 10.1.1.1, ::1", b"http", b"a.test:80")),
        (b'proto=HTTPS, for=_hidden;by="a,b;c"', (b"_hidden, ::1", b"https", b"a.test:80")),
        (b"nonsense", (b"::1", b"http", b"a.test:80")),
    ],
)  # fmt: skip
def test_forwarded_of_a_trusted_proxy_is_told_in_the_usual_fields_too(
    said: bytes, told: tuple[bytes, bytes, bytes]
) -> None:
    assert sent(b"Forwarded: " + said, peer=TRUSTED)[2:-1] == [
        b'Forwarded: %b, for="[::1]";proto=http' % said,
        b"X-Forwarded-For: " + told[0],
        b"X-Forwarded-Proto: " + told[1],
        b"X-Forwarded-Host: " + told[2],
    ]


@pytest.mark.parametrize(
    ("lines", "scheme", "client"),
    [
        ((), b"http", b"::1"),
        ((b"X-Forwarded-Proto: https",), b"https", b"::1"),
        ((b"X-Forwarded-Proto: HTTPS, http", b"X-Forwarded-For: 9.9.9.9, 8.8.8.8"), b"https",
         b"8.8.8.8"),
        ((b"X-Forwarded-Proto: wss",), b"https", b"::1"),
        ((b"X-Forwarded-Proto: gopher",), b"http", b"::1"),
        ((b"Forwarded: proto=https;for=9.9.9.9",), b"https", b"9.9.9.9"),
        ((b"X_Forwarded_Proto: https",), b"http", b"::1"),
    ],
)  # fmt: skip
def test_who_the_client_is_and_how_it_came_says_a_trusted_proxy_and_nobody_else(
    lines: tuple[bytes, ...], scheme: bytes, client: bytes
) -> None:
    head = request(*lines)
    assert (scheme_of(head, TRUSTED), client_of(head, TRUSTED)) == (scheme, client)
    assert (scheme_of(head, PEER), client_of(head, PEER)) == (b"http", b"192.0.2.1")


UNDERSCORED = (b"X_Forwarded_For", b"X-Forwarded_For", b"x_forwarded-proto", b"X_FORWARDED_HOST",
               b"X_Forwarded_Client_Cert", b"X_Real_IP", b"X-Real_Ip", b"Content_Length",
               b"Transfer_Encoding", b"CDN_Loop")  # fmt: skip


@pytest.mark.parametrize("name", UNDERSCORED)
@pytest.mark.parametrize("peer", [PEER, TRUSTED])
def test_a_proxys_words_are_not_said_by_others_with_underscores(
    name: bytes, peer: Forwarding
) -> None:
    lines = sent(name + b": 6.6.6.6", b"X_Other: 1", peer=peer)
    assert b"X_Other: 1" in lines
    assert not [line for line in lines if b"6.6.6.6" in line]


def test_the_origin_of_a_trusted_proxy_is_ours() -> None:
    head = request(b"Origin: https://shop.example", b"X-Forwarded-Proto: https",
                   b"X-Forwarded-Host: shop.example")  # fmt: skip
    raw = request_to_send(head, TRUSTED, origin=b"http://x")
    assert b"\r\nOrigin: http://x\r\n" in raw
    assert b"\r\nOrigin: https://shop.example\r\n" in request_to_send(
        head, PEER, origin=b"http://x"
    )


def test_another_host_takes_the_origin_with_it() -> None:
    head = request(b"Origin: http://a.test:80", b"Referer: http://a.test:80/")
    raw = request_to_send(head, PEER, origin=b"https://localhost:3000")
    assert raw.startswith(
        b"GET / HTTP/1.1\r\nHost: localhost:3000\r\nOrigin: https://localhost:3000\r\n"
        b"Referer: http://a.test:80/\r\n"
    )
    assert b"X-Forwarded-Host: a.test:80\r\n" in raw
    foreign = request_to_send(request(b"Origin: http://b"), PEER, origin=b"http://x")
    assert b"\r\nOrigin: http://b\r\n" in foreign


def test_a_request_without_host_is_sent_with_one() -> None:
    """RFC 9112 §3.2: an HTTP/1.1 request has a Host, if an empty one."""
    parsed = parse_request(b"GET / HTTP/1.0\r\nA: b\r\n\r\n")
    assert parsed is not None
    head = parsed[0]
    assert request_to_send(head, PEER).startswith(b"GET / HTTP/1.1\r\nHost: \r\nA: b\r\n")
    assert b"\r\nHost: b:1\r\nA: b\r\n" in request_to_send(head, PEER, origin=b"http://b:1")
    assert b"X-Forwarded-Host" not in request_to_send(head, PEER)
    trusted = forwarding("10.0.0.1", "http", trusted=True)
    head = replace(head, forwarded=b"\r\nForwarded: for=x")
    assert b"X-Forwarded-Host" not in request_to_send(head, trusted)


def test_further_lines_are_added() -> None:
    assert request_to_send(request(), PEER, add=b"A: b\r\n").endswith(b"\r\nA: b\r\n\r\n")


def answered(head: ResponseHead, to: RequestHead, *, close: bool = False) -> tuple[bytes, int]:
    sent = response_to_send(head, to, close=close, date=b"now")
    return sent.lines(), sent.length


CL5 = b"Content-Length: 5"
CHUNKS = b"Transfer-Encoding: chunked"
OLD = request(start=b"GET / HTTP/1.0")
OLD_KEPT = request(b"Connection: keep-alive", start=b"GET / HTTP/1.0")
DATE = b"Date: then"


@pytest.mark.parametrize(
    ("head", "to", "close", "lines", "framing"),
    [
        (response(CL5, DATE), request(), False, b"Content-Length: 5\r\nDate: then\r\n", 5),
        (response(CL5), request(), False, b"Content-Length: 5\r\nDate: now\r\n", 5),  # 9110 §6.6.1
        (response(CHUNKS, DATE), request(), False, DATE + b"\r\n" + CHUNKS + b"\r\n", CHUNKED),
        (response(CHUNKS, DATE), OLD, False, b"Date: then\r\nConnection: close\r\n", UNTIL_CLOSE),
        (response(CHUNKS, DATE), OLD_KEPT, False, b"Date: then\r\nConnection: close\r\n",
         UNTIL_CLOSE),  # RFC 9112 §6.1
        (response(DATE), request(), False, DATE + b"\r\n" + CHUNKS + b"\r\n", CHUNKED),
        (response(DATE, CL5, b"Connection: close"), request(), False,
         DATE + b"\r\n" + CL5 + b"\r\n", 5),  # RFC 9110 §7.6.1: not for the next hop
        (response(DATE, CL5), request(), True,
         DATE + b"\r\n" + CL5 + b"\r\nConnection: close\r\n", 5),
        (response(DATE, CL5), request(b"Connection: close"), False,
         DATE + b"\r\n" + CL5 + b"\r\nConnection: close\r\n", 5),
        (response(DATE, CL5), OLD_KEPT, False,
         DATE + b"\r\n" + CL5 + b"\r\nConnection: keep-alive\r\n", 5),  # RFC 9112 §9.3
        (response(DATE, CL5), OLD, False, DATE + b"\r\n" + CL5 + b"\r\nConnection: close\r\n", 5),
        (response(DATE, CHUNKS, method=b"HEAD"), request(), False,
         DATE + b"\r\n" + CHUNKS + b"\r\n", 0),  # RFC 9110 §9.3.2
        (response(DATE, CHUNKS, method=b"HEAD"), OLD_KEPT, False,
         DATE + b"\r\nConnection: keep-alive\r\n", 0),
    ],
)  # fmt: skip
def test_an_answer_is_framed_for_its_client(
    head: ResponseHead, to: RequestHead, close: bool, lines: bytes, framing: int
) -> None:
    assert answered(head, to, close=close) == (b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n", framing)


def test_the_reason_is_unchanged() -> None:
    """RFC 9112 §4."""
    for start in (b"HTTP/1.0 404 Gibt's \xe4", b"HTTP/1.1 299 "):
        raw = answered(response(DATE, CL5, start=start), request())[0]
        assert raw.startswith(b"HTTP/1.1 " + start[9:] + b"\r\n")


def test_an_upgrade_that_is_offered_reaches_the_client() -> None:
    """RFC 9110 §7.8, but not to h2c, which could not be tunnelled."""
    head = response(DATE, CL5, b"Upgrade: TLS/1.0, h2c", b"Connection: upgrade",
                    start=b"HTTP/1.1 426 Upgrade Required")  # fmt: skip
    end = b"Connection: %bUpgrade\r\nUpgrade: TLS/1.0\r\n\r\n"
    assert answered(head, request())[0].endswith(end % b"")
    assert answered(head, request(), close=True)[0].endswith(end % b"close, ")
    assert b"pgrade" not in answered(response(CL5, b"Upgrade: h2c"), request())[0]


def test_a_101_reaches_the_client_with_its_own_fields() -> None:
    """RFC 9110 §15.2.2, RFC 6455 §4.2.2."""
    asked = request(b"Connection: Upgrade", b"Upgrade: websocket")
    head = response(b"Upgrade: WebSocket", b"Connection: Upgrade", b"sec-WebSocket-Accept: x",
                    start=b"HTTP/1.1 101 Switching Protocols", upgrade=asked.upgrade)  # fmt: skip
    raw = (
        b"HTTP/1.1 101 Switching Protocols\r\nsec-WebSocket-Accept: x\r\n"
        b"Connection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n"
    )
    assert answered(head, asked, close=True) == (raw, 0)


def test_interim_heads_are_sent_with_their_fields_alone() -> None:
    """RFC 9110 §15.2."""
    head = response(b"Link: </a>", b"Connection: x", start=b"HTTP/1.1 103 Early Hints")
    assert interim_to_send(head).lines() == b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def test_lines_of_ours_are_added_to_an_answer() -> None:
    head = response_to_send(response(CL5), request(), close=False, date=b"x", add=b"A: b\r\n")
    assert b"\r\nA: b\r\n" in head.lines()
