"""What follows when a backend does not answer: another try, or the truth."""

from __future__ import annotations

import errno

import pytest

from rpx.policy.lifecycle import Move
from rpx.proxy import dial, reactor, sockets
from tests.proxy.house import get, post, put, running, until
from tests.support.bench import process_of
from tests.support.origin import (
    OK,
    answers,
    closes,
    once,
    origin,
    refusing,
    resets,
)
from tests.support.raw import SOON, Raw

BODY = bytes(range(256)) * 160  # 40 KB: small enough to be kept for another try
LARGE = bytes(range(256)) * 2000  # 512 KB: too large


# ---- refused


@pytest.mark.parametrize("request_", [get(), post(), get(method="DELETE")])
async def test_a_refused_request_goes_to_the_next_backend_whatever_its_method(
    request_: bytes,
) -> None:
    with refusing() as port:
        async with origin(answers(OK)) as backend, running(port, backend) as house:
            client = await house.client()
            await client.send(request_)
            assert (await client.answer()).body == b"ok"
            dead = house.backends[0]
            assert not dead.in_rotation
            assert dead.suspected.is_set()
            assert (dead.counts.requests, dead.counts.errors, dead.last_error) == (
                0,
                1,
                "connection refused",
            )


@pytest.mark.parametrize("piece", [0, 50_000])
async def test_after_a_refusal_the_next_backend_gets_the_whole_body(piece: int) -> None:
    with refusing() as port:
        async with origin(answers(OK)) as backend, running(port, backend) as house:
            client = await house.client()
            await client.send(put(LARGE, "POST"))
            await client.send(LARGE, piece)
            assert (await client.answer()).body == b"ok"
            assert backend.requests[0].endswith(b"\r\n\r\n" + LARGE)


async def test_when_all_refuse_each_is_tried_once_and_the_answer_is_502() -> None:
    with refusing() as one, refusing() as two:
        async with running(one, two) as house:
            client = await house.client()
            await client.send(get())
            assert (await client.answer()).status == 502
            assert [b.counts.errors for b in house.backends] == [1, 1]


# ---- a fresh connection


@pytest.mark.parametrize("script", [closes, resets])
async def test_a_get_that_nobody_answers_goes_to_the_next_backend(script: object) -> None:
    async with (
        origin(script) as one,  # type: ignore[arg-type]
        origin(answers(OK)) as two,
        running(one, two) as house,
    ):
        client = await house.client()
        await client.send(get())
        assert (await client.answer()).body == b"ok"
        assert len(one.requests) == len(two.requests) == 1
        assert (house.backends[0].counts.errors, house.backends[0].failures) == (1, 1)


async def test_a_put_goes_to_the_next_backend_with_all_of_its_body() -> None:
    async def dies_within_the_body(raw: Raw) -> None:
        await raw.take(20_000)
        raw.reset()

    async with (
        origin(dies_within_the_body) as one,
        origin(answers(OK)) as two,
        running(one, two) as house,
    ):
        client = await house.client()
        await client.send(put(BODY))
        await client.send(BODY, 5000)
        assert (await client.answer()).body == b"ok"
        assert two.requests[0].endswith(b"\r\n\r\n" + BODY)


