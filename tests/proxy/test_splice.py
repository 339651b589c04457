"""Large bodies through the kernel: whole, broken off, left, with something behind them."""

from __future__ import annotations

import pytest

from rpx.proxy import download, splice
from tests.proxy.house import get, running, until
from tests.support.origin import OK, origin

SIZE = 1_000_000
BODY = bytes(range(250)) * (SIZE // 250)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE
pytestmark = pytest.mark.skipif(not splice.AVAILABLE, reason="this system has no splice")


@pytest.mark.parametrize("available", [True, False])
async def test_a_large_body_arrives_whole_with_and_without_the_kernel_s_help(
    available: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "AVAILABLE", available)
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        end = await backend.accept()
        for _ in range(2):  # the connection is used again
            await end.request()
            await end.send(HEAD + BODY)
            assert (await client.answer()).body == BODY
            await client.send(get())
        await end.request()
        await end.send(OK)
        assert (await client.answer()).body == b"ok"


@pytest.mark.parametrize("way", ["close", "reset"])
async def test_a_large_body_that_breaks_off_never_looks_complete(way: str) -> None:
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        end = await backend.accept()
        await end.request()
        await end.send(HEAD + BODY[: SIZE // 2])
        await client.until(b"\r\n\r\n")
        getattr(end, way)()
        assert len(await client.rest()) < SIZE
        await house.idle()
        assert house.backends[0].counts.errors == 1


async def test_a_client_that_leaves_a_large_body_frees_its_backend_and_its_pipe() -> None:
    async with origin() as backend, running(backend) as house:
        for _ in range(splice.SPARE + 2):
            client = await house.client()
            await client.send(get())
            end = await backend.accept()
            await end.request()
            await end.send(HEAD + BODY[: SIZE // 2])
            await client.until(b"\r\n\r\n")
            client.reset()
            assert await end.ended() in {"closed", "reset"}
            await house.idle()
        assert house.backends[0].counts.errors == 0
        await until(lambda: house.shared.pipes.spare <= splice.SPARE, "pipes pile up")


async def test_what_comes_behind_a_large_body_is_no_answer_to_the_next_request() -> None:
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        end = await backend.accept()
        await end.request()
        await end.send(HEAD + BODY + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        assert (await client.answer()).body == BODY
        await client.send(get("/next"))
        second = await backend.accept()
        await second.request()
        await second.send(OK)
        assert (await client.answer()).body == b"ok"
