"""Backends that don't speak HTTP/1.1: the page, the record and the log name what they do speak."""

from __future__ import annotations

import pytest

from rpx.model.status import Note
from rpx.policy.protocol_hints import hint_for
from rpx.proxy import protocol
from tests.proxy.house import get, post, running
from tests.support.origin import Script, closes, once, origin
from tests.support.raw import Raw

SETTINGS = b"\0\0\0\4" + bytes(5)


async def only_tls(raw: Raw) -> None:
    """Greet who says hello, and hang up on anybody else."""
    await raw.more()
    if raw.buffer.startswith(b"\x16\x03"):
        await raw.send(b"\x16\x03\x03\x00\x7a\x02")
    raw.close()


@pytest.mark.parametrize("request_", [get(), post()])
async def test_a_backend_that_speaks_tls_is_to_be_written_with_https(
    request_: bytes,
) -> None:
    async with origin(only_tls) as backend, running(backend) as house:
        with house.registry.events.subscribe(100) as news:
            for _ in range(2):
                client = await house.client()
                await client.send(request_)
                page = await client.answer()
                assert page.status == 502
                assert b"speaks TLS, not plain HTTP/1.1" in page.body
                assert b"https://" in page.body
                assert b"start the process" not in page.body
            notes = [each.text for each in news.take() if isinstance(each, Note)]
        assert len([text for text in notes if "speaks TLS" in text]) == 1
        assert "https://" in hint_for(house.backends[0].last_error, house.backends[0].spec.address)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (once(SETTINGS), b"speaks HTTP/2"),
        (once(b"SSH-2.0-OpenSSH_9.2\r\n"), b"speaks SSH"),
        (once(b"hello\n"), b"speaks something else"),
    ],
)
async def test_another_protocol_is_named(script: Script, words: bytes) -> None:
    async with origin(script) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        page = await client.answer()
        assert page.status == 502
        assert words in page.body
        assert b"start the process" not in page.body
        assert house.backends[0].last_error.startswith(words.decode())


async def test_one_that_only_breaks_off_is_called_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "PATIENCE", 0.05)
    async with origin(closes) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        page = await client.answer()
        assert b"closed the connection before it answered" in page.body
        assert house.backends[0].last_error == "closed the connection before it answered"


async def test_one_that_has_answered_before_is_not_asked() -> None:
    async with origin(once(), closes) as backend, running(backend) as house:
        for request, status in ((get(), 200), (post(), 502)):
            client = await house.client()
            await client.send(request)
            assert (await client.answer()).status == status
            await house.idle()
        assert len(backend.visits) == 2
