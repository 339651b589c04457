"""Weights and strategies with real requests: who gets them, and what happens on trouble."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import trio

from rpx.model.config import Strategy
from rpx.policy.lifecycle import Move
from tests.proxy.house import House, get, post, running
from tests.support.bench import process_of
from tests.support.origin import OK, Origin, answers, closes, origin, refusing, says
from tests.support.raw import Raw, connect


@asynccontextmanager
async def pool_of(
    *weights: int, strategy: Strategy = "round-robin", ours: bool = False
) -> AsyncIterator[House]:
    """Serve backends that say A, B, C…"""
    async with AsyncExitStack() as stack:
        places: list[Origin] = [
            await stack.enter_async_context(origin(answers(says("ABCDEF"[number]))))
            for number in range(len(weights))
        ]
        yield await stack.enter_async_context(
            running(*places, weights=weights, strategy=strategy, ours=ours)
        )


async def ask(client: Raw, count: int = 1) -> str:
    heard = ""
    for _ in range(count):
        await client.send(get())
        heard += (await client.answer()).body.decode()
    return heard


async def test_weights_are_smooth_from_the_first_request_on() -> None:
    async with pool_of(5, 1, 1) as house:
        assert await ask(await house.client(), 14) == "AABACAA" * 2


async def test_weights_that_are_equal_mean_nothing() -> None:
    async with pool_of(3, 3) as house:
        assert await ask(await house.client(), 4) == "ABAB"


async def test_a_weighted_backend_that_leaves_and_returns_leaves_the_others_their_shares() -> None:
    async with pool_of(5, 1, 1) as house:
        client = await house.client()
        await ask(client, 3)
        house.out(house.backends[2])
        assert Counter(await ask(client, 12)) == {"A": 10, "B": 2}
        house.up(house.backends[2])
        assert Counter(await ask(client, 14)) == {"A": 10, "B": 2, "C": 2}


async def test_a_backend_of_weight_0_gets_no_new_requests() -> None:
    async with pool_of(1, 0, 1) as house:
        assert await ask(await house.client(), 4) == "ACAC"


async def test_nobody_waits_for_a_backend_of_weight_0_or_falls_back_on_it() -> None:
    async with (
        origin(answers(OK)) as drained,
        origin(answers(OK)) as other,
        running(drained, other, weights=(0, 1), ours=True, up=False) as house,
    ):
        first, second = house.backends
        house.registry.move(process_of(first), Move.LAUNCH)  # a request would wait for it
        client = await house.client()
        await client.send(get())
        assert (await client.answer()).status == 503
        house.registry.judge(first, Move.PROBE_UP)
        house.registry.judge(first, Move.PROBE_DOWN)  # unhealthy: the last resort
        await client.send(get())
        assert (await client.answer()).status == 503
        house.up(second)
        assert await ask(client) == "ok"
        assert not drained.visits


async def test_the_page_says_who_has_a_weight_of_0() -> None:
    async with (
        origin(answers(OK)) as drained,
        origin(answers(OK)) as other,
        running(drained, other, weights=(0, 1), ours=True, up=False) as house,
    ):
        house.up(house.backends[0])
        client = await house.client()
        await client.send(get("/", "Accept: text/plain"))
        answer = await client.answer()
    assert answer.status == 503
    assert "state: ready, weight 0" in answer.body.decode()


async def test_least_connections_counts_until_the_last_byte() -> None:
    async with (
        origin() as slow,
        origin(answers(says("B"))) as quick,
        running(slow, quick, strategy="least-connections") as house,
    ):
        busy = await house.client()
        await busy.send(get())
        end = await slow.accept()
        await end.request()
        await end.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")
        await busy.until(b"hel")
        client = await house.client()
        assert await ask(client, 5) == "BBBBB"
        await end.send(b"lo")
        await busy.take(2)
        await house.idle()
        await client.send(get())
        await end.request()
        await end.send(says("A"))
        assert (await client.answer()).body == b"A"


async def test_least_connections_counts_tunnels() -> None:
    async with (
        origin() as speaker,
        origin(answers(says("B"))) as quick,
        running(speaker, quick, strategy="least-connections") as house,
    ):
        tunnel = await house.client()
        await tunnel.send(get("/", "Connection: upgrade", "Upgrade: echo"))
        end = await speaker.accept()
        await end.request()
        await end.send(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
        )
        await tunnel.until(b"\r\n\r\n")
        assert await ask(await house.client(), 4) == "BBBB"
        end.close()


async def test_random_spreads_requests() -> None:
    async with pool_of(1, 1, strategy="random") as house:
        assert set(await ask(await house.client(), 40)) == {"A", "B"}


async def test_ip_hash_keeps_a_client_where_it_is_until_its_backend_leaves() -> None:
    async with pool_of(1, 1, 1, strategy="ip-hash") as house:
        home = await ask(await house.client(), 3)
        assert len(set(home)) == 1
        assert await ask(await house.client()) == home[0]
        mine = house.backends["ABC".index(home[0])]
        house.out(mine)
        client = await house.client()
        assert home[0] not in await ask(client, 3)
        house.up(mine)
        assert await ask(client) == home[0]


async def test_ip_hash_tells_clients_apart_by_their_address() -> None:
    async with pool_of(1, 1, 1, strategy="ip-hash") as house:
        homes = set()
        for number in range(2, 12):
            sock = trio.socket.socket()
            await sock.bind((f"127.0.0.{number}", 0))
            await sock.connect(("127.0.0.1", house.port))
            client = Raw(sock)
            homes.add(await ask(client))
            client.close()
        assert len(homes) > 1


async def test_whatever_the_strategy_a_backend_that_does_not_answer_is_replaced() -> None:
    strategies: list[Strategy] = ["least-connections", "random", "ip-hash"]
    for strategy in strategies:
        with refusing() as port:
            async with (
                origin(answers(says("A"))) as good,
                origin(closes) as breaks,
                running(port, breaks, good, weights=(2, 2, 1), strategy=strategy) as house,
            ):
                client = await connect(house.port)
                assert await ask(client, 5) == "AAAAA", strategy
                await client.send(post())
                assert (await client.answer()).status in (200, 502)
                client.close()
