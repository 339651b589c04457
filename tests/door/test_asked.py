"""Whom the first bytes are for: whole, in part, in pieces, and hurt."""

from __future__ import annotations

import random

import pytest
from hpack import Encoder

from rpx.door.asked import NOBODY, PREFACE, of_plain, of_tls, usual
from rpx.door.asked_http2 import of_http2
from tests.support.hellos import hello, http2, in_records

GET = b"GET / HTTP/1.1\r\nUser-Agent: x\r\nHost: api.localhost:8080\r\nAccept: */*\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (GET, "api.localhost"),
        (b"GET / HTTP/1.1\r\nhost:API.Localhost.\r\n\r\n", "api.localhost"),
        (b"\r\n\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "a.test"),
        (b"GET / HTTP/1.1\r\nHOST: \t a.test \t\r\n\r\n", "a.test"),
        (b"GET http://a.test/x HTTP/1.1\r\nHost: b.test\r\n\r\n", "a.test"),
        (b"GET https://me:pw@a.test:1?x HTTP/1.1\r\nHost: b.test\r\n\r\n", "a.test"),
        (b"GET /?u=http://b.test HTTP/1.1\r\nHost: a.test\r\n\r\n", "a.test"),
        (b"GET / HTTP/1.1\r\nX-Host: b.test\r\nHost: a.test\r\n\r\n", "a.test"),
        (b"GET / HTTP/1.1\r\nReferer: http://b.test/\r\nHost: a.test\r\n\r\n", "a.test"),
        (b"GET http://a.test HTTP/1.1\r\nX: y\r\nHost: b.test\r\n\r\n", "a.test"),
        (b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n", NOBODY),
        (b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "[::1]"),
        (b"GET / HTTP/1.1\r\nHost: [0:0::1]\r\n\r\n", "[::1]"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n", "127.0.0.1"),
        (b"GET / HTTP/1.0\r\n\r\n", NOBODY),
        (b"POST / HTTP/1.1\r\n\r\nHost: a.test\r\n", NOBODY),
        (b"GET / HTTP/1.1\r\nHost: \xc3\xa4.test\r\n\r\n", NOBODY),
        (PREFACE, NOBODY),
        (b"\x00\x01\x02\r\n\r\n", NOBODY),
    ],
)
def test_a_head_is_for_its_host_without_port_and_in_lower_case(head: bytes, name: str) -> None:
    assert of_plain(head) == name


def test_a_head_is_not_judged_before_its_host_has_come_whole() -> None:
    end = GET.index(b":8080\r\n") + 7
    for size in range(end):
        assert of_plain(GET[:size]) is None
    assert of_plain(GET[:end]) == "api.localhost"


@pytest.mark.parametrize("protocols", [1, 14, 60])  # as post-quantum ones, and beyond
@pytest.mark.parametrize("size", [0, 64, 1000, 3000])
def test_a_hello_is_for_its_server_name_in_however_many_records(protocols: int, size: int) -> None:
    data = hello("Api.Localhost", protocols=protocols)
    if size:
        data = in_records(data, size)
    assert of_tls(data) == "api.localhost"
    assert of_tls(data + b"\x16\x03\x01 and more") == "api.localhost"
    for end in {*range(1, 60), *random.Random(7).sample(range(1, len(data)), 150)}:
        assert of_tls(data[:end]) is None


def test_a_hello_without_a_name_or_what_is_none_is_for_nobody() -> None:
    assert of_tls(hello(None)) == NOBODY
    assert of_tls(b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00") == NOBODY  # a ServerHello
    assert of_tls(b"\x16\x03\x01\x00\x00") == NOBODY  # an empty record
    assert of_tls(b"\x16\x03\x01\x00\x04\x01\xff\xff\xff") == NOBODY  # of 16 MB
    assert of_tls(b"\x16\x02") == NOBODY
    assert of_tls(hello("a.test")[:90] + b"\x17" * 100) is None


def test_a_hello_that_never_ends_is_for_nobody() -> None:
    endless = in_records(b"12345\x01\x00\xff\xf0" + bytes(70000), 1)
    assert of_tls(endless) == NOBODY


@pytest.mark.parametrize("huffman", [True, False])
def test_http2_with_prior_knowledge_is_for_the_authority_of_its_first_request(
    *, huffman: bool
) -> None:
    fields = (":method", "GET"), (":path", "/x"), (":authority", "Api.Localhost:8080")
    data = http2(*fields, ("accept", "*/*"), huffman=huffman)
    assert of_http2(data) == "api.localhost"
    for size in range(len(data)):
        assert of_http2(data[:size]) is None


def test_http2_with_a_host_field_or_none_is_understood_too() -> None:
    assert of_http2(http2((":method", "GET"), ("host", "a.test"), huffman=True)) == "a.test"
    assert of_http2(http2((":method", "GET"), huffman=True)) == NOBODY
    assert of_http2(PREFACE + bytes(70000)) == NOBODY
    assert of_http2(b"PRI * HTTP/3") == NOBODY


def test_http2_with_padding_priority_and_a_continuation_is_read() -> None:
    block = Encoder().encode([(":authority", "a.test"), ("x", "y" * 40)])
    first, rest = block[:4], block[4:]
    padded = b"\x03" + bytes(5) + first + bytes(3)
    data = PREFACE + len(padded).to_bytes(3, "big") + b"\x01\x28\x00\x00\x00\x01" + padded
    assert of_http2(data) is None
    data += len(rest).to_bytes(3, "big") + b"\x09\x04\x00\x00\x00\x01" + rest
    assert of_http2(data) == "a.test"


def test_nothing_that_is_hurt_raises_or_takes_forever() -> None:
    chance = random.Random(11)
    whole = [
        GET,
        hello("api.localhost"),
        in_records(hello("api.localhost"), 64),
        http2((":method", "GET"), (":authority", "a.test"), huffman=True),
        http2((":authority", "a.test"), ("x-long", "y" * 99), huffman=False),
    ]
    for _ in range(2000):
        data = bytearray(chance.choice(whole))
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.3:
            del data[chance.randrange(len(data)) :]
        for judge in (of_plain, of_tls, of_http2):
            found = judge(bytes(data))
            assert found is None or isinstance(found, str)


def test_every_host_of_every_length_is_in_its_usual_form() -> None:
    assert usual(b" A.B.test.:99 ") == "a.b.test"
    assert usual(b"[fe80::1%eth0]") == NOBODY
    assert usual(b"[::1") == NOBODY
    assert usual(b"") == NOBODY
