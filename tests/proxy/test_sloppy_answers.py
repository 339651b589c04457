"""Answers that are written carelessly: their clients get clean ones, and the log says so once."""

from __future__ import annotations

import pytest

from rpx.http import sloppy
from rpx.model.status import Note
from tests.proxy.h2_client import client as h2_client
from tests.proxy.house import get, running
from tests.support.origin import OK, answers, origin

LF = b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
BOTH = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + CHUNKED
PADDED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n"
MORE = OK + b"more"


@pytest.mark.parametrize(
    ("answer", "odd"),
    [(LF, sloppy.BARE_LF), (BOTH, sloppy.BOTH), (PADDED, sloppy.CHUNKS), (MORE, sloppy.MORE)],
)
async def test_what_was_mended_is_noted_once_and_its_connection_is_not_kept(
    answer: bytes, odd: str
) -> None:
    async with origin(answers(answer)) as backend, running(backend) as house:
        client = await house.client()
        with house.registry.events.subscribe(100) as news:
            for _ in range(3):
                await client.send(get())
                assert (await client.answer()).body == b"ok"
            notes = [each for each in news.take() if isinstance(each, Note)]
        assert [(note.label, note.text) for note in notes] == [(house.backends[0].spec.label, odd)]
        assert len(backend.visits) == 3
        assert house.backends[0].counts.errors == 0


async def test_a_clean_backend_has_nothing_noted() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        client = await house.client()
        with house.registry.events.subscribe(100) as news:
            for _ in range(3):
                await client.send(get())
                await client.answer()
            assert not [each for each in news.take() if isinstance(each, Note)]
        assert len(backend.visits) == 1


@pytest.mark.parametrize("answer", [LF, BOTH, PADDED])
async def test_a_client_of_http_2_gets_it_clean_too(answer: bytes) -> None:
    async with origin(answers(answer)) as backend, running(backend) as house:
        async with h2_client(house) as peer:
            got = await peer.answer(await peer.ask())
            assert (got.status, got.body) == (200, b"ok")
