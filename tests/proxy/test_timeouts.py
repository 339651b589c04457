"""`timeouts`: who is waited for, and for how long."""

from __future__ import annotations

import pytest
import trio

from rpx.model.own_settings import Timeouts
from rpx.proxy.own_host import Message, OwnHost
from rpx.proxy.sweeper import IDLE_TICK
from tests.proxy.house import get, running, until
from tests.support.origin import OK, answers, origin
from tests.support.raw import Raw


async def dripping(raw: Raw, data: bytes, pause: float) -> None:
    """Send byte by byte, as a slow client does. Raises OSError."""
    for byte in data:
        await raw.send(bytes((byte,)))
        await trio.sleep(pause)


async def test_a_head_that_comes_too_slowly_is_not_waited_for() -> None:
    async with (
        origin(answers(OK)) as backend,
        running(backend, timeouts=Timeouts(head=0.1)) as house,
    ):
        slow, other = await house.client(), await house.client()
        began = trio.current_time()
        await slow.send(b"GET / HTTP/1.1\r\nHo")
        await other.send(get())
        assert (await other.answer()).body == b"ok"
        assert await slow.ended() == "closed"
        assert trio.current_time() - began < 2
        await other.send(get())
        assert (await other.answer()).body == b"ok"


async def test_a_head_that_comes_byte_by_byte_gets_no_more_time_than_one_that_does_not() -> None:
    async with (
        origin(answers(OK)) as backend,
        running(backend, timeouts=Timeouts(head=0.15)) as house,
    ):
        drip = await house.client()
        began = trio.current_time()
        with pytest.raises(OSError, match=r"reset|Broken"):
            await dripping(drip, get("/", "X: " + "a" * 200), 0.02)
        assert trio.current_time() - began < 2
        assert backend.visits == []


async def test_a_body_that_comes_slowly_but_comes_may_take_longer_than_a_pause_may() -> None:
    async with (
        origin(answers(OK)) as backend,
        running(backend, timeouts=Timeouts(body=0.2)) as house,
    ):
        client = await house.client()
        began = trio.current_time()
        await client.send(get("/", "Content-Length: 12", method="PATCH"))
        await dripping(client, b"hello world!", 0.04)
        assert (await client.answer()).body == b"ok"
        assert trio.current_time() - began > 0.4
        assert backend.requests[0].endswith(b"hello world!")


async def test_a_client_that_falls_silent_within_its_body_is_not_waited_for() -> None:
    async with (
        origin() as backend,
        running(backend, timeouts=Timeouts(body=0.1)) as house,
    ):
        client = await house.client()
        await client.send(get("/", "Content-Length: 10", method="PATCH") + b"some")
        end = await backend.accept()
        await end.until(b"some")
        assert await end.ended() in {"closed", "reset"}
        assert await client.ended() == "closed"
        assert house.backends[0].counts.errors == 0


async def test_a_client_of_rpxs_own_host_is_not_waited_for_either() -> None:
    asked: list[str] = []

    async def application(scope: Message, *_: object) -> None:
        asked.append(scope["path"])

    async with origin() as backend, running(backend, timeouts=Timeouts(body=0.1)) as house:
        house.shared.own_host = OwnHost("rpx.localhost", application)
        client = await house.client()
        head = get("/", "Content-Length: 9", method="PATCH")
        await client.send(head.replace(b"api.localhost", b"rpx.localhost") + b"some")
        assert await client.ended() == "closed"
        assert not asked


async def test_a_client_whose_answer_has_begun_may_be_silent_within_its_body() -> None:
    async with (
        origin() as backend,
        running(backend, timeouts=Timeouts(body=0.1)) as house,
    ):
        client = await house.client()
        await client.send(get("/", "Content-Length: 10", method="PATCH") + b"some")
        end = await backend.accept()
        await end.until(b"some")
        await end.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        await client.until(b"\r\n\r\no")
        sweeper, began = house.shared.sweeper, house.shared.sweeper.now
        await until(lambda: sweeper.now > began + 0.2, "nobody looks")
        await client.send(b" and more")
        assert await end.take(6) == b" and m"
        await end.send(b"k")
        assert await client.take(1) == b"k"


