"""A backend of HTTP/2 without TLS is checked by the same GET as others, in its own words."""

from __future__ import annotations

import trio

from rpx.backend.probe_h2c import h2c_check
from rpx.model.address import Address
from rpx.model.config import HealthCheck
from tests.support.h2_origin import BackendPeer, H2Origin, h2_origin
from tests.support.origin import OK, answers, origin
from tests.support.raw import SOON

CHECK = HealthCheck(path="/health", timeout=SOON, headers=(("X-Own", "1"),))


async def _answers_with(backend: H2Origin, status: str, seen: list[dict[str, str]]) -> None:
    peer: BackendPeer = await backend.accept()
    asked = await peer.whole()
    seen.append(asked.head)
    await peer.head(asked, [(":status", status)], end=True)


async def test_its_status_says_whether_it_is_well() -> None:
    seen: list[dict[str, str]] = []
    for status, said in (("200", None), ("503", "503 Service Unavailable")):
        async with h2_origin() as backend, trio.open_nursery() as nursery:
            nursery.start_soon(_answers_with, backend, status, seen)
            assert await h2c_check(backend.address, CHECK) == said
    head = seen[0]
    assert (head[":method"], head[":path"], head["x-own"]) == ("GET", "/health", "1")


async def test_who_speaks_http_1_is_called_so() -> None:
    async with origin(answers(OK)) as other:
        address = Address("127.0.0.1", other.port, h2c=True)
        assert await h2c_check(address, CHECK) == "speaks HTTP/1.1, not HTTP/2"
