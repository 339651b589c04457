"""Names and passwords (RFC 7617)."""

from __future__ import annotations

import base64

import pytest

from rpx.http.basic_auth import Credentials
from rpx.http.head import RequestHead, parse_request
from rpx.model.route import BasicAuth

USERS = (("ann", "secret"), ("bob", "a:b"), ("zoë", "pä\N{COMBINING DIAERESIS}ss"), ("eve", ""))
KNOWN = Credentials(BasicAuth(users=USERS), 'shop "1"\\\r\n')


def request(*lines: bytes) -> RequestHead:
    parsed = parse_request(b"\r\n".join((b"GET / HTTP/1.1", b"Host: a", *lines, b"", b"")))
    assert parsed is not None
    return parsed[0]


def basic(pair: str, coding: str = "utf-8") -> bytes:
    return b"Authorization: Basic " + base64.b64encode(pair.encode(coding))


def test_the_challenge_names_realm_and_charset() -> None:
    """RFC 7617 §2.1; what can't stand in a realm becomes spaces."""
    assert KNOWN.challenge == (b'WWW-Authenticate: Basic realm="shop  1    ", charset="UTF-8"\r\n')


@pytest.mark.parametrize(
    "pair", ["ann:secret", "bob:a:b", "zoë:pä\N{COMBINING DIAERESIS}ss", "eve:"]
)
def test_who_is_known_is_let_in(pair: str) -> None:
    assert KNOWN.allow(request(basic(pair)))
    assert KNOWN.allow(request(basic(pair).replace(b"Basic ", b"bASIC   ") + b" "))


@pytest.mark.parametrize(
    "line",
    [
        basic("ann:Secret"), basic("ann:"), basic("ann"), basic(""), basic("Ann:secret"),
        basic("zoë:pä\N{COMBINING DIAERESIS}ss", "utf-16"), basic("ann:secret\0"),
        basic("ann:secret").replace(b"Basic ", b"Bearer "),
        basic("ann:secret").replace(b"Basic ", b"Basic"),
        basic("ann:secret").rstrip(b"=")[:-1],
        basic("ann:secret") + b"=",
        basic("ann:secret") + b", Basic x",
        b"Authorization: Basic",
        b"Authorization: Basic !!!!",
        b"Authorization: Basic YW5u\xffOnNlY3JldA==",
        b"Authorization:",
        b"X-Authorization: Basic YW5uOnNlY3JldA==",
    ],
)  # fmt: skip
def test_everybody_else_is_not(line: bytes) -> None:
    assert not KNOWN.allow(request(line))
    assert not KNOWN.allow(request())


def test_who_says_it_twice_is_not() -> None:
    """RFC 9110 §5.3: two lines are one list, and that is no credentials."""
    assert not KNOWN.allow(request(basic("ann:secret"), basic("ann:secret")))


def test_every_name_and_password_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[tuple[int, int]] = []

    def compared(one: bytes, other: bytes) -> bool:
        lengths.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr("hmac.compare_digest", compared)
    for pair in ("ann:secret", "nobody:x", "eve:" + "x" * 1000):
        KNOWN.allow(request(basic(pair)))
        assert lengths == [(32, 32)] * len(USERS)
        lengths.clear()
