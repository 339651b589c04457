"""Places of a backend in its answers, as its clients know them."""

from __future__ import annotations

import pytest

from rpx.http.forwarded import forwarding
from rpx.http.given_back import NO_SWAP, Places, Swap, places
from rpx.http.head import parse_request
from rpx.http.rewrite import below_prefix, request_to_send

OURS, THEIRS = b"http://shop.localhost:8080", b"http://localhost:3000"
STRIPPED = Swap(b"", b"/api")
REWRITTEN = Swap(b"/v2", b"/api")


def reference(value: str, swap: Swap = NO_SWAP, ours: bytes = OURS, theirs: bytes = THEIRS) -> str:
    return Places(ours, (theirs,), swap).reference(value.encode()).decode()


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ("http://localhost:3000/x?y#z", "http://shop.localhost:8080/x?y#z"),
        ("HTTP://LOCALHOST:3000", "http://shop.localhost:8080"),
        ("http://localhost:3000?q", "http://shop.localhost:8080?q"),
        ("//localhost:3000/x", "//shop.localhost:8080/x"),
        ("http://127.0.0.1:3000/", "http://shop.localhost:8080/"),
        ("http://[::1]:3000/", "http://shop.localhost:8080/"),
    ],
)
def test_the_backends_origin_becomes_the_clients(value: str, given: str) -> None:
    assert reference(value) == given


@pytest.mark.parametrize(
    "value",
    ["/x", "x", "../x", "?q", "#f", "", "*", "http:", "http://", "mailto:a@localhost:3000",
     "http://localhost:30000/", "http://localhost/", "http://localhost:3000.evil.test/",
     "http://user@localhost:3000/", "http://other.test/?u=http://localhost:3000/", "\\\\localhost",
     "https://localhost:3000/", "http://shop.localhost:8080/x", "https://shop.localhost/x"],
)  # fmt: skip
def test_all_else_stays(value: str) -> None:
    assert reference(value) == value


def test_a_port_that_goes_without_saying_may_be_said() -> None:
    for value in ("http://b.test/x", "http://b.test:80/x"):
        for theirs in (b"http://b.test", b"http://b.test:80"):
            assert reference(value, theirs=theirs) == "http://shop.localhost:8080/x"
    for value in ("https://b.test/x", "https://b.test:443/x", "http://b.test/x"):
        assert reference(value, theirs=b"https://b.test") == "http://shop.localhost:8080/x"
    assert reference("https://b.test:444/x", theirs=b"https://b.test") == "https://b.test:444/x"


def test_who_names_no_host_gets_the_path_alone() -> None:
    for value in ("http://localhost:3000/x", "//localhost:3000/x"):
        assert reference(value, STRIPPED, ours=b"") == "/api/x"


def test_a_backend_may_go_by_the_scheme_of_the_client() -> None:
    """As Django does by X-Forwarded-Proto."""
    given = reference("https://localhost:3000/x", ours=b"https://shop.localhost")
    assert given == "https://shop.localhost/x"


def test_a_redirect_to_tls_is_none_to_where_the_client_is() -> None:
    for value in ("https://b.test/", "https://shop.localhost:8080/"):
        assert reference(value, theirs=b"http://b.test") == value


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ("/", "/api/"),
        ("/x?y=/z", "/api/x?y=/z"),
        ("http://localhost:3000/x", "http://shop.localhost:8080/api/x"),
        ("http://localhost:3000", "http://shop.localhost:8080/api"),
        ("http://localhost:3000?q", "http://shop.localhost:8080/api?q"),
        ("//localhost:3000/x", "//shop.localhost:8080/api/x"),
        ("http://Shop.localhost:8080/x", "http://Shop.localhost:8080/api/x"),
        ("http://other.test/x", "http://other.test/x"),
        ("x", "x"),
        ("?q", "?q"),
        # It knows of the prefix, by X-Forwarded-Prefix.
        ("/api", "/api"),
        ("/api?q", "/api?q"),
        ("/api/x", "/api/x"),
        ("http://shop.localhost:8080/api/x", "http://shop.localhost:8080/api/x"),
        ("/apis", "/api/apis"),
    ],
)
def test_a_prefix_that_was_cut_off_is_given_back(value: str, given: str) -> None:
    assert reference(value, STRIPPED) == given


@pytest.mark.parametrize(
    ("value", "given"),
    [("/v2", "/api"), ("/v2/x", "/api/x"), ("/v2?q", "/api?q"), ("/v22", "/v22"), ("/x", "/x"),
     ("http://localhost:3000/v2/x", "http://shop.localhost:8080/api/x"),
     ("http://localhost:3000/x", "http://localhost:3000/x")],
)  # fmt: skip
def test_a_prefix_that_was_replaced_is_given_back(value: str, given: str) -> None:
    assert reference(value, REWRITTEN) == given
    deeper = Swap(b"/api/v2", b"/api")
    assert reference("/api/v2/x", deeper) == "/api/x"
    assert reference("/api/x", deeper) == "/api/x"


