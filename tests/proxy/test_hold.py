"""Requests that come while nobody is up: who waits, for how long, and what they get."""

from __future__ import annotations

import socket

import pytest
import trio
import trio.testing

from rpx.hub.endpoint import Endpoint
from rpx.model.config import HealthCheck
from rpx.model.own_settings import Limits
from rpx.model.status import Intent
from rpx.policy.lifecycle import Move
from tests.proxy.house import House, get, post, running, until
from tests.support.bench import process_of
from tests.support.origin import OK, answers, closes, origin, refusing, says
from tests.support.raw import Raw


async def held(house: House, count: int = 1) -> None:
    await until(lambda: house.pool.waiting == count, "nobody waits")


@pytest.mark.parametrize("request_", [get(), post()])
async def test_a_request_waits_for_a_backend_that_is_starting(request_: bytes) -> None:
    async with origin(answers(OK)) as backend, running(backend, ours=True, up=False) as house:
        house.registry.move(process_of(house.backends[0]), Move.LAUNCH)
        client = await house.client()
        await client.send(request_)
        await held(house)
        assert not backend.visits
        house.registry.judge(house.backends[0], Move.PROBE_UP)
        assert (await client.answer()).body == b"ok"
        assert backend.requests[0].endswith(b"hello" if b"POST" in request_ else b"\r\n\r\n")
        assert house.pool.waiting == 0


@pytest.mark.parametrize("steps", range(8))
async def test_a_backend_that_leaves_as_soon_as_it_is_up_is_not_asked_behind_its_drain(
    steps: int,
) -> None:
    async with origin(answers(OK)) as place, running(place, ours=True, up=False) as house:
        [backend] = house.backends
        house.registry.move(process_of(backend), Move.LAUNCH)
        client = await house.client()
        await client.send(post())
        await held(house)
        house.registry.judge(backend, Move.PROBE_UP)
        for _ in range(steps):
            await trio.lowlevel.checkpoint()
        house.registry.want(process_of(backend), Intent.AGAIN)
        house.registry.move(process_of(backend), Move.STOP)
        await house.registry.wait_drained(process_of(backend))
        asked = len(place.visits)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert len(place.visits) == asked  # its process has been told to go by now
        for move in (Move.DRAINED, Move.REPLACED, Move.LAUNCH, Move.PROBE_UP):
            house.registry.move(process_of(backend), move)
        assert (await client.answer()).body == b"ok"


async def test_all_that_wait_are_answered() -> None:
    async with origin(answers(OK)) as backend, running(backend, ours=True, up=False) as house:
        house.registry.move(process_of(house.backends[0]), Move.LAUNCH)
        clients = [await house.client() for _ in range(40)]
        for client in clients:
            await client.send(get())
        await held(house, 40)
        house.registry.judge(house.backends[0], Move.PROBE_UP)
        for client in clients:
            assert (await client.answer()).body == b"ok"


async def test_a_request_that_has_waited_long_enough_gets_503() -> None:
    async with (
        origin(answers(OK)) as backend,
        running(backend, ours=True, up=False, hold=0.2) as house,
    ):
        house.registry.move(process_of(house.backends[0]), Move.LAUNCH)
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
        house.registry.exited(process_of(mine))
        house.registry.move(process_of(mine), Move.CRASHED)
        house.registry.move(process_of(mine), Move.LAUNCH)
        house.registry.judge(mine, Move.PROBE_UP)
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
        house.registry.move(process_of(house.backends[0]), Move.LAUNCH)
        client = await house.client()
        await client.send(get())
        await held(house)
        began = trio.current_time()
        client.close()
        await held(house, 0)
        assert trio.current_time() - began < 0.5
        house.registry.judge(house.backends[0], Move.PROBE_UP)
        other = await house.client()
        await other.send(get("/other"))
        await other.answer()
        assert len(backend.requests) == 1


async def test_more_than_the_most_are_not_held() -> None:
    async with (
        origin(answers(OK)) as backend,
        running(backend, ours=True, up=False, limits=Limits(held=2)) as house,
    ):
        house.registry.move(process_of(house.backends[0]), Move.LAUNCH)
        first, second, third = [await house.client() for _ in range(3)]
        await first.send(get())
        await second.send(get())
        await held(house, 2)
        await third.send(get())
        assert (await third.answer()).status == 503
        house.registry.judge(house.backends[0], Move.PROBE_UP)
        for client in (first, second):
            assert (await client.answer()).body == b"ok"


async def test_requests_that_wait_get_503_at_once_when_rpx_goes_down() -> None:
    async with origin(answers(OK)) as backend, running(backend, ours=True, up=False) as house:
        house.registry.move(process_of(house.backends[0]), Move.LAUNCH)
        client = await house.client()
        await client.send(get())
        await held(house)
        house.stop()
        answer = await client.answer()
        assert (answer.status, answer.field("connection")) == (503, "close")
        assert await client.ended() == "closed"


