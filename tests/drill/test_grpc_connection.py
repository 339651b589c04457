"""The client of a drill that calls a gRPC server for its health."""

from __future__ import annotations

import pytest

from rpx.drill.grpc_connection import GrpcConnection
from rpx.drill.http_client import NoAnswer, Target
from rpx.drill.steady_load import Load
from tests.support.grpc_server import SERVING, Reply, leaves, only_trailers, resets, says, serves
from tests.support.origin import Script, closes, once, origin
from tests.support.tls import Authority


def target(port: int, *, tls: bool = False, service: str = "") -> Target:
    return Target(("127.0.0.1",), port, "greeter.localhost", "/", tls, service)


async def test_a_connection_takes_call_after_call() -> None:
    seen: list[bytes] = []
    async with origin(serves(says(SERVING), seen)) as there:
        connection = await GrpcConnection.open(target(there.port))
        for _ in range(50):
            assert await connection.ask(target(there.port, service="a.B")) == 200
            assert connection.reusable
        connection.close()
        assert len(there.visits) == 1
    assert seen == [b"\0\0\0\0\x05\x0a\x03a.B"] * 50


async def test_with_tls_it_speaks_http_2(authority: Authority) -> None:
    async with origin(serves(says(SERVING)), tls=authority.server(h2=True)) as there:
        where = target(there.port, tls=True)
        connection = await GrpcConnection.open(where)
        assert await connection.ask(where) == 200
        connection.close()


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (says(b"\0\0\0\0\x02\x08\x02"), "grpc.health.v1: NOT_SERVING"),
        (says(b"", "14"), "UNAVAILABLE to a call of grpc.health.v1"),
        (only_trailers, "has no grpc.health.v1, the service that is asked for its health"),
        (resets, "reset the request (error 2)"),
        (leaves, "refused the request"),
    ],
)
async def test_a_call_that_fails_says_how(reply: Reply, why: str) -> None:
    async with origin(serves(reply)) as there:
        connection = await GrpcConnection.open(target(there.port))
        with pytest.raises(NoAnswer) as caught:
            await connection.ask(target(there.port))
        assert str(caught.value) == why
        connection.close()


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (closes, "closed without an answer"),
        (once(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "malformed answer"),
    ],
)
async def test_who_speaks_no_http_2_gives_no_answer(script: Script, why: str) -> None:
    async with origin(script) as there:
        connection = await GrpcConnection.open(target(there.port))
        with pytest.raises(NoAnswer, match=why):
            await connection.ask(target(there.port))
        assert not connection.reusable
        connection.close()


async def test_a_load_of_calls_counts_each() -> None:
    async with origin(serves(says(SERVING))) as there:
        load = Load(target(there.port), 200, 0.1)
        await load.run()
    assert [(shot.status, shot.failure) for shot in load.shots] == [(200, "")] * 20
