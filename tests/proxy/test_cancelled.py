"""The same scenario cancelled at every step it has, one run per step. The idea is SQLite's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import psutil
import pytest
import trio

from rpx.http.websocket import GOING_AWAY, close_frame
from rpx.policy.lifecycle import Move
from tests.proxy.house import House, get, post, running
from tests.support.anomaly import CancelAtStep
from tests.support.bench import process_of
from tests.support.origin import OK, answers, closes, origin
from tests.support.raw import SOON

Scenario = Callable[[list[House]], Awaitable[None]]


async def two_requests_and_an_upload(houses: list[House]) -> None:
    async with origin(closes, answers(OK)) as one, origin(answers(OK)) as two:
        async with running(one, two) as house:
            houses.append(house)
            client = await house.client()
            await client.send(get() + post())
            await client.answer()
            await client.answer()
            await client.send(get("/", "Content-Length: 6", method="PATCH"))
            await client.send(b"abcdef", 3)
            await client.answer()


async def a_held_request_and_a_tunnel(houses: list[House]) -> None:
    async with origin() as backend, running(backend, ours=True, up=False) as house:
        houses.append(house)
        house.registry.move(process_of(house.backends[0]), Move.LAUNCH)
        client = await house.client()
        await client.send(get("/", "Upgrade: foo", "Connection: upgrade"))
        while not house.pool.waiting:
            await trio.lowlevel.checkpoint()
        house.registry.judge(house.backends[0], Move.PROBE_UP)
        end = await backend.accept()
        await end.request()
        await end.send(b"HTTP/1.1 101 Fine\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\nlate")
        await client.until(b"late")
        await client.send(b"early")
        await end.take(5)


async def a_drain_within_an_answer(houses: list[House]) -> None:
    async with origin() as backend, running(backend) as house:
        houses.append(house)
        client = await house.client()
        await client.send(get())
        end = await backend.accept()
        await end.request()
        await end.send(b"HTTP/1.1 200 OK\r\n\r\nsome")
        await client.until(b"some")
        house.stop()
        end.close()
        await client.rest()


async def a_drain_within_a_websocket(houses: list[House]) -> None:
    async with origin() as backend, running(backend) as house:
        houses.append(house)
        client = await house.client()
        await client.send(get("/", "Upgrade: websocket", "Connection: upgrade"))
        end = await backend.accept()
        await end.request()
        await end.send(b"HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
        await end.send(b"\x82\x05he")
        await client.until(b"he")
        house.stop()
        await end.take(8)
        await end.send(b"llo" + close_frame(GOING_AWAY))
        await client.until(close_frame(GOING_AWAY))
        client.close()


@pytest.mark.parametrize(
    "scenario",
    [
        two_requests_and_an_upload,
        a_held_request_and_a_tunnel,
        a_drain_within_an_answer,
        a_drain_within_a_websocket,
    ],
)
def test_a_cancel_anywhere_leaves_no_request_in_flight_and_no_socket_open(
    scenario: Scenario,
) -> None:
    descriptors = psutil.Process().num_fds()
    step = 0
    while True:
        step += 1
        scope = trio.CancelScope()
        hook = CancelAtStep(scope, step)
        houses: list[House] = []

        async def once(scope: trio.CancelScope = scope, houses: list[House] = houses) -> None:
            with scope, trio.fail_after(SOON):
                await scenario(houses)

        trio.run(once, instruments=[hook])
        for house in houses:
            assert [(b.in_flight, b.lasting) for b in house.backends] == [(0, 0)] * len(
                house.backends
            ), f"at step {step}"
            assert house.pool.waiting == 0
            assert not house.bugs
            assert not house.shared.sweeper.connections
        assert psutil.Process().num_fds() == descriptors, f"at step {step}"
        if hook.left > 0:
            break
    assert step > 30
