"""What follows when a connection to a backend that was used before has died in the meantime."""

from __future__ import annotations

import pytest

from rpx.model.own_settings import Timeouts
from rpx.model.status import Note
from rpx.proxy.upstream import RETICENT
from tests.proxy.house import get, post, put, running, until
from tests.support.origin import OK, Script, answers, once, origin, says
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
        house.out(house.backends[1])
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


@pytest.mark.parametrize(
    "request_", [post(), post(body=""), get(method="PATCH"), get(method="PROPFIND"), put(b"")]
)
async def test_what_cannot_be_sent_twice_has_a_connection_of_its_own(request_: bytes) -> None:
    async with origin(dies_on_the_second_request) as backend, running(backend) as house:
        client = await house.client()
        for request in (get(), request_, request_, get()):
            await client.send(request)
            assert (await client.answer()).body == b"ok"
        assert house.backends[0].counts.errors == 0


def unread(
    answer: bytes, behind: bytes = b"HTTP/1.1 400 Oh\r\nContent-Length: 0\r\n\r\n"
) -> Script:
    """Answer without reading the body, and take that for the next request."""

    async def script(raw: Raw) -> None:
        await raw.until(b"\r\n\r\n")
        await raw.send(answer)
        if await raw.more():
            await raw.send(behind)

    return script


@pytest.mark.parametrize(
    "answer", [OK, b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno"], ids=["200", "401"]
)
@pytest.mark.parametrize(
    "request_",
    [
        post(),
        put(b"hello") + b"hello",
        get(body="hello"),
        get("/", "Transfer-Encoding: chunked", method="DELETE") + b"2\r\nab\r\n0\r\n\r\n",
    ],
    ids=["POST", "PUT", "GET", "chunked"],
)
async def test_a_body_that_nobody_reads_is_not_taken_for_the_next_request(
    request_: bytes, answer: bytes
) -> None:
    async with origin(unread(answer), answers(OK)) as backend, running(backend) as house:
        client, other = await house.client(), await house.client()
        await client.send(request_)
        assert (await client.answer()).status == int(answer[9:12])
        await other.send(get())
        assert (await other.answer()).status == 200
        assert not await backend.visits[0].more()


def late(head: bytes, body: bytes) -> Script:
    """Send a body behind an answer that has none, when the next request comes at the latest."""

    async def script(raw: Raw) -> None:
        await raw.request()
        await raw.send(head)
        if await raw.request() is not None:
            await raw.send(body + OK)

    return script


@pytest.mark.parametrize("body", [b"hello\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
@pytest.mark.parametrize("length", [b"Content-Length: 40", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", b"200"), ("GET", b"204"), ("DELETE", b"204"), ("GET", b"304")]
)
async def test_a_body_behind_an_answer_that_has_none_reaches_nobody(
    method: str, status: bytes, length: bytes, body: bytes
) -> None:
    head = b"HTTP/1.1 %b X\r\n%b\r\n\r\n" % (status, length)
    async with origin(late(head, body), answers(OK)) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get(method=method))
        assert (await client.answer(method)).status == int(status)
        await client.send(get())
        assert (await client.answer()).body == b"ok"


@pytest.mark.parametrize(
    "said",
    [
        b"hello\n" + OK,
        b"HT",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 408 Late\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 400 Oh\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 501 Oh\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_what_makes_no_sense_on_a_connection_that_rested_is_asked_again_on_a_new_one(
    said: bytes,
) -> None:
    async def one_answer(raw: Raw) -> None:
        await raw.request()
        await raw.send(OK)
        await raw.request()
        await raw.send(said)
        raw.close()

    async with origin(one_answer, answers(says("again"))) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        await client.answer()
        await client.send(get())
        assert (await client.answer()).body == b"again"
        assert house.backends[0].counts.errors == 0


async def test_a_backend_that_always_closes_without_saying_so_is_told_of_once() -> None:
    async with origin(once()) as backend, running(backend) as house:
        client = await house.client()
        with house.registry.events.subscribe(100) as news:
            for number in range(8):
                await client.send(get())
                assert (await client.answer()).body == b"ok"
                await until(lambda n=number: backend.visits[n].sock.fileno() < 0, "it is open")  # type: ignore[misc]
            [note] = [each for each in news.take() if isinstance(each, Note)]
        assert note.text == RETICENT
        assert not any(house.backends[0].seats.idle.values())


@pytest.mark.parametrize("rests", [0.0, 3.0])
async def test_who_is_to_rest_for_no_time_is_closed_at_once(rests: float) -> None:
    keeps = b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=%d\r\nContent-Length: 2\r\n\r\nok"
    answer = keeps % (1 if rests else 60)
    limits = Timeouts(upstream_idle=rests)
    async with origin(answers(answer)) as backend, running(backend, timeouts=limits) as house:
        client = await house.client()
        await client.send(get())
        await client.answer()
        assert not await backend.visits[0].more()


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
