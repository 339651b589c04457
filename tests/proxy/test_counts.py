"""What is counted: each request once, where it ended; bytes as they went; time with a meaning."""

from __future__ import annotations

import pytest
import trio

from rpx.hub.counts import Counts
from rpx.model.own_settings import Limits
from rpx.policy.lifecycle import Move
from rpx.proxy import download, splice
from tests.proxy.house import get, put, running, until
from tests.support.bench import process_of
from tests.support.origin import OK, answers, closes, origin, refusing, says
from tests.support.raw import Raw

NOT_HERE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
BROKEN = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
NONSENSE = b"nonsense\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Fine\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
UPGRADE = get("/", "Upgrade: foo", "Connection: upgrade")
LARGE = 300_000


def told(counts: Counts) -> tuple[dict[int, int], int]:
    """Status → answers, and errors."""
    return counts.codes, counts.errors


async def ask(client: Raw, request: bytes = get()) -> int:
    await client.send(request)
    return (await client.answer()).status


async def test_each_answer_counts_with_its_status_where_it_came_from() -> None:
    async with (
        origin(answers(OK, NOT_HERE, BROKEN)) as one,
        origin(answers(OK)) as two,
        running(one, two) as house,
    ):
        client = await house.client()
        assert [await ask(client) for _ in range(6)] == [200, 200, 404, 200, 500, 200]
        first, second = (backend.counts for backend in house.backends)
        assert told(first) == ({200: 1, 404: 1, 500: 1}, 1)
        assert told(second) == ({200: 3}, 0)
        assert not house.pool.counts


async def test_a_request_that_another_backend_answers_is_a_retry_there_and_an_error_here() -> None:
    with refusing() as port:
        async with origin(answers(OK)) as backend, running(port, backend) as house:
            assert await ask(await house.client()) == 200
            dead, alive = (backend.counts for backend in house.backends)
            assert told(dead) == ({}, 1)
            assert (told(alive), alive.retries) == (({200: 1}, 0), 1)


async def test_what_nobody_could_answer_counts_as_an_answer_of_rpx() -> None:
    with refusing() as port:
        async with running(port) as house:
            assert await ask(await house.client()) == 502
            assert told(house.backends[0].counts) == ({}, 1)
            assert told(house.pool.counts) == ({502: 1}, 1)
            assert house.registry.stats()["api.localhost"]["rpx"]["statuses"]["5xx"] == 1


async def test_an_answer_that_cannot_be_sent_on_counts_as_what_the_client_gets() -> None:
    async with origin(answers(NONSENSE)) as backend, running(backend) as house:
        assert await ask(await house.client()) == 502
        assert told(house.backends[0].counts) == ({502: 1}, 1)
        assert not house.pool.counts


@pytest.mark.parametrize("body", [b"Content-Length: 9", b"Transfer-Encoding: chunked"])
async def test_a_request_that_is_refused_within_its_body_counts_with_its_host(body: bytes) -> None:
    limits = Limits(body=8)
    async with origin() as backend, running(backend, limits=limits) as house:
        client = await house.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: api.localhost\r\n" + body + b"\r\n\r\n9\r\n")
        await client.send(b"123456789\r\n0\r\n\r\n")
        assert (await client.answer()).status == 413
        assert told(house.pool.counts) == ({413: 1}, 0)
        assert not house.registry.unrouted


@pytest.mark.parametrize(
    ("request_", "status"),
    [(b"GET / HTTP/1.1\r\nHost: nobody\r\n\r\n", 404), (b"GET / HTTP/1.1\r\n\r\n", 400)],
)
async def test_what_belongs_to_no_host_is_counted_apart(request_: bytes, status: int) -> None:
    async with origin() as backend, running(backend) as house:
        assert await ask(await house.client(), request_) == status
        assert house.registry.unrouted.codes == {status: 1}
        assert not house.pool.counts


async def test_a_request_that_had_to_wait_counts_as_held_where_it_was_answered() -> None:
    async with origin(answers(OK)) as backend, running(backend, ours=True, up=False) as house:
        house.registry.move(process_of(house.backends[0]), Move.LAUNCH)
        client = await house.client()
        await client.send(get())
        await until(lambda: house.pool.waiting, "nobody waits")
        assert house.registry.stats()["api.localhost"]["rpx"]["inFlight"] == 1
        house.registry.judge(house.backends[0], Move.PROBE_UP)
        assert (await client.answer()).status == 200
        await ask(client)
        assert house.backends[0].counts.held == 1
        assert list(house.registry.stats()["api.localhost"]) == [
            str(house.backends[0].spec.address)
        ]


async def test_a_request_that_waited_in_vain_is_held_too() -> None:
    async with (
        origin() as backend,
        running(backend, ours=True, up=False, hold=0.05) as house,
    ):
        house.registry.move(process_of(house.backends[0]), Move.LAUNCH)
        assert await ask(await house.client()) == 503
        counts = house.pool.counts
        assert (told(counts), counts.held) == (({503: 1}, 1), 1)
        assert counts.latency.total >= 0.05


async def test_a_client_that_leaves_before_its_answer_is_counted_as_gone() -> None:
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        end = await backend.accept()
        await end.request()
        client.reset()
        await end.ended()
        await house.idle()
        counts = house.backends[0].counts
        assert (told(counts), counts.abandoned) == (({}, 0), 1)


async def test_a_dying_backend_leaves_every_request_counted_once() -> None:
    async with origin(closes) as one, origin(answers(OK)) as two, running(one, two) as house:
        client = await house.client()
        statuses = [await ask(client) for _ in range(8)]
        assert statuses == [200] * 8
        first, second = (backend.counts for backend in house.backends)
        assert (first.requests, second.requests) == (0, 8)
        assert first.errors == second.retries == 3  # then it was out


async def test_bytes_are_those_that_went_to_the_backend_and_came_from_it() -> None:
    async with origin(answers(says("hello"))) as backend, running(backend) as house:
        client = await house.client()
        await client.send(put(b"x" * LARGE) + b"x" * LARGE)
        await client.answer()
        await ask(client)
        traffic = house.backends[0].counts.traffic
        assert traffic.sent == sum(map(len, backend.requests))
        assert traffic.received == 2 * len(says("hello"))


@pytest.mark.parametrize("available", [True, False])
async def test_bytes_of_a_large_answer_are_counted_in_the_kernel_too(
    available: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "AVAILABLE", available and splice.AVAILABLE)
    async with origin(answers(says("x" * LARGE))) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        assert len((await client.answer()).body) == LARGE
        assert house.backends[0].counts.traffic.received == len(says("x" * LARGE))


@pytest.mark.parametrize(("answer", "status"), [(SWITCH, 101), (STREAM, 200)])
async def test_what_lasts_counts_once_it_has_begun_and_its_length_is_no_latency(
    answer: bytes, status: int
) -> None:
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await client.send(UPGRADE)
        end = await backend.accept()
        await end.request()
        await end.send(answer)
        await client.until(b"\r\n\r\n")
        counts = house.backends[0].counts
        assert told(counts) == ({status: 1}, 0)
        took = counts.latency.total
        await end.send(b"data: 1\n\n")
        assert b"data: 1" in await client.until(b"\n\n")
        assert counts.traffic.received >= len(answer) + 9  # while it still lasts
        await trio.sleep(0.05)  # longer than it took to begin
        client.close()
        await house.idle()
        assert (counts.requests, counts.latency.total) == (1, took)
