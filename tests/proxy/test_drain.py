"""rpx goes down: what is under way is finished, and nobody waits for the rest."""

from __future__ import annotations

import pytest
import trio

from rpx.proxy import listener
from tests.proxy.house import House, get, running, until
from tests.support.bench import process_of
from tests.support.origin import OK, Origin, never, origin
from tests.support.raw import SOON, Raw

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"


async def down(house: House, within: float = 1.0) -> None:
    with trio.fail_after(within):
        await house.done.wait()


async def asked(house: House, backend: Origin, request: bytes = get()) -> tuple[Raw, Raw]:
    """Return a client and the backend's end of its request."""
    client = await house.client()
    await client.send(request)
    end = await backend.accept()
    await end.request()
    return client, end


async def test_a_request_under_way_is_finished_and_told_that_it_was_the_last() -> None:
    async with origin() as backend, running(backend) as house:
        client, end = await asked(house, backend)
        house.stop()
        await until(lambda: house.drains, "rpx does not go down")
        await end.send(OK)
        answer = await client.answer()
        assert (answer.body, answer.field("connection")) == (b"ok", "close")
        assert await client.ended() == "closed"
        client.close()
        await down(house)


async def test_a_request_whose_answer_has_begun_is_finished_and_then_its_client_is_left() -> None:
    async with origin() as backend, running(backend) as house:
        client, end = await asked(house, backend)
        await end.send(OK[:-1])
        await client.until(b"\r\n\r\no")
        house.stop()
        await until(lambda: house.drains, "rpx does not go down")
        await end.send(OK[-1:])
        assert await client.take(1) == b"k"
        assert await client.ended() == "closed"
        client.close()
        await down(house)


async def test_idle_clients_and_those_who_never_said_a_word_are_left_at_once() -> None:
    async with origin() as backend, running(backend) as house:
        client, end = await asked(house, backend)
        await end.send(OK)
        await client.answer()
        silent = await house.client()
        half = await house.client()
        await half.send(b"GET / HT")
        await until(lambda: len(house.shared.sweeper.connections) == 3, "not all have come in")
        house.stop()
        await down(house)
        for each in (client, silent, half):
            assert await each.ended() in {"closed", "reset"}


async def test_a_client_that_comes_in_at_the_last_moment_does_not_hold_anybody_up() -> None:
    for steps in range(12):
        async with origin() as backend, running(backend) as house:
            await house.client()
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            house.stop()
            await down(house)


async def test_no_new_client_is_let_in() -> None:
    async with origin() as backend, running(backend) as house:
        client, end = await asked(house, backend)
        house.stop()
        await until(lambda: house.drains, "rpx does not go down")
        with pytest.raises(ConnectionRefusedError):
            await house.client()
        await end.send(OK)
        assert (await client.answer()).body == b"ok"


@pytest.mark.parametrize("kind", ["stream", "tunnel"])
async def test_what_ends_only_when_a_side_leaves_does_not_hold_anybody_up(kind: str) -> None:
    async with origin() as backend, running(backend) as house:
        client, end = await asked(house, backend, get("/", "Upgrade: foo", "Connection: upgrade"))
        switch = b"HTTP/1.1 101 Fine\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\ndata: 1\n\n"
        await end.send(STREAM if kind == "stream" else switch)
        await client.until(b"data: 1\n\n")
        assert house.backends[0].lasting == 1
        house.stop()
        await down(house)
        assert await end.ended() in {"closed", "reset"}
        await client.rest()
        assert client.end == "closed"


async def test_nor_does_a_stream_that_begins_only_then() -> None:
    async with origin() as backend, running(backend) as house:
        client, end = await asked(house, backend)
        house.stop()
        await until(lambda: house.drains, "rpx does not go down")
        await end.send(STREAM)
        await down(house)
        assert b"text/event-stream" in await client.rest()


async def test_a_request_behind_a_stream_that_has_ended_is_finished() -> None:
    async with origin() as backend, running(backend) as house:
        client, end = await asked(house, backend)
        await end.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 2\r\n\r\nok"
        )
        await client.answer()
        await client.send(get())
        await end.request()
        house.stop()
        await until(lambda: house.drains, "rpx does not go down")
        await end.send(OK)
        assert (await client.answer()).body == b"ok"


async def test_a_backend_that_never_answers_is_waited_for_no_longer_than_the_drain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listener, "DRAIN", 0.2)
    async with origin(never) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        await until(lambda: backend.requests, "the request has not come")
        house.stop()
        await down(house)
        assert await client.ended() in {"closed", "reset"}


async def test_out_of_patience_rpx_waits_for_nothing() -> None:
    async with origin(never) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        await until(lambda: backend.requests, "the request has not come")
        house.stop()
        await until(lambda: house.drains, "rpx does not go down")
        house.patience.lose()
        await down(house, 0.5)


async def test_drained_waits_for_requests_but_not_for_streams() -> None:
    async with origin() as backend, running(backend, ours=True) as house:
        mine = house.backends[0]
        _, stream = await asked(house, backend)
        client, end = await asked(house, backend)
        await stream.send(STREAM)
        await until(lambda: mine.lasting == 1, "the stream has not begun")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(house.registry.wait_drained, process_of(mine))
            await until(lambda: mine.drained is not None, "nobody waits")
            await end.send(OK)
            assert (await client.answer()).body == b"ok"
            with trio.fail_after(SOON):
                while mine.drained is not None:
                    await trio.lowlevel.checkpoint()
        assert (mine.in_flight, mine.lasting) == (1, 1)
