"""Which pages of other origins may read answers."""

from __future__ import annotations

import pytest

from rpx.http.cors import CrossOrigin
from rpx.http.head import RequestHead, parse_request
from rpx.model.route import Cors

HOSTS = ("shop.localhost", "api.shop.localhost/v1", "*.tenants.test", "*")


def cross(hosts: tuple[str, ...] = HOSTS, **said: object) -> CrossOrigin:
    return CrossOrigin(Cors.model_validate(said), hosts)


def request(*lines: bytes, method: bytes = b"OPTIONS") -> RequestHead:
    parsed = parse_request(b"\r\n".join((method + b" / HTTP/1.1", b"Host: a", *lines, b"", b"")))
    assert parsed is not None
    return parsed[0]


def preflight(cors: CrossOrigin, origin: str, *lines: bytes) -> list[str] | None:
    asked = request(b"Origin: " + origin.encode(), b"Access-Control-Request-Method: PUT", *lines)
    found = cors.preflight(asked)
    if found is None:
        return None
    assert found.endswith(b"\r\n")
    return found.decode().split("\r\n")[:-1]


def answered(cors: CrossOrigin, origin: str | None, block: bytes = b"") -> list[str]:
    found = cors.allowing(block, None if origin is None else origin.encode())
    return found.decode().split("\r\n")[1:]


@pytest.mark.parametrize(
    "origin",
    ["http://shop.localhost", "https://shop.localhost", "HTTP://Shop.localhost:8080",
     "http://api.shop.localhost:3000", "https://a.tenants.test", "http://localhost:5173",
     "https://localhost", "http://127.0.0.1:5173", "http://[::1]:5173"],
)  # fmt: skip
def test_the_projects_hosts_and_localhost_are_let_in(origin: str) -> None:
    assert answered(cross(), origin) == ["Vary: Origin", f"Access-Control-Allow-Origin: {origin}"]


@pytest.mark.parametrize(
    "origin",
    ["http://evil.test", "https://evil.localhost", "http://localhost.evil.test", "null", "",
     "http://tenants.test", "http://a.b.tenants.test", "ftp://localhost", "http://127.0.0.2",
     "file://", "http://shop.localhost.", "http://shop.localhost@evil.test", "shop.localhost",
     "http://shop.localhost/", "http://shop.localhost, http://evil.test"],
)  # fmt: skip
def test_others_are_not_though_any_host_leads_here(origin: str) -> None:
    assert answered(cross(), origin) == ["Vary: Origin"]
    assert preflight(cross(), origin) == [
        "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    ]


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (["https://a.test"], "https://a.test", True),
        (["https://a.test"], "https://a.test:443", True),
        (["https://a.test:443"], "https://a.test", True),
        (["https://a.test"], "http://a.test", False),
        (["https://a.test"], "https://a.test:8443", False),
        (["https://a.test"], "http://localhost", False),
        (["https://*.a.test"], "https://b.a.test", True),
        (["https://*.a.test"], "https://b.a.test:444", False),
        (["http://*.a.test:444"], "http://b.a.test:444", True),
        (["https://*.a.test"], "https://a.test", False),
        (["a.test"], "http://a.test:99", True),
        (["*.a.test"], "http://b.a.test:99", True),
        (["a.test"], "http://b.a.test", False),
        (["a.test:99", "*.b.test:80"], "https://a.test:99", True),
        (["a.test:99", "*.b.test:80"], "http://a.test", False),
        (["a.test:99", "*.b.test:80"], "http://a.b.test", True),
        (["a.test:99", "*.b.test:80"], "https://a.b.test", False),
        (["null"], "null", True),
        (["chrome-extension://abc"], "chrome-extension://abc", True),
        ([], "http://shop.localhost", False),
        (["*"], "http://whoever.test", True),
    ],
)
def test_written_origins_take_the_place_of_those(
    origins: list[str], origin: str, allowed: bool
) -> None:
    assert cross(origins=origins).allows(origin.encode()) is allowed