async def test_a_pipelined_request_waits_behind_one_that_waits() -> None:
    async with origin(answers(OK)) as backend, running(backend, ours=True, up=False) as house:
        house.registry.move(process_of(house.backends[0]), Move.LAUNCH)
        client = await house.client()
        await client.send(get("/1") + get("/2"))
        await held(house)
        house.registry.judge(house.backends[0], Move.PROBE_UP)
        assert [(await client.answer()).body for _ in range(2)] == [b"ok", b"ok"]
        assert [r[:6] for r in backend.requests] == [b"GET /1", b"GET /2"]


async def test_a_client_that_has_sent_the_next_request_already_is_still_seen_to_leave() -> None:
    async with origin(answers(OK)) as backend, running(backend, ours=True, up=False) as house:
        house.registry.move(process_of(house.backends[0]), Move.LAUNCH)
        client: Raw = await house.client()
        await client.send(get("/1") + get("/2"))
        await held(house)
        client.close()
        await held(house, 0)
        assert not backend.visits


def sick(house: House, *backends: Endpoint) -> None:
    """Their processes run, and their checks fail."""
    for backend in backends or house.backends:
        house.up(backend)
        house.registry.judge(backend, Move.PROBE_DOWN)


CHECK = HealthCheck(path="/health")


@pytest.mark.parametrize("ours", [True, False])
async def test_a_lone_backend_is_asked_whatever_its_checks_say(ours: bool) -> None:
    async with (
        origin(answers(OK)) as backend,
        running(backend, ours=ours, up=False, check=CHECK) as house,
    ):
        sick(house)
        client = await house.client()
        for _ in range(2):
            began = trio.current_time()
            await client.send(get())
            assert (await client.answer()).body == b"ok"
            assert trio.current_time() - began < 1


async def test_a_lone_backend_that_refuses_is_waited_for_and_asked_again_when_it_is_back() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        async with running(port, ours=True, up=False, check=CHECK) as house:
            sick(house)
            client = await house.client()
            await client.send(get())
            await held(house)
            assert house.backends[0].counts.errors == 1
            listener.listen()
            listener.setblocking(False)
            house.registry.judge(house.backends[0], Move.PROBE_UP)
            accepted, _ = await trio.socket.from_stdlib_socket(listener).accept()
            end = Raw(accepted)
            await end.request()
            await end.send(OK)
            assert (await client.answer()).body == b"ok"
            end.close()


async def test_when_all_are_sick_a_request_waits_and_is_then_sent_to_one_of_them() -> None:
    async with (
        origin(answers(says("A"))) as first,
        origin(answers(says("B"))) as second,
        running(first, second, ours=True, up=False, check=CHECK, hold=0.2) as house,
    ):
        sick(house)
        client = await house.client()
        began = trio.current_time()
        await client.send(get())
        assert (await client.answer()).body == b"A"
        assert 0.2 <= trio.current_time() - began < 1


async def test_a_request_that_one_of_the_sick_has_failed_does_not_wait_once_more() -> None:
    async with (
        origin(closes) as first,
        origin(closes) as second,
        running(first, second, ours=True, up=False, check=CHECK, hold=0.3) as house,
    ):
        sick(house)
        client = await house.client()
        began = trio.current_time()
        await client.send(get())
        answer = await client.answer()
        assert answer.status == 502
        assert 0.3 <= trio.current_time() - began < 0.8
        assert (len(first.requests), len(second.requests)) == (1, 1)


async def test_all_external_ones_being_sick_makes_nobody_wait() -> None:
    async with (
        origin(answers(says("A"))) as first,
        origin(answers(says("B"))) as second,
        running(first, second, up=False, check=CHECK) as house,
    ):
        sick(house)
        client = await house.client()
        began = trio.current_time()
        heard = b""
        for _ in range(4):
            await client.send(get())
            heard += (await client.answer()).body
        assert heard == b"ABAB"
        assert trio.current_time() - began < 1


async def test_an_external_one_that_has_just_refused_is_asked_all_the_same() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        house.registry.connect_failed(house.backends[0], "connection refused")
        client = await house.client()
        await client.send(get())
        assert (await client.answer()).body == b"ok"


async def test_the_page_comes_when_nobody_is_left_to_ask() -> None:
    with refusing() as one, refusing() as two:
        async with running(one, two, up=False, check=CHECK) as house:
            sick(house)
            client = await house.client()
            await client.send(get("/", "Accept: text/plain"))
            answer = await client.answer()
            assert answer.status == 502
            for port in (one, two):
                assert f"api:{port}" in answer.body.decode()
