"""A tunnel or another proxy in front of rpx: what it says of its clients, if it is trusted."""

from __future__ import annotations

import pytest

from rpx.policy.lifecycle import Move
from rpx.proxy.peers import Peers
from tests.proxy.h2_client import client
from tests.proxy.house import get, running, until
from tests.support.bench import process_of
from tests.support.origin import OK, answers, origin

SAID = (
    "X-Forwarded-For: 203.0.113.9",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: shop.example.app",
    "X-Forwarded-Port: 443",
)


def about(request: bytes) -> list[str]:
    lines = request.decode().split("\r\n")
    return sorted(line for line in lines if line.startswith(("X-Forwarded", "Forwarded")))


async def test_what_a_trusted_proxy_says_is_passed_on() -> None:
    async with (
        origin(answers(OK)) as backend,
        running(backend, trusted=["127.0.0.1"]) as house,
    ):
        peer = await house.client()
        await peer.send(get("/", *SAID))
        await peer.answer()
        assert about(backend.requests[0]) == [
            "X-Forwarded-For: 203.0.113.9, 127.0.0.1",
            "X-Forwarded-Host: shop.example.app",
            "X-Forwarded-Port: 443",
            "X-Forwarded-Proto: https",
        ]


@pytest.mark.parametrize("trusted", [(), ("10.0.0.0/8", "::1")])
async def test_nobody_else_is_believed(trusted: tuple[str, ...]) -> None:
    async with origin(answers(OK)) as backend, running(backend, trusted=trusted) as house:
        peer = await house.client()
        await peer.send(get("/", *SAID, "Forwarded: for=203.0.113.9"))
        await peer.answer()
        assert about(backend.requests[0]) == [
            "X-Forwarded-For: 127.0.0.1",
            "X-Forwarded-Host: api.localhost",
            "X-Forwarded-Proto: http",
        ]


async def test_by_http2_nobody_says_with_underscores_what_rpx_says() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house, client(house) as peer:
        await peer.answer(await peer.ask("/", ("x_forwarded_for", "6.6.6.6"), ("x_a", "6.6.6.7")))
        assert b"6.6.6.6" not in backend.requests[0]
        assert b"x_a: 6.6.6.7" in backend.requests[0]


async def test_turns_by_address_go_by_that_of_the_client_behind_it() -> None:
    async with (
        origin(answers(b"HTTP/1.1 200 A\r\nContent-Length: 0\r\n\r\n")) as one,
        origin(answers(b"HTTP/1.1 200 B\r\nContent-Length: 0\r\n\r\n")) as two,
        running(one, two, strategy="ip-hash", trusted=["127.0.0.1"]) as house,
    ):
        peer = await house.client()
        seen: dict[int, set[bytes]] = {}
        for number in list(range(20)) * 2:
            await peer.send(get("/", f"X-Forwarded-For: 203.0.113.{number}"))
            seen.setdefault(number, set()).add((await peer.answer()).head[:14])
        assert all(len(each) == 1 for each in seen.values())
        assert len(set.union(*seen.values())) == 2


async def test_they_do_so_also_for_requests_that_had_to_wait() -> None:
    async with (
        origin(answers(b"HTTP/1.1 200 A\r\nContent-Length: 0\r\n\r\n")) as one,
        origin(answers(b"HTTP/1.1 200 B\r\nContent-Length: 0\r\n\r\n")) as two,
        running(one, two, strategy="ip-hash", trusted=["127.0.0.1"], up=False, ours=True) as house,
    ):
        for backend in house.backends:
            house.registry.move(process_of(backend), Move.LAUNCH)
        waiting = [get("/", f"X-Forwarded-For: 203.0.113.{number}") for number in range(20)]
        peers = [await house.client() for _ in waiting]
        for peer, request in zip(peers, waiting, strict=True):
            await peer.send(request)
        await until(lambda: house.pool.waiting == len(peers), "not all wait")
        for backend in house.backends:
            house.registry.judge(backend, Move.PROBE_UP)
        first = [(await peer.answer()).head[:14] for peer in peers]
        for peer, request in zip(peers, waiting, strict=True):
            await peer.send(request)
        assert [(await peer.answer()).head[:14] for peer in peers] == first
        assert len(set(first)) == 2


@pytest.mark.parametrize(
    ("trusted", "address", "believed"),
    [
        ((), "127.0.0.1", False),
        (("127.0.0.1",), "127.0.0.1", True),
        (("127.0.0.1",), "::ffff:127.0.0.1", True),
        (("127.0.0.1",), "127.0.0.2", False),
        (("10.0.0.0/8", "fd00::/8"), "10.1.2.3", True),
        (("10.0.0.0/8", "fd00::/8"), "fd00::1%eth0", True),
        (("10.0.0.0/8", "fd00::/8"), "11.1.2.3", False),
        (("localhost",), "::1", True),
        (("0.0.0.0/0",), "", False),
    ],
)
def test_who_is_trusted(trusted: tuple[str, ...], address: str, believed: bool) -> None:
    assert Peers(trusted).trusts(address) is believed
