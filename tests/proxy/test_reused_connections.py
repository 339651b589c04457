"""What follows when a connection to a backend that was used before has died in the meantime."""

from __future__ import annotations

import pytest

from tests.proxy.house import get, post, put, running, until
from tests.support.origin import (
    OK,
    answers,
    once,
    origin,
    says,
)
from tests.support.raw import Raw

BODY = bytes(range(256)) * 160  # 40 KB: small enough to be kept for another try


async def dies_on_the_second_request(raw: Raw) -> None:
    await raw.request()
    await raw.send(OK)
    await raw.request()
    raw.close()


async def test_a_get_on_a_connection_that_dies_is_sent_again_to_the_same_backend() -> None:
    async with (
        origin(dies_on_the_second_request, answers(says("again"))) as one,
        origin(answers(OK)) as two,
        running(one, two) as house,
    ):
        house.registry.exited(house.backends[1])
        client = await house.client()
        await client.send(get("/1"))
        await client.answer()
        await client.send(get("/2"))
        assert (await client.answer()).body == b"again"
        assert len(one.requests) == 3
        assert not two.requests
        assert house.backends[0].counts.errors == 0
        assert house.backends[0].in_rotation


async def test_a_put_that_is_sent_again_has_its_whole_body() -> None:
    async with (
        origin(dies_on_the_second_request, answers(says("again"))) as backend,
        running(backend) as house,
    ):
        client = await house.client()
        await client.send(get())
        await client.answer()
        await client.send(put(BODY))
        await client.send(BODY, 7000)
        assert (await client.answer()).body == b"again"
        assert backend.requests[-1].endswith(b"\r\n\r\n" + BODY)


async def test_a_post_on_a_connection_that_dies_is_not_sent_again() -> None:
    async with (
        origin(dies_on_the_second_request, answers(OK)) as backend,
        running(backend) as house,
    ):
        client = await house.client()
        await client.send(get())
        await client.answer()
        await client.send(post())
        assert (await client.answer()).status == 502
        assert len(backend.requests) == 2
        await house.idle()
        assert house.backends[0].counts.errors == 1


@pytest.mark.parametrize("request_", [get(), post()])
async def test_a_connection_that_was_reset_while_it_was_idle_is_noticed_by_nobody(
    request_: bytes,
) -> None:
    async def answers_and_resets(raw: Raw) -> None:
        await raw.request()
        await raw.send(OK)
        raw.reset()

    async with (
        origin(answers_and_resets, answers(OK)) as backend,
        running(backend) as house,
    ):
        client = await house.client()
        await client.send(get())
        await client.answer()
        await until(lambda: backend.visits[0].sock.fileno() < 0, "the backend has not reset")
        await client.send(request_)
        assert (await client.answer()).body == b"ok"
        assert house.backends[0].counts.errors == 0


async def test_a_post_does_not_use_a_connection_that_the_backend_has_closed() -> None:
    async with origin(once(), answers(OK)) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        await client.answer()
        await until(lambda: backend.visits[0].sock.fileno() < 0, "the backend has not closed")
        await client.send(post())
        assert (await client.answer()).body == b"ok"
        assert len(backend.requests) == 2
        assert house.backends[0].counts.errors == 0
