"""What is to be done with a request before any backend is looked at."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from rpx.model.config import Https
from rpx.policy.routing import LOOPS, Verdict, verdict


@dataclass(frozen=True)
class Place:
    https: Https | None


@dataclass(frozen=True)
class Request:
    host: str = "api.localhost"
    loops: int = 0
    max_forwards: int | None = None


@dataclass(frozen=True)
class Peer:
    """A client. `claims_tls`: a trusted proxy says so of it; `also`: its certificate is for it."""

    named: str | None = None
    by_tls_port: bool = False
    claims_tls: bool = False
    also: str = ""

    def has_tls(self, _: Request) -> bool:
        return self.named is not None or self.claims_tls

    def may_ask_for(self, host: str) -> bool:
        return host == self.also


PLAIN = Place(None)
SECURE = Place(Https())
EITHER = Place(Https(redirect=False))
HTTP = Peer()
MISTAKEN = Peer(by_tls_port=True)  # HTTP on the port for TLS
TUNNELLED = Peer(claims_tls=True)
NAMELESS = Peer("", by_tls_port=True)
HTTPS = Peer("api.localhost", by_tls_port=True)
OTHER = Peer("shop.localhost", by_tls_port=True)
BOTH = Peer("shop.localhost", by_tls_port=True, also="api.localhost")
SERVE, UNKNOWN, REDIRECT = Verdict.SERVE, Verdict.UNKNOWN, Verdict.REDIRECT
MISDIRECTED, LOOP, LAST_HOP = Verdict.MISDIRECTED, Verdict.LOOP, Verdict.LAST_HOP


@pytest.mark.parametrize(
    ("place", "peer", "expected"),
    [
        (None, HTTP, UNKNOWN),
        (None, OTHER, UNKNOWN),
        (PLAIN, HTTP, SERVE),
        (PLAIN, MISTAKEN, SERVE),
        (PLAIN, TUNNELLED, SERVE),
        (PLAIN, NAMELESS, SERVE),
        (PLAIN, HTTPS, SERVE),
        (PLAIN, OTHER, MISDIRECTED),
        (PLAIN, BOTH, SERVE),
        (SECURE, HTTP, REDIRECT),
        (SECURE, MISTAKEN, REDIRECT),
        (SECURE, TUNNELLED, SERVE),
        (SECURE, NAMELESS, SERVE),
        (SECURE, HTTPS, SERVE),
        (SECURE, OTHER, MISDIRECTED),
        (SECURE, BOTH, SERVE),
        (EITHER, HTTP, SERVE),
        (EITHER, MISTAKEN, REDIRECT),
        (EITHER, TUNNELLED, SERVE),
        (EITHER, HTTPS, SERVE),
        (EITHER, OTHER, MISDIRECTED),
    ],
)
def test_by_where_it_goes_and_how_it_came(
    place: Place | None, peer: Peer, expected: Verdict
) -> None:
    assert verdict(place, Request(), peer) is expected


@pytest.mark.parametrize(
    ("request_", "peer", "expected"),
    [
        (Request(loops=LOOPS - 1), HTTPS, SERVE),
        (Request(loops=LOOPS), HTTPS, LOOP),
        (Request(loops=LOOPS), HTTP, REDIRECT),
        (Request(loops=LOOPS), OTHER, MISDIRECTED),
        (Request(max_forwards=1), HTTPS, SERVE),
        (Request(max_forwards=0), HTTPS, LAST_HOP),
        (Request(max_forwards=0), HTTP, REDIRECT),
        (Request(max_forwards=0, loops=LOOPS), HTTPS, LOOP),
    ],
)
def test_by_how_far_it_has_come(request_: Request, peer: Peer, expected: Verdict) -> None:
    assert verdict(SECURE, request_, peer) is expected
