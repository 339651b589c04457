"""Clients that leave: the backend is released soon, and it is nobody's fault."""

from __future__ import annotations

import random
import select
from collections.abc import Awaitable, Callable

import psutil
import pytest
import trio

from tests.proxy.house import House, get, running, until
from tests.support.origin import OK, Origin, answers, never, origin
from tests.support.raw import Raw

PROMPT = 0.25  # seconds; 0.08 until a slow request is watched, the rest for a busy machine
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

Stage = Callable[[Raw, Origin], Awaitable[None]]


async def thinking(client: Raw, backend: Origin) -> None:
    await client.send(get())
    await (await backend.accept()).request()


async def streaming(client: Raw, backend: Origin) -> None:
    await client.send(get())
    end = await backend.accept()
    await end.request()
    await end.send(STREAM + b"data: 1\n\n")
    await client.until(b"data: 1\n\n")


async def within_a_counted_answer(client: Raw, backend: Origin) -> None:
    await client.send(get())
    end = await backend.accept()
    await end.request()
    await end.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
    await client.until(b"some")


async def uploading(client: Raw, backend: Origin) -> None:
    await client.send(get("/", "Content-Length: 100", method="PATCH") + b"some")
    await (await backend.accept()).until(b"some")


async def answered_while_uploading(client: Raw, backend: Origin) -> None:
    await uploading(client, backend)
    await backend.visits[0].send(b"HTTP/1.1 200 OK\r\n\r\nearly")
    await client.until(b"early")


async def pipelining(client: Raw, backend: Origin) -> None:
    await client.send(get() * 3)
    await (await backend.accept()).request()


STAGES: list[Stage] = [
    thinking,
    streaming,
    within_a_counted_answer,
    uploading,
    answered_while_uploading,
    pipelining,
]


async def leaves(client: Raw, backend: Origin, house: House) -> None:
    began = trio.current_time()
    client.close()
    end = backend.visits[0]
    assert await end.ended() in {"closed", "reset"}
    assert trio.current_time() - began < PROMPT
    await house.idle()


@pytest.mark.parametrize("stage", STAGES)
async def test_a_backend_is_released_soon_after_its_client_has_closed(stage: Stage) -> None:
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await stage(client, backend)
        await leaves(client, backend, house)
        assert house.backends[0].counts.errors == 0
        assert house.backends[0].failures == 0


@pytest.mark.parametrize("stage", STAGES)
async def test_or_has_reset_its_connection(stage: Stage) -> None:
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await stage(client, backend)
        client.reset()
        assert await backend.visits[0].ended() in {"closed", "reset"}
        await house.idle()
        assert house.backends[0].counts.errors == 0


# (What was sent ahead hides a FIN from recv.)
@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage is not pipelining])
async def test_a_machine_without_epoll_notices_it_too(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with origin() as backend:
        with monkeypatch.context() as patch:
            if hasattr(select, "epoll"):
                patch.delattr(select, "epoll")
            async with running(backend) as house:
                patch.undo()
                client = await house.client()
                await stage(client, backend)
                await leaves(client, backend, house)


async def test_a_client_that_leaves_while_its_answer_waits_for_it_harms_nobody() -> None:
    size = 30_000_000
    async with origin() as backend, running(backend) as house:
        client = await house.client(window=4096)
        await client.send(get())
        end = await backend.accept()
        await end.request()
        await end.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        with trio.move_on_after(0.3):
            await end.sock.send(b"x" * size)
        client.close()
        assert await end.ended() == "reset"
        await house.idle()
        assert house.backends[0].counts.errors == 0


async def test_a_client_that_stops_sending_and_reading_is_not_the_backends_fault() -> None:
    """The client is taken for gone while its answer waits to be read; then it reads on."""
    size = 30_000_000
    async with origin() as backend, running(backend) as house:
        client = await house.client(window=4096)
        await client.send(get())
        end = await backend.accept()
        await end.request()
        await end.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        with trio.move_on_after(0.3):
            await end.sock.send(b"x" * size)
        client.half_close()
        assert await end.ended() == "reset"
        answer = await client.answer()
        assert not answer.whole
        assert client.end == "reset"
        await house.idle()
        assert house.backends[0].counts.errors == 0
        assert house.backends[0].failures == 0


async def test_garbage_from_the_backend_while_the_uploading_client_leaves_is_no_bug_of_ours() -> (
    None
):
    async with origin() as backend, running(backend) as house:
        for number in range(20):
            client = await house.client()
            await client.send(get("/", "Content-Length: 100", method="PATCH") + b"some")
            end = await backend.accept()
            await end.until(b"some")
            client.reset()  # both happen between two steps of rpx's
            if number % 2:
                await trio.lowlevel.checkpoint()
            await end.send(b"garbage")
            await house.idle()
            house.up(house.backends[0])


async def test_a_client_and_a_backend_that_are_both_wrong_cause_one_answer() -> None:
    async with origin() as backend, running(backend) as house:
        for number in range(8):
            client = await house.client()
            await client.send(get("/", "Transfer-Encoding: chunked", method="PATCH"))
            end = await backend.accept()
            await end.until(b"\r\n\r\n")
            first, second = (client, end) if number % 2 else (end, client)
            await first.send(b"garbage\r\n")
            if number % 4 < 2:
                await trio.lowlevel.checkpoint()
            await second.send(b"garbage\r\n")
            assert (await client.answer()).status in {400, 502}
            assert await client.ended() == "closed"
            house.up(house.backends[0])


async def test_many_clients_that_leave_at_any_moment_leave_nothing_open() -> None:
    chance = random.Random(7)
    body = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000
    scripts = [answers(OK), never, answers(body), answers(STREAM)]
    requests = [get(), get() * 3, get("/", "Content-Length: 99", method="PATCH") + b"some", b"GET"]
    before = psutil.Process().num_fds()

    async def visit(house: House) -> None:
        client = await house.client()
        request = chance.choice(requests)
        await client.send(request[: chance.randint(1, len(request))])
        if chance.random() < 0.5:
            with trio.move_on_after(chance.random() / 50):
                await client.more(1000)
        chance.choice([client.close, client.reset])()

    async with (
        origin(*(chance.choice(scripts) for _ in range(300))) as backend,
        running(backend) as house,
    ):
        for _ in range(10):
            async with trio.open_nursery() as nursery:
                for _ in range(30):
                    nursery.start_soon(visit, house)
        await house.idle()
        assert house.backends[0].in_rotation
        client = await house.client()
        await client.send(get("/", "Host: none", method="GET"))
        assert (await client.answer()).status == 400
    await until(lambda: psutil.Process().num_fds() <= before, "descriptors were left open")