@pytest.mark.parametrize(
    ("cookie", "given"),
    [
        ("a=1; Path=/", "a=1; Path=/api"),
        ("a=1; Path=/x; Secure; HttpOnly", "a=1; Path=/api/x; Secure; HttpOnly"),
        ("a=1;path = / ;Max-Age=1", "a=1;path =/api;Max-Age=1"),
        ("a=1; Path=/api; Path=/api/x", "a=1; Path=/api; Path=/api/x"),
        ("a=1; Path; Path=; Path=x", "a=1; Path; Path=; Path=x"),
        ("a=1", "a=1"),
        ("Path=/; x", "Path=/; x"),
        ("__Host-a=1; Path=/; Secure", "__Host-a=1; Path=/; Secure"),
        ("a=1; Domain=shop.localhost", "a=1; Domain=shop.localhost"),
        ("a=1; Domain=other.test", "a=1; Domain=other.test"),
    ],
)
def test_the_path_of_a_cookie_gets_the_prefix(cookie: str, given: str) -> None:
    block = f"\r\nSet-Cookie: b=2\r\nset-cookie: {cookie}\r\nA: Path=/".encode()
    after = Places(OURS, (THEIRS,), STRIPPED).given_back(block).decode()
    assert after == f"\r\nSet-Cookie: b=2\r\nset-cookie: {given}\r\nA: Path=/"


@pytest.mark.parametrize(
    ("domain", "left"),
    [("api.example.test", ""), (".API.example.test", ""), ("example.test", ""), ("test", ""),
     ("other.example.test", "; Domain=other.example.test"),
     ("localhost", "; Domain=localhost"), ("", "; Domain=")],
)  # fmt: skip
def test_a_cookie_for_the_host_of_the_backend_is_one_for_that_of_the_client(
    domain: str, left: str
) -> None:
    there = Places(OURS, (b"https://api.example.test",), NO_SWAP)
    block = f"\r\nSet-Cookie: a=1; Domain={domain}; Secure".encode()
    assert there.given_back(block).decode() == f"\r\nSet-Cookie: a=1{left}; Secure"


def test_all_lines_that_name_places_are_given_back_and_no_others() -> None:
    block = (
        b"\r\nlocation:  http://localhost:3000/a\r\nContent-Location:/b\r\nLink: </c>"
        b"\r\nRefresh: 5; URL='http://localhost:3000/d'\r\nrefresh: 5\r\nRefresh: 0;url=/e"
        b"\r\nX-Location: http://localhost:3000/f\r\nLocation: g"
    )
    assert Places(OURS, (THEIRS,), STRIPPED).given_back(block) == (
        b"\r\nlocation:  http://shop.localhost:8080/api/a\r\nContent-Location:/api/b\r\nLink: </c>"
        b"\r\nRefresh: 5; URL='http://shop.localhost:8080/api/d'\r\nrefresh: 5"
        b"\r\nRefresh: 0;url=/api/e\r\nX-Location: http://localhost:3000/f\r\nLocation: g"
    )


def test_places_are_made_once() -> None:
    assert places(OURS, (THEIRS,), STRIPPED) is places(OURS, (THEIRS,), Swap(b"", b"/api"))


@pytest.mark.parametrize(
    ("trusted", "said", "told"),
    [
        (False, b"X-Forwarded-Prefix: /evil", b"/api"),
        (True, b"X-Forwarded-Prefix: /shop", b"/shop/api"),
        (True, b"x-forwarded-prefix: /a/, /b", b"/a/b/api"),
        (True, b"X-Forwarded-Prefix:", b"/api"),
        (True, b"X-Forwarded-Proto: https", b"/api"),
        (False, b"X_Forwarded_Prefix: /evil", b"/api"),
    ],
)
def test_a_backend_is_told_of_the_prefix(trusted: bool, said: bytes, told: bytes) -> None:
    parsed = parse_request(b"GET /api/x HTTP/1.1\r\nHost: a\r\n" + said + b"\r\n\r\n")
    assert parsed is not None
    peer = forwarding("::1", "http", trusted=trusted)
    sent = request_to_send(below_prefix(parsed[0], peer, b"/x", b"/api"), peer)
    lines = sent.split(b"\r\n")
    assert lines[0] == b"GET /x HTTP/1.1"
    prefixes = [line for line in lines if b"prefix" in line.lower()]
    assert prefixes == [b"X-Forwarded-Prefix: " + told]
