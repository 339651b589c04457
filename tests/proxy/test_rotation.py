"""Who gets the next request, over which connection, and how it is counted."""

from __future__ import annotations

import socket

import pytest
import trio

from rpx.model.status import Routed
from tests.proxy.house import HOST, get, running
from tests.support.origin import OK, answers, origin, says
from tests.support.raw import Raw


async def ask(client: Raw, request: bytes = get()) -> str:
    await client.send(request)
    return (await client.answer()).body.decode()


async def test_requests_of_one_client_alternate_strictly() -> None:
    async with (
        origin(answers(says("one"))) as one,
        origin(answers(says("two"))) as two,
        origin(answers(says("three"))) as three,
        running(one, two, three) as house,
    ):
        client = await house.client()
        heard = [await ask(client) for _ in range(7)]
    assert heard == ["one", "two", "three", "one", "two", "three", "one"]


async def test_requests_of_many_clients_alternate_strictly() -> None:
    async with (
        origin(answers(says("one"))) as one,
        origin(answers(says("two"))) as two,
        running(one, two) as house,
    ):
        heard = [await ask(await house.client()) for _ in range(6)]
    assert heard == ["one", "two"] * 3


async def test_a_backend_that_leaves_and_returns_disturbs_nobody_else() -> None:
    async with (
        origin(answers(says("one"))) as one,
        origin(answers(says("two"))) as two,
        origin(answers(says("three"))) as three,
        running(one, two, three) as house,
    ):
        client = await house.client()
        heard = [await ask(client)]
        house.out(house.backends[1])
        heard += [await ask(client) for _ in range(3)]
        house.up(house.backends[1])
        heard += [await ask(client) for _ in range(3)]
    assert heard == ["one", "three", "one", "three", "one", "two", "three"]


async def test_requests_one_after_the_other_share_one_connection() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        client = await house.client()
        for _ in range(20):
            assert await ask(client) == "ok"
        other = await house.client()
        assert await ask(other) == "ok"
        assert len(backend.visits) == 1
        assert len(backend.requests) == 21


async def test_requests_at_the_same_time_have_a_connection_each() -> None:
    async with origin() as backend, running(backend) as house:
        first, second = await house.client(), await house.client()
        await first.send(get("/1"))
        await second.send(get("/2"))
        ends = [await backend.accept(), await backend.accept()]
        for end in ends:
            await end.request()
            await end.send(OK)
        assert (await first.answer()).body == (await second.answer()).body == b"ok"


async def test_figures_add_up() -> None:
    broken = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
    async with origin(answers(OK, OK, broken, OK)) as backend, running(backend) as house:
        client = await house.client()
        for _ in range(4):
            await ask(client)
        await house.idle()
        figures = house.registry.stats()[HOST][f"127.0.0.1:{backend.port}"]
        assert (figures["requests"], figures["errors"]) == (4, 1)
        assert 0 < figures["avgLatency"] < 1000


async def test_a_request_counts_as_in_flight_until_the_last_byte_of_its_answer() -> None:
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        end = await backend.accept()
        await end.request()
        assert house.backends[0].in_flight == 1
        await end.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")
        await client.until(b"hel")
        assert house.backends[0].in_flight == 1
        await end.send(b"lo")
        assert await client.take(2) == b"lo"
        await house.idle()


@pytest.mark.parametrize("verbose", [True, False])
async def test_a_verbose_server_tells_who_answered_and_another_one_does_not(verbose: bool) -> None:
    async with origin(answers(OK)) as backend, running(backend, verbose=verbose) as house:
        with house.registry.events.subscribe() as news:
            await ask(await house.client(), get("/api/users?page=2"))
            await house.idle()
            told = [event for event in news.take() if isinstance(event, Routed)]
    expected = [Routed("/api/users", f"127.0.0.1:{backend.port}")] if verbose else []
    assert told == expected


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
async def test_localhost_is_whichever_address_answers(family: socket.AddressFamily) -> None:
    with socket.socket(family) as listener:
        listener.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        listener.listen()
        listener.setblocking(False)
        port = listener.getsockname()[1]
        async with running(port, name="localhost") as house:
            client = await house.client()
            await client.send(get(""))  # refused: no target
            assert (await client.answer()).status == 400
            for _ in range(2):
                other = await house.client()
                await other.send(get())
                accepted, _ = await trio.socket.from_stdlib_socket(listener).accept()
                end = Raw(accepted)
                await end.request()
                await end.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
                assert (await other.answer()).status == 200
                end.close()
