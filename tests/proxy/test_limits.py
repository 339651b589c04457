"""`timeouts` and `limits`: what is refused, and that nothing else is."""

from __future__ import annotations

from functools import partial

import pytest

from rpx.http.limits import DEFAULT
from rpx.model.own_settings import Limits, Timeouts
from tests.proxy.house import get, put, running, until
from tests.support.origin import OK, answers, never, origin


@pytest.mark.parametrize(
    ("limits", "request_", "status"),
    [
        (Limits(target=20), get("/" + "a" * 20), 414),
        (Limits(head=200), get("/", "X: " + "a" * 200), 431),
        (Limits(head_lines=3), get("/", "A: 1", "B: 2", "C: 3"), 431),
    ],
)
async def test_a_head_beyond_a_limit_that_was_set_never_reaches_a_backend(
    limits: Limits, request_: bytes, status: int
) -> None:
    async with origin(answers(OK)) as backend, running(backend, limits=limits) as house:
        client = await house.client()
        await client.send(request_)
        assert (await client.answer()).status == status
        assert await client.ended() == "closed"
        assert backend.visits == []
        other = await house.client()
        await other.send(get("/ok", "A: 1"))
        assert (await other.answer()).status == 200


def test_the_parsers_take_by_themselves_what_the_configuration_does() -> None:
    limits = Limits()
    assert (DEFAULT.head, DEFAULT.lines) == (limits.head, limits.head_lines)
    assert DEFAULT.target == limits.target


@pytest.mark.parametrize(("size", "lines"), [(70_000, 1), (10, 1001)])
async def test_the_limits_of_a_head_hold_for_answers_too(size: int, lines: int) -> None:
    large = b"HTTP/1.1 200 OK\r\n" + (b"X: %b\r\n" % (b"a" * size)) * lines + b"\r\n"
    async with origin(answers(large)) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        assert (await client.answer()).status == 502


async def test_a_body_that_is_known_to_be_too_large_never_reaches_a_backend() -> None:
    async with origin(answers(OK)) as backend, running(backend, limits=Limits(body=10)) as house:
        client = await house.client()
        await client.send(put(b"x" * 11))
        answer = await client.answer()
        assert answer.status == 413
        assert b"limits.body" in answer.body
        assert await client.ended() == "closed"
        assert backend.visits == []
        other = await house.client()
        await other.send(put(b"x" * 10) + b"x" * 10)
        assert (await other.answer()).status == 200


async def test_a_chunked_body_ends_at_the_limit_and_never_looks_complete() -> None:
    async with origin(never) as backend, running(backend, limits=Limits(body=10)) as house:
        client = await house.client()
        await client.send(
            b"PUT / HTTP/1.1\r\nHost: api.localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"8\r\n12345678\r\n"
        )
        await until(lambda: house.backends[0].in_flight, "nothing comes")
        await client.send(b"3\r\nabc\r\n")
        assert (await client.answer()).status == 413
        assert await client.ended() == "closed"
        assert not any(b"\r\n0\r\n" in bytes(visit.buffer) for visit in backend.visits)


async def test_a_connection_too_many_is_told_so_and_the_others_are_served() -> None:
    limits = Limits(connections=2)
    async with origin(answers(OK)) as backend, running(backend, limits=limits) as house:
        first, second = await house.client(), await house.client()
        for client in (first, second):
            await client.send(get())
            assert (await client.answer()).status == 200
        third = await house.client()
        await third.send(get())
        answer = await third.answer()
        assert answer.status == 503
        assert answer.field("retry-after") == "1"
        assert await third.ended() == "closed"
        await first.send(get())
        assert (await first.answer()).status == 200


async def test_a_backend_that_has_enough_to_do_is_passed_over_and_none_is_blamed() -> None:
    limits = Limits(requests_per_backend=1)
    async with (
        origin(never) as busy,
        origin(never) as other,
        running(busy, other, limits=limits) as house,
    ):
        clients = [await house.client() for _ in range(3)]
        for client, backend in zip(clients, house.backends, strict=False):
            await client.send(get())
            await until(partial(getattr, backend, "in_flight"), "it has not come")
        await clients[2].send(get(method="POST"))
        answer = await clients[2].answer()
        assert answer.status == 503
        assert answer.field("retry-after") == "1"
        assert [b.counts.errors for b in house.backends] == [0, 0]
        assert all(b.in_rotation for b in house.backends)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_that_does_not_begin_in_time_is_a_504_and_is_asked_for_once(
    method: str,
) -> None:
    timeouts = Timeouts(answer=0.1)
    async with (
        origin(never) as slow,
        origin(answers(OK)) as other,
        running(slow, other, timeouts=timeouts) as house,
    ):
        client = await house.client()
        await client.send(get(method=method))
        answer = await client.answer()
        assert answer.status == 504
        page = answer.body.decode()
        assert f"api:{slow.port} was asked, and has not answered in time." in page
        assert "hint: `timeouts: {answer: …}` in rpx.yaml" in page
        assert other.visits == []
        assert house.backends[0].counts.errors == 1


async def test_an_answer_that_has_begun_may_take_its_time() -> None:
    timeouts = Timeouts(answer=0.1)
    async with origin() as backend, running(backend, timeouts=timeouts) as house:
        client = await house.client()
        await client.send(get())
        end = await backend.accept()
        await end.request()
        await end.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        now = house.shared.sweeper.now
        await until(lambda: house.shared.sweeper.now > now + 0.3, "nobody looks")
        await end.send(b"ok")
        assert (await client.answer()).body == b"ok"