def test_to_everybody_an_answer_is_the_same() -> None:
    for origin in ("http://a.test", None):
        assert answered(cross(origins=["*"]), origin) == ["Access-Control-Allow-Origin: *"]


def test_with_credentials_the_origin_is_echoed() -> None:
    """Fetch: browsers refuse a `*` then."""
    cors = cross(origins=["*"], credentials=True)
    assert answered(cors, "http://a.test") == [
        "Vary: Origin",
        "Access-Control-Allow-Origin: http://a.test",
        "Access-Control-Allow-Credentials: true",
    ]
    assert answered(cors, None) == ["Vary: Origin"]


def test_what_a_backend_says_of_it_is_replaced() -> None:
    block = (
        b"\r\naccess-control-allow-origin: *\r\nA: 1\r\nACCESS-CONTROL-ALLOW-CREDENTIALS: true"
        b"\r\nAccess-Control-Expose-Headers: X-Total\r\nAccess-Control-Max-Age: 5"
    )
    kept = ["A: 1", "Access-Control-Expose-Headers: X-Total", "Vary: Origin"]
    ours = "Access-Control-Allow-Origin: http://localhost"
    assert answered(cross(), "http://localhost", block) == [*kept, ours]
    assert answered(cross(), "http://evil.test", block) == kept
    assert answered(cross(), None, block) == kept


@pytest.mark.parametrize(
    ("told", "vary"),
    [
        (b"", ["Vary: Origin"]),
        (b"\r\nVary: Accept", ["Vary: Accept, Origin"]),
        (b"\r\nvary: Accept\r\nVARY: X", ["Vary: Accept, X, Origin"]),
        (b"\r\nVary: accept,  oRigin", ["Vary: accept,  oRigin"]),
        (b"\r\nVary: *", ["Vary: *"]),
        (b"\r\nVary:", ["Vary: Origin"]),
    ],
)
def test_origin_stands_once_in_vary(told: bytes, vary: list[str]) -> None:
    found = [line for line in answered(cross(), None, told) if line != "Vary:"]
    assert found == vary


def test_a_preflight_is_told_what_it_asks_for() -> None:
    lines = preflight(
        cross(max_age=600.0), "http://localhost:1",
        b"Access-Control-Request-Headers: x-a, AUTHORIZATION",
        b"Access-Control-Request-Private-Network: true",
    )  # fmt: skip
    assert lines == [
        "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        "Access-Control-Allow-Origin: http://localhost:1",
        "Access-Control-Allow-Methods: PUT",
        "Access-Control-Allow-Headers: x-a, AUTHORIZATION",
        "Access-Control-Max-Age: 600",
        "Access-Control-Allow-Private-Network: true",
    ]
    assert preflight(cross(origins=["*"]), "http://a.test") == [
        "Vary: Access-Control-Request-Method, Access-Control-Request-Headers",
        "Access-Control-Allow-Origin: *",
        "Access-Control-Allow-Methods: PUT",
    ]


def test_a_preflight_is_told_what_was_written() -> None:
    cors = cross(methods=["GET", "PATCH"], headers=["X-A"], credentials=True)
    assert (preflight(cors, "http://localhost", b"Access-Control-Request-Headers: x-b") or [])[
        1:
    ] == [
        "Access-Control-Allow-Origin: http://localhost",
        "Access-Control-Allow-Credentials: true",
        "Access-Control-Allow-Methods: GET, PATCH",
        "Access-Control-Allow-Headers: X-A",
    ]
    cors = cross(methods=["*"], headers=["*"])
    asked = preflight(cors, "http://localhost", b"Access-Control-Request-Headers: x-b, x c")
    assert (asked or [])[2:] == ["Access-Control-Allow-Methods: PUT"]


def test_other_requests_are_no_preflights() -> None:
    origin, method = b"Origin: http://localhost", b"Access-Control-Request-Method: PUT"
    assert cross().preflight(request(origin)) is None
    assert cross().preflight(request(method)) is None
    assert cross().preflight(request(origin, method, method=b"GET")) is None
    assert cross().preflight(request(origin, method)) is not None
