"""Requests that a backend has not taken whole: nothing of them may get mixed up with others."""

from __future__ import annotations

import socket

import pytest

from rpx.http.framing import BodyReader
from rpx.hub.request_ring import Record
from rpx.proxy import dial, upload
from rpx.proxy.dial import Place, call
from rpx.proxy.upload import Upload
from tests.proxy.house import get, put, running, until
from tests.support.origin import OK, answers, never, origin

BODY = b"x" * 60_000


def narrow(place: Place) -> tuple[socket.socket, bool]:
    sock, done = call(place)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return sock, done


async def test_a_connection_on_which_a_body_is_still_to_be_sent_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Seen(Upload):
        def __init__(
            self,
            length: int,
            at_hand: bytes,
            reader: BodyReader | None,
            *,
            pause: float,
            most: int | None,
            record: Record,
        ) -> None:
            super().__init__(length, at_hand, reader, pause=pause, most=most, record=record)
            uploads.append(self)

    uploads: list[Upload] = []
    monkeypatch.setattr(dial, "call", narrow)
    monkeypatch.setattr(upload, "Upload", Seen)
    async with origin(window=4096) as backend, running(backend) as house:
        client = await house.client()
        await client.send(put(BODY))
        end = await backend.accept()
        await end.until(b"\r\n\r\n")
        await client.send(BODY)  # all of it is read, but the backend does not take it
        await until(lambda: uploads[0].done, "the body has not been read")
        await end.send(OK)
        assert (await client.answer()).status == 200
        await client.send(get("/next"))
        second = await backend.accept()
        request = await second.request()
        assert request is not None
        assert request.startswith(b"GET /next ")
        await second.send(OK)
        assert (await client.answer()).body == b"ok"


async def test_a_client_that_has_gone_is_not_taken_to_another_backend() -> None:
    async with origin(never) as one, origin(answers(OK)) as two, running(one, two) as house:
        client = await house.client()
        await client.send(get())
        await until(lambda: one.requests, "the request has not come")
        client.close()
        await house.idle()
        assert not two.visits
        assert house.backends[0].counts.errors == 0


async def test_nor_is_one_that_leaves_while_its_request_is_being_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dial, "call", narrow)
    async with (
        origin(window=4096) as one,
        origin(answers(OK)) as two,
        running(one, two) as house,
    ):
        client = await house.client()
        await client.send(put(BODY) + BODY)
        await one.accept()
        client.close()
        await house.idle()
        assert not two.visits
        assert house.backends[0].counts.errors == 0
