"""Requests that come while nobody is up: who waits, for how long, and what they get."""

from __future__ import annotations

import pytest
import trio

from rpx.model.config import Limits
from rpx.policy.lifecycle import Move
from tests.proxy.house import House, get, post, running, until
from tests.support.origin import OK, answers, closes, origin, refusing
from tests.support.raw import Raw


async def held(house: House, count: int = 1) -> None:
    await until(lambda: house.pool.waiting == count, "nobody waits")


@pytest.mark.parametrize("request_", [get(), post()])
async def test_a_request_waits_for_a_backend_that_is_starting(request_: bytes) -> None:
    async with origin(answers(OK)) as backend, running(backend, ours=True, up=False) as house:
        house.registry.move(house.backends[0], Move.LAUNCH)
        client = await house.client()
        await client.send(request_)
        await held(house)
        assert not backend.visits
        house.registry.move(house.backends[0], Move.PROBE_UP)
        assert (await client.answer()).body == b"ok"
        assert backend.requests[0].endswith(b"hello" if b"POST" in request_ else b"\r\n\r\n")
        assert house.pool.waiting == 0


async def test_all_that_wait_are_answered() -> None:
    async with origin(answers(OK)) as backend, running(backend, ours=True, up=False) as house:
        house.registry.move(house.backends[0], Move.LAUNCH)
        clients = [await house.client() for _ in range(40)]
        for client in clients:
            await client.send(get())
        await held(house, 40)
        house.registry.move(house.backends[0], Move.PROBE_UP)
        for client in clients:
            assert (await client.answer()).body == b"ok"


async def test_a_request_that_has_waited_long_enough_gets_503() -> None:
    async with (
        origin(answers(OK)) as backend,
        running(backend, ours=True, up=False, hold=0.2) as house,
    ):
        house.registry.move(house.backends[0], Move.LAUNCH)
        client = await house.client()
        began = trio.current_time()
        await client.send(get())
        answer = await client.answer()
        assert 0.2 <= trio.current_time() - began < 1
        assert (answer.status, answer.field("retry-after")) == (503, "1")
        assert not backend.visits
        await client.send(get())  # the connection stays
        assert (await client.answer()).status == 503


async def test_nobody_waits_for_a_backend_that_does_not_come_back() -> None:
    async with origin(answers(OK)) as backend, running(backend, ours=True, up=False) as house:
        client = await house.client()
        await client.send(get())
        assert (await client.answer()).status == 503
        assert not backend.visits


async def test_nobody_waits_when_every_backend_is_paused_and_the_page_says_how_it_ends() -> None:
    async with origin(answers(OK)) as backend, running(backend, ours=True) as house:
        client = await house.client()
        house.registry.pause(house.backends[0])
        await client.send(get())
        answer = await client.answer()
        assert answer.status == 503
        assert f"rpx resume-backend api:{backend.port}".encode() in answer.body
        assert b"paused" in answer.body
        assert not backend.visits
        house.registry.resume(house.backends[0])
        await client.send(get())
        assert (await client.answer()).body == b"ok"


async def test_an_external_backend_that_is_not_up_is_tried_all_the_same() -> None:
    async with origin(answers(OK)) as backend, running(backend, up=False) as house:
        client = await house.client()
        await client.send(get())
        assert (await client.answer()).body == b"ok"


async def test_an_external_backend_that_is_not_there_makes_nobody_wait() -> None:
    with refusing() as port:
        async with running(port, up=False) as house:
            client = await house.client()
            await client.send(get())
            assert (await client.answer()).status == 502


async def test_a_request_whose_only_backend_dies_is_answered_by_its_next_life() -> None:
    async with (
        origin(closes, answers(OK)) as backend,
        running(backend, ours=True) as house,
    ):
        client = await house.client()
        await client.send(get())
        await held(house)
        mine = house.backends[0]
        house.registry.exited(mine)
        house.registry.move(mine, Move.CRASHED)
        house.registry.move(mine, Move.LAUNCH)
        house.registry.move(mine, Move.PROBE_UP)
        assert (await client.answer()).body == b"ok"
        assert len(backend.requests) == 2


async def test_a_backend_that_breaks_a_connection_and_lives_on_is_not_waited_for() -> None:
    async with origin(closes) as backend, running(backend, ours=True) as house:
        client = await house.client()
        began = trio.current_time()
        await client.send(get())
        assert (await client.answer()).status == 502
        assert trio.current_time() - began < 1
        assert len(backend.requests) == 1


async def test_a_client_that_leaves_is_no_longer_held() -> None:
    async with origin(answers(OK)) as backend, running(backend, ours=True, up=False) as house:
        house.registry.move(house.backends[0], Move.LAUNCH)
        client = await house.client()
        await client.send(get())
        await held(house)
        began = trio.current_time()
        client.close()
        await held(house, 0)
        assert trio.current_time() - began < 0.5
        house.registry.move(house.backends[0], Move.PROBE_UP)
        other = await house.client()
        await other.send(get("/other"))
        await other.answer()
        assert len(backend.requests) == 1


async def test_more_than_the_most_are_not_held() -> None:
    async with (
        origin(answers(OK)) as backend,
        running(backend, ours=True, up=False, limits=Limits(held=2)) as house,
    ):
        house.registry.move(house.backends[0], Move.LAUNCH)
        first, second, third = [await house.client() for _ in range(3)]
        await first.send(get())
        await second.send(get())
        await held(house, 2)
        await third.send(get())
        assert (await third.answer()).status == 503
        house.registry.move(house.backends[0], Move.PROBE_UP)
        for client in (first, second):
            assert (await client.answer()).body == b"ok"


async def test_requests_that_wait_get_503_at_once_when_rpx_goes_down() -> None:
    async with origin(answers(OK)) as backend, running(backend, ours=True, up=False) as house:
        house.registry.move(house.backends[0], Move.LAUNCH)
        client = await house.client()
        await client.send(get())
        await held(house)
        house.stop()
        answer = await client.answer()
        assert (answer.status, answer.field("connection")) == (503, "close")
        assert await client.ended() == "closed"


async def test_a_pipelined_request_waits_behind_one_that_waits() -> None:
    async with origin(answers(OK)) as backend, running(backend, ours=True, up=False) as house:
        house.registry.move(house.backends[0], Move.LAUNCH)
        client = await house.client()
        await client.send(get("/1") + get("/2"))
        await held(house)
        house.registry.move(house.backends[0], Move.PROBE_UP)
        assert [(await client.answer()).body for _ in range(2)] == [b"ok", b"ok"]
        assert [r[:6] for r in backend.requests] == [b"GET /1", b"GET /2"]


async def test_a_client_that_has_sent_the_next_request_already_is_still_seen_to_leave() -> None:
    async with origin(answers(OK)) as backend, running(backend, ours=True, up=False) as house:
        house.registry.move(house.backends[0], Move.LAUNCH)
        client: Raw = await house.client()
        await client.send(get("/1") + get("/2"))
        await held(house)
        client.close()
        await held(house, 0)
        assert not backend.visits
