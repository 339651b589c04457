"""WebSockets over HTTP/2 (RFC 8441): one stream, and to the backend a WebSocket like any other."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha1

import pytest
import trio
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from rpx.http.websocket import close_frame
from tests.proxy.h2_client import Client, client
from tests.proxy.house import HOST, running, until
from tests.support.origin import OK, answers, origin
from tests.support.raw import Raw

HEAD = [
    (":method", "CONNECT"),
    (":protocol", "websocket"),
    (":scheme", "https"),
    (":authority", HOST),
    (":path", "/chat"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-protocol", "a, b"),
]


def switching(request: bytes, *fields: str, accept: str = "") -> bytes:
    """Return the answer to the request of a WebSocket."""
    key = re.search(rb"\r\n(?i:sec-websocket-key): ([^\r]*)", request)
    assert key is not None
    guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    right = sha1(key[1] + guid, usedforsecurity=False).digest()
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept or b64encode(right).decode()}",
        *fields,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def switched(end: Raw, *fields: str, accept: str = "") -> bytes:
    """Answer the request of a WebSocket as its backend; return the request."""
    request = await end.request()
    assert request is not None
    await end.send(switching(request, *fields, accept=accept))
    return request


async def told(peer: Client, number: int) -> int:
    """Return the status of a stream that goes on."""
    await peer.until(lambda: peer.streams[number].head, "no head")
    return peer.streams[number].status


async def test_it_is_said_that_they_are_spoken() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        await peer.until(
            lambda: peer.h2.remote_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL], "no setting"
        )


async def test_an_extended_connect_becomes_a_websocket_and_carries_bytes_both_ways() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask_with(HEAD, end=False)
        end = await backend.accept()
        request = await switched(end, "Sec-WebSocket-Protocol: b")
        assert request.startswith(b"GET /chat HTTP/1.1\r\nHost: api.localhost\r\n")
        assert b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" in request
        assert b"\r\nsec-websocket-protocol: a, b\r\n" in request
        assert await told(peer, number) == 200
        got = peer.streams[number]
        assert got.head[b"sec-websocket-protocol"] == b"b"
        assert not {b"upgrade", b"connection", b"sec-websocket-accept"} & set(got.head)
        assert house.backends[0].lasting == 1
        peer.h2.send_data(number, b"\x81\x80abcd")
        await peer.flush()
        assert await end.take(6) == b"\x81\x80abcd"
        await end.send(b"\x81\x02hi")
        await peer.until(lambda: got.body == b"\x81\x02hi", "no message")
        peer.h2.send_data(number, b"", end_stream=True)
        await peer.flush()
        assert await end.ended() == "closed"
        end.close()
        await peer.answer(number)
        assert (got.ended, got.reset) == (True, None)


async def test_a_key_of_the_clients_own_is_not_the_one_that_counts() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask_with([*HEAD, ("sec-websocket-key", "mine")], end=False)
        request = await switched(await backend.accept())
        assert request.lower().count(b"sec-websocket-key:") == 1
        assert await told(peer, number) == 200


async def test_messages_that_came_before_the_answer_are_not_lost() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask_with(HEAD, end=False)
        peer.h2.send_data(number, b"early")
        await peer.flush()
        end = await backend.accept()
        await switched(end)
        assert await told(peer, number) == 200
        assert await end.take(5) == b"early"


async def test_a_wrong_accept_is_a_502() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask_with(HEAD, end=False)
        await switched(await backend.accept(), accept="d3Jvbmc=")
        assert await told(peer, number) == 502


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (OK, 502),  # a 2xx would open a tunnel
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", 403),
    ],
)
async def test_another_answer_than_101_opens_no_tunnel(answer: bytes, status: int) -> None:
    async with (
        origin(answers(answer)) as backend,
        running(backend) as house,
        client(house) as peer,
    ):
        number = await peer.ask_with(HEAD, end=False)
        got = await peer.answer(number)
        assert (got.status, got.ended) == (status, True)


async def test_another_protocol_is_not_spoken() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house, client(house) as peer:
        head = [(n, "connect-udp" if n == ":protocol" else v) for n, v in HEAD]
        assert await told(peer, await peer.ask_with(head, end=False)) == 501
        assert not backend.requests


async def test_a_reset_of_the_client_closes_the_backends_end() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask_with(HEAD, end=False)
        end = await backend.accept()
        await switched(end)
        await told(peer, number)
        peer.h2.reset_stream(number, ErrorCodes.CANCEL)
        await peer.flush()
        with trio.fail_after(1.5):
            await end.ended()


async def test_a_backend_that_is_killed_resets_the_stream() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask_with(HEAD, end=False)
        end = await backend.accept()
        await switched(end)
        await told(peer, number)
        end.reset()
        got = await peer.answer(number)
        assert (got.ended, got.reset) == (False, ErrorCodes.CANCEL)


async def test_both_sides_are_told_when_rpx_goes_down() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask_with(HEAD, end=False)
        end = await backend.accept()
        await switched(end)
        await told(peer, number)
        await until(lambda: house.backends[0].lasting, "no tunnel yet")
        house.stop()
        got = peer.streams[number]
        await peer.until(lambda: got.body == close_frame(1001), "no goodbye")
        peer.h2.send_data(number, close_frame(1001, b"abcd"), end_stream=True)
        await peer.flush()
        assert (await end.take(8))[:2] == b"\x88\x82"
        await end.send(close_frame(1001))
        end.close()
        await peer.end()
        peer.sock.close()
        with trio.fail_after(2):
            await house.done.wait()
