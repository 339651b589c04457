"""gRPC-Web: what browsers speak is plain HTTP, whose trailers are a frame of its body."""

from __future__ import annotations

import pytest

from tests.proxy.h2_client import client
from tests.proxy.house import HOST, get, running
from tests.support.h2_origin import h2_origin
from tests.support.origin import answers, origin, refusing

KINDS = ("application/grpc-web+proto", "application/grpc-web", "application/grpc-web-text")
CALL = b"\0\0\0\0\x05hello"
TRAILERS = b"grpc-status: 5\r\ngrpc-message: n%C3%B6\r\n"
ANSWER = b"\0\0\0\0\x03one" + b"\x80" + len(TRAILERS).to_bytes(4, "big") + TRAILERS


def called(kind: str, host: str = HOST) -> bytes:
    """Return a call as a browser sends it over HTTP/1.1."""
    lines = (f"Content-Type: {kind}", "X-Grpc-Web: 1")
    head = get("/shop.Greeter/Hello", *lines, method="POST", body=CALL.decode())
    return head.replace(HOST.encode(), host.encode())


def fields(kind: str) -> tuple[tuple[str, str], ...]:
    """Return what a call has over HTTP/2."""
    return ("content-type", kind), ("x-grpc-web", "1")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_and_the_trailers_in_its_body_pass_untouched(kind: str) -> None:
    said = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\n\r\n"
    said = said % kind.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(ANSWER), ANSWER)
    async with origin(answers(said)) as backend, running(backend) as house:
        raw = await house.client()
        await raw.send(called(kind))
        plain = await raw.answer()
        assert (plain.status, plain.body, plain.whole) == (200, ANSWER, True)
        assert plain.field("content-type") == kind
        assert plain.field("grpc-status") is None
        async with client(house) as peer:
            path = "/shop.Greeter/Hello"
            got = await peer.answer(await peer.ask(path, *fields(kind), method="POST", body=CALL))
        assert (got.status, got.body, got.trailers) == (200, ANSWER, [])
        assert got.head[b"content-type"] == kind.encode()
        assert b"grpc-status" not in got.head
        for request in backend.requests:
            assert request.endswith(b"\r\n\r\n" + CALL)
            assert f"\r\ncontent-type: {kind}\r\n".encode() in request.lower()


async def test_it_passes_to_a_backend_of_http_2_as_well() -> None:
    async with h2_origin() as backend, running(backend.address) as house:
        raw = await house.client()
        await raw.send(called(KINDS[0]))
        peer = await backend.accept()
        asked = await peer.whole()
        assert (asked.body, asked.head["content-type"]) == (CALL, KINDS[0])
        assert asked.head["x-grpc-web"] == "1"
        await peer.answer(asked, ANSWER)
        got = await raw.answer()
        assert (got.status, got.body, got.whole) == (200, ANSWER, True)


@pytest.mark.parametrize("kind", KINDS)
async def test_where_nobody_answers_it_is_told_the_status_of_http(kind: str) -> None:
    """A client of gRPC-Web makes gRPC's own of it: 503 is UNAVAILABLE, 404 is UNIMPLEMENTED.

    Source: "HTTP to gRPC Status Code Mapping". A 200 without a frame of trailers would be a fault.
    """
    with refusing() as nobody:
        async with running(nobody) as house, client(house) as peer:
            for host, status in ((HOST, 502), ("nobody.localhost", 404)):
                raw = await house.client()
                await raw.send(called(kind, host))
                plain = await raw.answer()
                number = await peer.ask("/", *fields(kind), method="POST", host=host, body=CALL)
                got = await peer.answer(number)
                assert (plain.status, got.status) == (status, status)
                assert plain.field("grpc-status") is None
                assert b"grpc-status" not in got.head
                assert not got.trailers
