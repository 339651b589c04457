"""A gRPC server is asked for its health by rpx's own hand, and every answer has its words."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.backend.probe_grpc import grpc_check
from rpx.model.address import Address, Tls
from rpx.model.config import HealthCheck
from tests.support.grpc_server import (
    SERVING,
    Reply,
    endless,
    leaves,
    only_trailers,
    refuses,
    resets,
    says,
    serves,
)
from tests.support.origin import Origin, Script, closes, never, once, origin
from tests.support.raw import SOON
from tests.support.tls import Authority


async def ask(
    backend: Origin, grpc: str = "", tls: Tls | None = None, timeout: float = SOON
) -> str | None:
    host = "localhost" if tls else "127.0.0.1"
    check = HealthCheck(grpc=grpc, timeout=timeout)
    return await grpc_check(Address(host, backend.port, tls), check)


async def test_a_server_that_serves_is_well_and_is_asked_for_the_service_that_is_named() -> None:
    seen: list[bytes] = []
    async with origin(serves(says(SERVING), seen)) as backend:
        assert await ask(backend) is None
        assert await ask(backend, "a.B") is None
    assert seen == [bytes(5), b"\0\0\0\0\x05\x0a\x03a.B"]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (says(b"\0\0\0\0\x02\x08\x02"), "grpc.health.v1 of a.B: NOT_SERVING"),
        (says(b"", "5"), "grpc.health.v1 knows no service a.B"),
        (only_trailers, "has no grpc.health.v1, the service that is asked for its health"),
        (resets, "reset the request (error 2)"),
        (refuses, "refused the request"),
        (leaves, "refused the request"),
        (endless, "no gRPC server: its answer has no grpc-status"),
    ],
)
async def test_what_is_wrong_is_said(reply: Reply, said: str) -> None:
    async with origin(serves(reply)) as backend:
        found = await ask(backend, "a.B")
    assert found is not None
    assert found.startswith(said)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (once(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "speaks HTTP/1.1, not HTTP/2"),
        (once(b"SSH-2.0-OpenSSH_9.2\r\n"), "speaks SSH, not HTTP/2"),
        (once(b"\x15\x03\x01\x00\x02\x02\x46"), "speaks TLS, not plain HTTP/2"),
        (closes, "before it had answered"),
    ],
)
async def test_who_speaks_no_http_2_is_named(script: Script, said: str) -> None:
    async with origin(script) as backend:
        found = await ask(backend)
    assert found is not None
    assert said in found


async def test_over_tls_it_is_asked_by_http_2_too(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = Tls(ca=str(authority.file))
    async with origin(serves(says(SERVING)), tls=authority.server(h2=True)) as backend:
        assert await ask(backend, tls=tls) is None
        untrusting = Tls()
        assert "certificate verify failed" in (await ask(backend, tls=untrusting) or "")


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async with origin(never) as backend:
        assert await ask(backend, timeout=0.1) == "no answer within 0.1 s"


async def test_where_nobody_listens_is_said_in_the_words_of_every_check() -> None:
    async with origin() as backend:
        port = backend.port
    check = HealthCheck(grpc="", timeout=SOON)
    assert await grpc_check(Address("127.0.0.1", port), check) == "connection refused"