async def test_a_put_whose_body_is_too_large_to_be_kept_is_not_sent_again() -> None:
    async def dies_within_the_body(raw: Raw) -> None:
        await raw.take(len(LARGE) // 2)
        raw.reset()

    async with (
        origin(dies_within_the_body) as one,
        origin(answers(OK)) as two,
        running(one, two) as house,
    ):
        client = await house.client()
        await client.send(put(LARGE))
        await client.send(LARGE, 30_000)
        assert (await client.answer()).status == 502
        assert not two.visits


async def test_a_post_that_was_sent_is_sent_to_nobody_else() -> None:
    async with (
        origin(closes) as one,
        origin(answers(OK)) as two,
        running(one, two) as house,
    ):
        client = await house.client()
        await client.send(post())
        assert (await client.answer()).status == 502
        assert len(one.requests) == 1
        assert not two.visits


async def test_when_nobody_answers_each_is_tried_once() -> None:
    async with origin(closes) as one, origin(resets) as two, running(one, two) as house:
        client = await house.client()
        await client.send(get())
        assert (await client.answer()).status == 502
        assert len(one.requests) == len(two.requests) == 1


# ---- after the first byte


@pytest.mark.parametrize("start", [b"H", b"HTTP/1.1 200 OK\r\nContent-Len"])
async def test_nothing_is_sent_again_after_the_first_byte_of_an_answer(start: bytes) -> None:
    async with (
        origin(once(start)) as one,
        origin(answers(OK)) as two,
        running(one, two) as house,
    ):
        client = await house.client()
        await client.send(get())
        assert (await client.answer()).status == 502
        assert not two.visits


async def test_nothing_is_sent_again_after_the_head_of_an_answer() -> None:
    async with (
        origin(once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")) as one,
        origin(answers(OK)) as two,
        running(one, two) as house,
    ):
        client = await house.client()
        await client.send(get())
        assert not (await client.answer()).whole
        assert not two.visits


async def test_three_answers_in_a_row_that_break_off_take_a_backend_out() -> None:
    async with (
        origin(once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")) as backend,
        running(backend) as house,
    ):
        for failures in (1, 2, 3):
            assert house.backends[0].in_rotation
            client = await house.client()
            await client.send(get())
            assert not (await client.answer()).whole
            await house.idle()
            assert house.backends[0].failures == failures
        assert not house.backends[0].in_rotation
        assert (house.backends[0].counts.requests, house.backends[0].counts.errors) == (3, 3)


async def test_a_whole_answer_ends_the_row() -> None:
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"
    async with origin(once(broken), once(broken), once()) as backend, running(backend) as house:
        for _ in range(3):
            client = await house.client()
            await client.send(get())
            await client.answer()
        await house.idle()
        assert house.backends[0].failures == 0


async def test_a_request_that_kills_backends_kills_each_twice_at_most() -> None:
    async with (
        origin(*[closes] * 9) as one,
        origin(*[closes] * 9) as two,
        running(one, two, ours=True) as house,
    ):
        client = await house.client()
        await client.send(get())
        for visits in (1, 2):
            for place, backend in zip((one, two), house.backends, strict=True):
                await until(lambda p=place, v=visits: len(p.visits) == v, "not asked")  # type: ignore[misc]
                house.registry.move(process_of(backend), Move.CRASHED)
                house.up(backend)
        assert (await client.answer()).status == 502
        assert (len(one.requests), len(two.requests)) == (2, 2)


async def test_a_lone_backend_gets_one_second_life() -> None:
    async with origin(closes, answers(OK)) as one, running(one, ours=True) as house:
        client = await house.client()
        await client.send(get())
        await until(lambda: one.visits, "it is not asked")
        house.registry.move(process_of(house.backends[0]), Move.CRASHED)
        house.up(house.backends[0])
        assert (await client.answer()).body == b"ok"


async def test_a_post_whose_backend_broke_off_is_told_that_it_is_not_sent_twice() -> None:
    async with origin(closes) as one, origin(answers(OK)) as two, running(one, two) as house:
        client = await house.client()
        await client.send(post())
        answer = await client.answer()
        assert answer.status == 502
        assert b"A POST is not sent twice" in answer.body
        assert not two.visits


async def test_a_chunked_body_that_came_in_one_piece_with_its_head_arrives_whole() -> None:
    size = sockets.READ_SIZE - 7  # framed anew it is longer than what is kept for another try
    head = b"POST / HTTP/1.1\r\nHost: api.localhost\r\nTransfer-Encoding: chunked\r\n\r"
    async with origin(answers(OK)) as backend, running(backend) as house:
        client = await house.client()
        await client.send(head)
        sweeper = house.shared.sweeper

        def has_begun() -> bool:  # the limit for a head is shorter than that for idling
            return any(c.wire.deadline < sweeper.now + 20 for c in sweeper.connections)

        await until(has_begun, "it is not read")
        await client.send(b"\nFFFF\r\n" + b"y" * size)
        await client.send(b"y" * (0xFFFF - size) + b"\r\n0\r\n\r\n")
        assert (await client.answer()).status == 200
        [request] = backend.requests
        assert request.count(b"y") == 0xFFFF


async def test_without_file_descriptors_no_backend_is_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none_left(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    async with origin(answers(OK)) as backend, running(backend) as house:
        client = await house.client()
        with monkeypatch.context() as patch:
            patch.setattr(dial, "call", none_left)
            await client.send(get())
            answer = await client.answer()
        assert answer.status == 503
        assert b"ulimit" in answer.body
        assert house.backends[0].in_rotation
        assert house.backends[0].counts.errors == 0


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


@pytest.mark.parametrize("head", [HEAD, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"])
async def test_a_backend_that_dies_between_head_and_body_has_not_answered_yet(
    head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactor, "MOMENT", SOON)  # it dies in time, also on a busy machine
    async with origin(once(head)) as one, origin(answers(OK)) as two, running(one, two) as house:
        client = await house.client()
        await client.send(get())
        assert (await client.answer()).body == b"ok"
        assert len(one.visits) == 1


async def test_a_head_whose_body_takes_its_time_goes_on_alone() -> None:
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        end = await backend.accept()
        await end.request()
        await end.send(HEAD)
        assert b"200 OK" in await client.until(b"\r\n\r\n")
        await end.send(b"ok")
        assert await client.take(2) == b"ok"
