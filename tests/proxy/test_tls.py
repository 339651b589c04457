"""Backends that speak TLS: whom rpx trusts, what it says, and how connections end."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from rpx.model.address import Address, Tls
from rpx.model.own_settings import Timeouts
from tests.proxy.house import HOST, House, get, post, put, running, until
from tests.support.origin import OK, Origin, Script, answers, never, once, origin, says
from tests.support.raw import Raw
from tests.support.tls import Authority


@asynccontextmanager
async def secured(
    authority: Authority,
    *scripts: Script,
    context: ssl.SSLContext | None = None,
    timeouts: Timeouts | None = None,
) -> AsyncIterator[tuple[Origin, House]]:
    """A backend with a certificate for localhost, and a server that believes the authority."""
    async with origin(*scripts, tls=context or authority.server()) as backend:
        address = Address("localhost", backend.port, Tls(ca=str(authority.file)))
        async with running(address, timeouts=timeouts) as house:
            yield backend, house


async def asked(house: House, request: bytes = get("/", "Accept: text/plain")) -> tuple[int, str]:
    client = await house.client()
    await client.send(request)
    answer = await client.answer()
    return answer.status, answer.body.decode()


# ---------------------------------------------------------------- requests


async def test_a_request_goes_through_and_its_connection_is_used_again(
    authority: Authority,
) -> None:
    async with secured(authority, answers(OK)) as (backend, house):
        client = await house.client()
        for request in (get(), get("/2"), get()):
            await client.send(request)
            assert (await client.answer()).body == b"ok"
        assert len(backend.visits) == 1
        assert f"\r\nHost: {HOST}\r\n".encode() in backend.requests[0]
        assert b"\r\nX-Forwarded-Proto: http\r\n" in backend.requests[0]
        tls = backend.visits[0].sock.stream
        assert tls.selected_alpn_protocol() == "http/1.1"


async def test_the_name_of_the_host_is_what_the_server_is_asked_for(authority: Authority) -> None:
    names: list[str] = []
    context = authority.server()
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    async with secured(authority, answers(OK), context=context) as (_, house):
        assert await asked(house) == (200, "ok")
    assert names == ["localhost"]


@pytest.mark.parametrize("framing", ["counted", "chunked"])
async def test_a_large_body_goes_through_whole(authority: Authority, framing: str) -> None:
    text = bytes(range(256)) * 12_000
    answer = says("")[:-5] + b"%d\r\n\r\n" % len(text) + text
    if framing == "chunked":
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(text), text)
    async with secured(authority, answers(answer)) as (_, house):
        client = await house.client()
        for _ in range(2):
            await client.send(get())
            assert (await client.answer()).body == text


async def test_a_large_upload_arrives_whole(authority: Authority) -> None:
    text = bytes(range(256)) * 12_000
    async with secured(authority, answers(OK)) as (backend, house):
        client = await house.client()
        await client.send(put(text) + text)
        assert (await client.answer()).body == b"ok"
        assert backend.requests[0].endswith(b"\r\n\r\n" + text)


async def test_bytes_are_counted_as_they_were_meant(authority: Authority) -> None:
    async with secured(authority, answers(OK)) as (backend, house):
        client = await house.client()
        for _ in range(3):
            await client.send(get())
            await client.answer()
        traffic = house.backends[0].counts.traffic
        assert traffic.received == 3 * len(OK)
        assert traffic.sent == sum(map(len, backend.requests))


# ---------------------------------------------------------------- trust


@pytest.mark.parametrize(
    ("flaw", "why"),
    [
        ("alone", "certificate verify failed: self-signed certificate"),
        ("name", "certificate verify failed: Hostname mismatch, certificate is not valid for 'lo"),
        ("late", "certificate verify failed: certificate has expired"),
    ],
)
async def test_a_certificate_that_is_no_good_is_a_502_that_says_so(
    authority: Authority, flaw: str, why: str
) -> None:
    context = authority.server(
        "shop.test" if flaw == "name" else "localhost",
        days=-1 if flaw == "late" else 1,
        alone=flaw == "alone",
    )
    async with secured(authority, answers(OK), context=context) as (backend, house):
        status, page = await asked(house)
        assert status == 502
        assert f"No backend of api.localhost answered: {why}" in page
        assert "`ca: FILE`" in page
        assert house.backends[0].last_error.startswith(why)
        assert not house.backends[0].in_rotation
        assert not backend.requests


async def test_nobody_is_asked_when_nothing_is_to_be_verified(authority: Authority) -> None:
    context = authority.server("shop.test", days=-1, alone=True)
    async with origin(answers(OK), tls=context) as backend:
        async with running(Address("127.0.0.1", backend.port, Tls(verify=False))) as house:
            assert await asked(house) == (200, "ok")


async def test_the_system_s_authorities_are_believed_by_default(authority: Authority) -> None:
    async with origin(answers(OK), tls=authority.server()) as backend:
        async with running(Address("localhost", backend.port, Tls())) as house:
            status, page = await asked(house)
    assert status == 502
    assert "unable to get local issuer certificate" in page


async def test_a_post_goes_to_another_backend_that_is_trusted(authority: Authority) -> None:
    async with (
        origin(answers(OK), tls=authority.server(alone=True)) as one,
        origin(answers(OK)) as two,
        running(Address("localhost", one.port, Tls()), two) as house,
    ):
        assert (await asked(house, post()))[0] == 200
        assert len(two.requests) == 1


# ---------------------------------------------------------------- handshakes


async def plain_http(raw: Raw) -> None:
    await raw.take(1)
    await raw.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    raw.close()


async def hangs_up(raw: Raw) -> None:
    await raw.take(1)
    raw.close()


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (plain_http, "does not speak TLS"),
        (hangs_up, "closed the connection within the TLS handshake"),
    ],
)
async def test_a_backend_that_shakes_no_hands_is_a_502_that_says_so(
    authority: Authority, script: Script, why: str
) -> None:
    async with origin(script) as backend:
        address = Address("localhost", backend.port, Tls(ca=str(authority.file)))
        async with running(address) as house:
            status, page = await asked(house)
            assert status == 502
            assert f"answered: {why}." in page
            if why == "does not speak TLS":
                assert "hint: write http:// in its `url`" in page
            assert house.backends[0].last_error == why


async def test_a_handshake_has_the_time_of_a_connection(authority: Authority) -> None:
    async with origin(never) as backend:
        address = Address("localhost", backend.port, Tls(ca=str(authority.file)))
        async with running(address, timeouts=Timeouts(connect=0.1)) as house:
            assert (await asked(house))[0] == 504
            await until(lambda: backend.visits[0].end, "the connection is still open")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_second_connection_resumes_the_session_of_the_first(
    authority: Authority, version: ssl.TLSVersion
) -> None:
    context = authority.server()
    context.minimum_version = context.maximum_version = version
    kept = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    resumed: list[bool] = []

    async def script(raw: Raw) -> None:
        await raw.request()
        resumed.append(raw.sock.stream.session_reused)
        await raw.send(kept)

    async with secured(authority, script, context=context) as (_, house):
        for _ in range(3):
            assert await asked(house) == (200, "ok")
    assert resumed == [False, True, True]


async def test_a_ca_file_that_has_changed_meanwhile_costs_no_request(
    authority: Authority, tmp_path: Path
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.file.read_bytes())
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    async with origin(answers(closing), tls=authority.server()) as backend:
        async with running(Address("localhost", backend.port, Tls(ca=str(ca)))) as house:
            for _ in range(3):
                assert await asked(house) == (200, "ok")
                ca.write_bytes(ca.read_bytes() + b"\n")


# ---------------------------------------------------------------- idle connections


async def test_a_connection_that_ended_at_rest_is_not_used(authority: Authority) -> None:
    async with secured(authority) as (backend, house):
        client = await house.client()
        await client.send(get())
        end = await backend.accept()
        await end.request()
        await end.send(OK)
        await client.answer()
        await end.sock.finish()
        await client.send(post())
        other = await backend.accept()
        assert await other.request() is not None
        await other.send(OK)
        assert (await client.answer()).body == b"ok"


# ---------------------------------------------------------------- endings


UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart"


async def test_a_body_that_ends_with_a_close_notify_is_whole(authority: Authority) -> None:
    async def script(raw: Raw) -> None:
        await raw.request()
        await raw.send(UNTIL_CLOSE)
        await raw.sock.finish()

    async with secured(authority, script) as (_, house):
        client = await house.client()
        await client.send(get())
        answer = await client.answer()
        assert (answer.body, answer.whole) == (b"part", True)


@pytest.mark.parametrize(
    "head", [UNTIL_CLOSE, UNTIL_CLOSE.replace(b"Connection: close", b"Content-Length: 9")]
)
async def test_a_body_that_ends_without_one_is_cut_off(authority: Authority, head: bytes) -> None:
    async with secured(authority, once(head)) as (_, house):
        client = await house.client()
        await client.send(get())
        answer = await client.answer()
        assert not answer.whole
        assert await client.ended() == "reset"


async def test_a_kept_connection_that_closes_as_the_request_comes_is_replaced(
    authority: Authority,
) -> None:
    async with secured(authority, once(), answers(says("again"))) as (backend, house):
        client = await house.client()
        for expected in (b"ok", b"again"):
            await client.send(get())
            assert (await client.answer()).body == expected
        assert house.backends[0].counts.errors == 0
        assert len(backend.visits) == 2


async def test_a_client_that_leaves_ends_its_request(authority: Authority) -> None:
    async with secured(authority, never) as (backend, house):
        client = await house.client()
        await client.send(get())
        await until(lambda: backend.requests, "the request has not come")
        client.close()
        await house.idle()
        await until(lambda: backend.visits[0].end, "the backend was not told")


# ---------------------------------------------------------------- tunnels


async def test_a_tunnel_carries_both_ways_and_half_closes(authority: Authority) -> None:
    big = bytes(range(256)) * 3000
    async with secured(authority) as (backend, house):
        client = await house.client()
        await client.send(get("/", "Connection: Upgrade", "Upgrade: chat"))
        end = await backend.accept()
        assert b"\r\nUpgrade: chat\r\n" in (await end.request() or b"")
        switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n"
        await end.send(switch + b"early")
        assert (await client.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        assert await client.take(5) == b"early"
        async with trio.open_nursery() as both:
            both.start_soon(client.send, big)
            both.start_soon(end.send, big)
            assert await end.take(len(big)) == big
            assert await client.take(len(big)) == big
        client.half_close()
        assert await end.rest() == b""
        assert end.end == "closed"  # by a close_notify: a cut would be a reset
        await end.send(b"last words")
        assert await client.take(10) == b"last words"
        await end.sock.finish()
        assert await client.ended() == "closed"


# ---------------------------------------------------------------- what it sees


async def test_a_backend_that_wants_its_own_name_gets_it_as_host_and_origin() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        spec = replace(house.backends[0].spec, change_origin=b"https://shop.test")
        house.backends[0].spec = spec
        fields = (f"Origin: http://{HOST}", f"Referer: http://{HOST}/")
        assert (await asked(house, get("/", *fields)))[0] == 200
        [request] = backend.requests
        assert request.startswith(b"GET / HTTP/1.1\r\nHost: shop.test\r\n")
        assert b"\r\nOrigin: https://shop.test\r\n" in request
        assert f"\r\nReferer: http://{HOST}/\r\n".encode() in request
        assert f"\r\nX-Forwarded-Host: {HOST}\r\n".encode() in request
