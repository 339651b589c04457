"""Clients that speak TLS: which certificate they get, and that everything else is as without."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
import trio

from rpx.certificates.authority import Authority, open_authority
from rpx.certificates.leaves import Leaf, Leaves
from rpx.errors import RpxError
from rpx.model.config import Https, Sticky
from rpx.model.own_settings import Timeouts
from rpx.model.ports import Ports
from tests.proxy.house import HOST, get, post, running, until
from tests.proxy.lock import Lock, hello, names
from tests.support.origin import OK, answers, origin
from tests.support.raw import Raw

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def lock(authority: Authority) -> Lock:
    return Lock(authority)


async def test_a_request_with_tls_is_answered_and_its_backend_is_told(lock: Lock) -> None:
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        client = await house.tls_client(lock.client())
        await client.send(get("/a?b=c"))
        assert (await client.answer()).body == b"ok"
        assert b"X-Forwarded-Proto: https\r\n" in backend.requests[0]
        assert client.sock.stream.version() == "TLSv1.3"
        assert client.sock.stream.selected_alpn_protocol() is None


async def test_a_sticky_cookie_is_secure(lock: Lock) -> None:
    sticky = Sticky(cookie="id")
    async with origin(answers(OK)) as backend, lock.house(backend, sticky=sticky) as house:
        client = await house.tls_client(lock.client())
        await client.send(get())
        assert "; Secure" in ((await client.answer()).field("set-cookie") or "")


async def test_each_host_has_a_certificate_with_its_name_alone(authority: Authority) -> None:
    lock = Lock(authority, {HOST: Https(), "web.localhost": Https(), "*.shop.localhost": Https()})
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        for host in ("web.localhost", "a.shop.localhost", "b.shop.localhost"):
            assert names(await house.tls_client(lock.client(), host)) == {host}


async def test_a_certificate_is_issued_in_a_thread_while_others_are_served(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = Lock(authority, {HOST: Https(), "*.shop.localhost": Https()})
    begun, go_on = threading.Event(), threading.Event()
    get_leaf = Leaves.get

    def slow(self: Leaves, host: str, **details: Iterable[str]) -> Leaf:
        begun.set()
        go_on.wait(3)
        return get_leaf(self, host, **details)

    monkeypatch.setattr(Leaves, "get", slow)
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        got: list[Raw] = []

        async def new() -> None:
            got.append(await house.tls_client(lock.client(), "slow.shop.localhost"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(new)
            await until(begun.is_set, "nobody has asked for the certificate")
            other = await house.tls_client(lock.client())
            await other.send(get())
            assert (await other.answer()).status == 200
            assert not got
            go_on.set()
        assert names(got[0]) == {"slow.shop.localhost"}


async def test_a_certificate_that_ends_soon_is_renewed_while_rpx_runs(tmp_path: Path) -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=61)
    lock = Lock(open_authority(tmp_path, now=past), ahead=-61)
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        first = await house.tls_client(lock.client())
        again = await house.tls_client(lock.client())
        lock.ahead = 0  # less than a month before its end
        renewed = await house.tls_client(lock.client())
        serials = [c.sock.stream.getpeercert()["serialNumber"] for c in (first, again, renewed)]
    assert serials[0] == serials[1] != serials[2]


async def test_a_certificate_from_the_future_is_issued_anew_while_rpx_runs(tmp_path: Path) -> None:
    lock = Lock(open_authority(tmp_path), ahead=3)
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        with pytest.raises(ssl.SSLError, match="not yet valid"):
            await house.tls_client(lock.client())
        lock.ahead = 0  # the clock is set back
        await house.tls_client(lock.client())


async def test_a_host_that_the_authority_may_not_certify_is_refused_at_start(
    authority: Authority,
) -> None:
    for host in ("shop.dev", "*.shop.dev"):
        with pytest.raises(RpxError, match=r"may not certify `shop.dev`") as caught:
            Lock(authority, {HOST: Https(), host: Https()})
        assert caught.value.problems[0].hint.startswith("`rpx trust --allow shop.dev`")


async def test_a_certificate_that_cant_be_made_costs_only_its_own_connection(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = Lock(authority, {HOST: Https(), "*.shop.localhost": Https()})

    def full(*_: object, **__: object) -> Leaf:
        raise RpxError("no space left on device")

    monkeypatch.setattr(Leaves, "get", full)
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        with pytest.raises(ssl.SSLError, match=r"(?i)internal.error"):
            await house.tls_client(lock.client(), "a.shop.localhost")
        client = await house.tls_client(lock.client())
        await client.send(get())
        assert (await client.answer()).status == 200
    assert lock.said == ["no certificate for a.shop.localhost: error: no space left on device"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_session_is_resumed(lock: Lock, version: ssl.TLSVersion) -> None:
    trusting = lock.client()
    trusting.minimum_version = trusting.maximum_version = version
    async with origin(answers(OK)) as backend, lock.house(backend) as house:

        def visit(session: ssl.SSLSession | None) -> tuple[bool, ssl.SSLSession | None]:
            with (
                socket.create_connection(("127.0.0.1", house.tls_port), timeout=3) as sock,
                trusting.wrap_socket(sock, server_hostname=HOST, session=session) as tls,
            ):
                tls.sendall(get())
                tls.recv(65536)
                return bool(tls.session_reused), tls.session

        reused, session = await trio.to_thread.run_sync(visit, None)
        assert not reused
        assert (await trio.to_thread.run_sync(visit, session))[0]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_versions_before_1_2_are_refused(lock: Lock, version: ssl.TLSVersion) -> None:
    old = lock.client()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match=r"deprecated"):
        old.minimum_version = old.maximum_version = version
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
            await house.tls_client(old)


# ---- the redirect


@pytest.mark.parametrize("request_", [get("/a/b?c=d&e"), get("/a/b?c=d&e", "Upgrade: websocket",
    "Connection: upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: x")])  # fmt: skip
async def test_without_tls_a_client_is_sent_to_the_same_place_with_it(
    lock: Lock, request_: bytes
) -> None:
    async with origin() as backend, lock.house(backend) as house:
        client = await house.client()
        await client.send(request_ * 2)
        place = f"https://{HOST}:{house.tls_port}/a/b?c=d&e"
        for answer in (await client.answer(), await client.answer()):
            assert (answer.status, answer.field("location")) == (308, place)
            assert answer.field("strict-transport-security") is None
        assert not backend.requests
        assert house.pool.counts.figures(0)["requests"] == 2


@pytest.mark.parametrize("said", ["X-Forwarded-Proto: https", "Forwarded: for=x;proto=https"])
@pytest.mark.parametrize("trusted", [["127.0.0.0/8"], ["localhost"], ["::1", "10.0.0.1"], []])
async def test_who_came_to_a_trusted_proxy_with_tls_is_not_sent_round(
    lock: Lock, said: str, trusted: list[str]
) -> None:
    async with origin(answers(OK)) as backend, lock.house(backend, trusted=trusted) as house:
        client = await house.client()
        await client.send(get("/", said) + get("/", "X-Forwarded-Proto: http"))
        status = 200 if trusted and trusted[0] != "::1" else 308
        assert (await client.answer()).status == status
        assert (await client.answer()).status == 308
        seen = [b"X-Forwarded-Proto: https\r\n" in each for each in backend.requests]
        assert seen == [True] * (status == 200)


async def test_tls_on_the_port_for_plain_http_is_served(lock: Lock) -> None:
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        house.tls_port = house.port
        client = await house.tls_client(lock.client())
        await client.send(get() + get())
        for _ in range(2):
            assert (await client.answer()).status == 200
        assert b"X-Forwarded-Proto: https\r\n" in backend.requests[0]


async def test_where_no_host_has_tls_it_is_answered_in_plain_words() -> None:
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(60))
        assert (await client.answer()).status == 400


async def test_a_redirect_to_port_443_names_no_port(lock: Lock) -> None:
    async with origin() as backend, lock.house(backend) as house:
        house.registry.ports = Ports(https=443)
        client = await house.client()
        await client.send(get().replace(b"Host: api.localhost", b"Host: API.localhost.:80"))
        assert (await client.answer()).field("location") == f"https://{HOST}/"


async def test_a_body_that_nobody_reads_ends_the_connection(lock: Lock) -> None:
    async with origin() as backend, lock.house(backend) as house:
        client = await house.client()
        await client.send(post(body="x" * 5000))
        answer = await client.answer()
        assert (answer.status, answer.field("connection")) == (308, "close")
        assert await client.ended() == "closed"


async def test_the_redirect_can_be_left_out(lock: Lock) -> None:
    async with (
        origin(answers(OK)) as backend,
        lock.house(backend, https=Https(redirect=False)) as house,
    ):
        client = await house.client()
        await client.send(get())
        assert (await client.answer()).status == 200
        assert b"X-Forwarded-Proto: http\r\n" in backend.requests[0]


@pytest.mark.parametrize("redirect", [True, False])
async def test_plain_http_on_the_tls_port_is_sent_to_https(lock: Lock, redirect: bool) -> None:
    async with origin() as backend, lock.house(backend, https=Https(redirect=redirect)) as house:
        client = await house.tls_port_client()
        await client.send(get("/a?b"))
        answer = await client.answer()
        place = f"https://{HOST}:{house.tls_port}/a?b"
        assert (answer.status, answer.field("location")) == (308, place)


async def test_a_host_that_the_connection_was_not_opened_for_is_misdirected(
    authority: Authority,
) -> None:
    lock = Lock(authority, {HOST: Https(), "web.localhost": Https()})
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        client = await house.tls_client(lock.client(), "web.localhost")
        await client.send(get())
        assert (await client.answer()).status == 421
        assert not backend.requests


# ---- how it ends


async def test_an_idle_client_is_told_that_rpx_goes_down(lock: Lock) -> None:
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        client = await house.tls_client(lock.client())
        await client.send(get())
        await client.answer()
        house.stop()
        assert await client.ended() == "closed"  # with a close_notify


async def test_an_answer_up_to_the_end_of_the_connection_ends_with_a_close_notify(
    lock: Lock,
) -> None:
    async def says_and_leaves(end: Raw) -> None:
        await end.request()
        await end.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        end.close()

    async with origin(says_and_leaves) as backend, lock.house(backend) as house:
        client = await house.tls_client(lock.client())
        await client.send(get().replace(b"HTTP/1.1", b"HTTP/1.0"))
        answer = await client.answer()
        assert (answer.body, answer.whole, client.end) == (b"all of it", True, "closed")


async def test_an_answer_that_was_cut_off_never_looks_complete(lock: Lock) -> None:
    async with origin() as backend, lock.house(backend) as house:
        client = await house.tls_client(lock.client())
        await client.send(get())
        end = await backend.accept()
        await end.request()
        await end.send(STREAM)
        await client.until(b"data: 1\n\n")
        end.reset()
        await client.rest()
        assert client.end == "reset"


# ---- hellos that are none


async def test_a_hello_may_come_byte_by_byte(lock: Lock) -> None:
    said = hello(lock.client(), HOST)
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        client = await house.tls_port_client()
        await client.send(said, piece=1)
        assert (await client.take(1)) == b"\x16"


async def test_half_a_hello_is_waited_for_as_long_as_for_a_head(lock: Lock) -> None:
    said = hello(lock.client(), HOST)
    timeouts = Timeouts(head=0.1)
    async with origin(answers(OK)) as backend, lock.house(backend, timeouts=timeouts) as house:
        clients = [await house.tls_port_client() for _ in range(3)]
        for client, part in zip(clients, (b"", said[:3], said[: len(said) // 2]), strict=True):
            await client.send(part)
        for client in clients:
            assert await client.ended() == "closed"


async def test_a_client_that_leaves_after_its_hello_leaves_nothing(lock: Lock) -> None:
    said = hello(lock.client(), HOST)
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        for leave in (Raw.close, Raw.reset):
            for length in (0, 1, len(said) // 2, len(said)):
                client = await house.tls_port_client()
                await client.send(said[:length])
                leave(client)
        await until(lambda: not house.shared.sweeper.connections, "a connection is left")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x00\x05hello",
        b"\x16" + b"\xff" * 70000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 600,
        b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + b"x" * 20000,
    ],
)
async def test_garbage_gets_an_alert(lock: Lock, garbage: bytes) -> None:
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        client = await house.tls_port_client()
        try:
            await client.send(garbage)
        except OSError:
            pass
        await client.rest()
        await until(lambda: not house.shared.sweeper.connections, "it is not given up")


async def test_what_is_neither_tls_nor_http_gets_a_400(lock: Lock) -> None:
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        client = await house.tls_port_client()
        await client.send(b"\x80\x2e\x01\x03\x01\r\n\r\n")
        assert (await client.answer()).status == 400


async def test_many_handshakes_at_once(lock: Lock) -> None:
    trusting = lock.client()
    async with origin(answers(OK)) as backend, lock.house(backend) as house:

        async def visit() -> None:
            client = await house.tls_client(trusting)
            await client.send(get())
            assert (await client.answer()).status == 200
            client.close()

        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(visit)
