"""Backends behind unix sockets: all that holds for ports holds for them."""

from __future__ import annotations

import socket
from pathlib import Path

import trio

from rpx.model.address import SocketFile
from rpx.model.own_settings import Timeouts
from rpx.proxy.settings import Settings
from tests.proxy.house import HOST, get, post, running, until
from tests.support.origin import OK, answers, never, origin, says
from tests.support.raw import SOON


def file(folder: Path, name: str = "api.sock") -> SocketFile:
    return SocketFile(str(folder / name), f"run/{name}")


async def test_a_request_goes_through_and_its_connection_is_used_again(tmp_path: Path) -> None:
    async with origin(answers(OK), path=str(tmp_path / "s")) as backend, running(backend) as house:
        client = await house.client()
        for request in (get(), get("/2"), get()):
            await client.send(request)
            assert (await client.answer()).body == b"ok"
        assert len(backend.visits) == 1
        assert b"\r\nX-Forwarded-For: 127.0.0.1\r\n" in backend.requests[0]
        assert f"\r\nHost: {HOST}\r\n".encode() in backend.requests[0]


async def test_a_large_body_goes_through_whole(tmp_path: Path) -> None:
    text = "x" * 3_000_000
    async with origin(answers(says(text)), path=str(tmp_path / "s")) as backend:
        async with running(backend) as house:
            client = await house.client()
            await client.send(get())
            assert (await client.answer()).body == text.encode()


async def test_a_socket_that_does_not_exist_is_named(tmp_path: Path) -> None:
    async with running(file(tmp_path)) as house:
        client = await house.client()
        await client.send(get("/", "Accept: text/plain"))
        answer = await client.answer()
        assert answer.status == 502
        assert b"No backend of api.localhost answered: its socket does not exist." in answer.body
        assert b"unix:run/api.sock" in answer.body
        assert house.backends[0].last_error == "its socket does not exist"
        assert not house.backends[0].in_rotation


async def test_a_socket_that_nobody_listens_at_refuses_and_the_next_backend_is_asked(
    tmp_path: Path,
) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(file(tmp_path).path)
    async with origin(answers(OK)) as other, running(file(tmp_path), other) as house:
        client = await house.client()
        await client.send(post())
        assert (await client.answer()).status == 200
        assert house.backends[0].last_error == "connection refused"


async def test_a_full_queue_is_waited_for_and_no_longer_than_a_connection_may_take(
    tmp_path: Path,
) -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(file(tmp_path).path)
        listener.listen(0)
        first.connect(file(tmp_path).path)
        async with running(file(tmp_path), timeouts=Timeouts(connect=0.05)) as house:
            client = await house.client()
            await client.send(get())
            assert (await client.answer()).status == 504
            house.shared.settings = Settings.of(timeouts=Timeouts(connect=SOON))
            house.up(house.backends[0])
            await client.send(get())
            await trio.sleep(0.05)  # it waits
            listener.accept()[0].close()
            end, _ = await trio.socket.from_stdlib_socket(listener).accept()
            assert (await end.recv(100)).startswith(b"GET / ")
            await end.send(OK)
            assert (await client.answer()).body == b"ok"
            end.close()


async def test_a_client_that_leaves_ends_its_request(tmp_path: Path) -> None:
    async with origin(never, path=str(tmp_path / "s")) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        await until(lambda: backend.requests, "the request has not come")
        client.close()
        await house.idle()
        await until(lambda: backend.visits[0].end, "the backend was not told")