async def test_nor_is_it_where_nothing_else_happens() -> None:
    async with (
        origin() as backend,
        running(backend, timeouts=Timeouts(head=0.1)) as house,
    ):
        slow = await house.client()
        began = trio.current_time()
        await slow.send(b"GET / HTTP/1.1\r\nHo")
        assert await slow.ended() == "closed"
        assert trio.current_time() - began < 2


async def test_an_idle_client_is_left_without_a_word() -> None:
    async with (
        origin(answers(OK)) as backend,
        running(backend, timeouts=Timeouts(idle=0.1)) as house,
    ):
        silent, client = await house.client(), await house.client()
        await client.send(get())
        await client.answer()
        assert await client.ended() == "closed"
        assert await silent.ended() == "closed"


async def test_a_request_that_takes_longer_than_all_limits_is_answered() -> None:
    async with (
        origin() as backend,
        running(backend, timeouts=Timeouts(head=0.05, idle=0.05)) as house,
    ):
        client = await house.client()
        await client.send(get())
        end = await backend.accept()
        await end.request()
        now = house.shared.sweeper.now
        await until(lambda: house.shared.sweeper.now > now + 0.1, "nobody looks")
        await end.send(OK)
        assert (await client.answer()).body == b"ok"


async def test_limits_shorter_than_a_rest_of_the_sweeper_are_whole_after_one() -> None:
    async def slow(raw: Raw) -> None:
        while await raw.request():
            await trio.sleep(0.1)
            await raw.send(OK)

    async with (
        origin(slow) as backend,
        running(backend, timeouts=Timeouts(answer=0.4, head=0.4)) as house,
    ):
        client = await house.client()
        for pause in (0.0, 0.5, 0.7):
            await trio.sleep(pause)
            await client.send(get()[:5])
            await trio.sleep(0.1)
            await client.send(get()[5:])
            assert (await client.answer()).status == 200


async def test_an_answer_that_is_too_late_is_not_waited_for_much_longer() -> None:
    async with (
        origin() as backend,
        running(backend, timeouts=Timeouts(answer=0.3)) as house,
    ):
        client = await house.client()
        await client.send(get())
        began = trio.current_time()
        assert (await client.answer()).status == 504
        assert 0.25 < trio.current_time() - began < 0.3 + IDLE_TICK / 2


async def test_an_idle_tunnel_survives_all_limits_and_costs_no_looks() -> None:
    async with (
        origin() as backend,
        running(backend, timeouts=Timeouts(head=0.05, idle=0.05)) as house,
    ):
        client = await house.client()
        await client.send(get("/", "Upgrade: foo", "Connection: upgrade"))
        end = await backend.accept()
        await end.request()
        await end.send(b"HTTP/1.1 101 Fine\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n")
        await client.until(b"\r\n\r\n")
        sweeper, seen = house.shared.sweeper, set()
        began = trio.current_time()

        def a_second_has_passed() -> bool:
            seen.add(sweeper.looked)
            return trio.current_time() > began + 1

        await until(a_second_has_passed, "nobody looks")
        assert len(seen) < 6
        await client.send(b"hello")
        assert await end.take(5) == b"hello"
        await end.send(b"world")
        assert await client.take(5) == b"world"


async def test_an_idle_connection_to_a_backend_is_closed_after_a_while() -> None:
    async with (
        origin() as backend,
        running(backend, timeouts=Timeouts(upstream_idle=0.1)) as house,
    ):
        client = await house.client()
        await client.send(get())
        end = await backend.accept()
        await end.request()
        await end.send(OK)
        await client.answer()
        client.close()  # nothing is left to look at but that connection
        assert await end.ended() == "closed"


async def test_an_idle_connection_is_not_used_for_longer_than_the_backend_keeps_it() -> None:
    kept = b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n"
    async with origin(answers(kept)) as backend, running(backend) as house:
        client = await house.client()
        for _ in range(3):
            await client.send(get())
            await client.answer()
        assert len(backend.visits) == 3
