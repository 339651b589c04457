"""Clients that wait to be told before they send a body: by the backend, or else by rpx."""

from __future__ import annotations

import pytest
import trio

from rpx.proxy import answer
from tests.proxy.h2_client import client
from tests.proxy.house import get, running
from tests.support.origin import OK, origin
from tests.support.raw import Raw

FIELDS = ("Expect: 100-continue", "Content-Length: 5")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
UPLOAD = get("/", *FIELDS)
CHUNKED = get("/", FIELDS[0], "Transfer-Encoding: chunked")


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend gets a moment only."""
    monkeypatch.setattr(answer, "EXPECTED", 0.05)


async def waits(end: Raw) -> None:
    """Say nothing, and answer the whole request."""
    assert (await end.request() or b"").endswith(b"hello")
    await end.send(OK)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("head", [UPLOAD, CHUNKED])
async def test_a_client_is_told_to_go_on_where_its_backend_says_nothing(head: bytes) -> None:
    body = b"hello" if head is UPLOAD else b"5\r\nhello\r\n0\r\n\r\n"
    async with origin() as backend, running(backend) as house:
        peer = await house.client()
        await peer.send(head)
        end = await backend.accept()
        assert b"\r\nExpect: 100-continue\r\n" in await end.until(b"\r\n\r\n")
        assert await peer.until(b"\r\n\r\n") == CONTINUE
        await peer.send(body)
        await end.take(5)
        await end.send(OK)
        assert (await peer.answer()).body == b"ok"


@pytest.mark.usefixtures("soon")
async def test_so_is_one_that_speaks_http2() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        fields = (("expect", "100-continue"), ("content-length", "5"))
        number = await peer.ask("/", *fields, method="POST", end=False)
        end = await backend.accept()
        await end.until(b"\r\n\r\n")
        await peer.until(lambda: peer.streams[number].interim)
        peer.h2.send_data(number, b"hello", end_stream=True)
        await peer.flush()
        assert await end.take(5) == b"hello"
        await end.send(CONTINUE + OK)
        got = await peer.answer(number)
        assert (got.status, [each[b":status"] for each in got.interim]) == (200, [b"100"])


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("late", [b"", b"5 bytes before it"])
async def test_what_the_backend_says_later_is_not_said_twice(late: bytes) -> None:
    async with origin() as backend, running(backend) as house:
        peer = await house.client()
        await peer.send(UPLOAD)
        end = await backend.accept()
        await end.until(b"\r\n\r\n")
        assert await peer.until(b"\r\n\r\n") == CONTINUE
        if late:
            await peer.send(b"hello")
            await end.take(5)
        await end.send(CONTINUE)
        if not late:
            await peer.send(b"hello")
            await end.take(5)
        await end.send(OK)
        assert (await peer.answer()).status == 200


async def test_the_100_of_a_backend_is_passed_on_once_and_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answer, "EXPECTED", 0.2)
    async with origin() as backend, running(backend) as house:
        peer = await house.client()
        await peer.send(UPLOAD)
        end = await backend.accept()
        await end.until(b"\r\n\r\n")
        await end.send(CONTINUE)
        assert await peer.until(b"\r\n\r\n") == CONTINUE
        await trio.sleep(0.3)  # rpx would have said it by now
        await end.send(CONTINUE)
        await peer.send(b"hello")
        await end.take(5)
        await end.send(OK)
        assert (await peer.answer()).status == 200


@pytest.mark.usefixtures("soon")
async def test_a_client_that_has_begun_to_send_is_told_nothing() -> None:
    async with origin(waits) as backend, running(backend) as house:
        peer = await house.client()
        await peer.send(UPLOAD + b"hell")
        await trio.sleep(0.15)
        await peer.send(b"o")
        assert (await peer.answer()).status == 200


@pytest.mark.usefixtures("soon")
async def test_nothing_is_said_behind_the_final_answer() -> None:
    async with origin() as backend, running(backend) as house:
        peer = await house.client()
        await peer.send(UPLOAD)
        end = await backend.accept()
        await end.until(b"\r\n\r\n")
        await end.send(b"HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\n")
        assert (await peer.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 417 ")
        await trio.sleep(0.15)
        await end.send(b"no")
        assert await peer.take(2) == b"no"


@pytest.mark.usefixtures("soon")
async def test_an_early_hint_does_not_stand_for_it() -> None:
    async with origin() as backend, running(backend) as house:
        peer = await house.client()
        await peer.send(UPLOAD)
        end = await backend.accept()
        await end.until(b"\r\n\r\n")
        await end.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        assert (await peer.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 103 ")
        assert await peer.until(b"\r\n\r\n") == CONTINUE
        await peer.send(b"hello")
        await end.take(5)
        await end.send(OK)
        assert (await peer.answer()).status == 200
