"""What a look at a backend says, against servers that behave well, badly, or not at all."""

from __future__ import annotations

import gc
import os
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import trio

from rpx.backend.probe import _met_nobody, http_check, tcp_check
from rpx.model.address import Address, SocketFile, Tls
from rpx.model.config import HealthCheck
from tests.support.places import black_hole
from tests.support.project import SOON
from tests.support.tls import Authority

Talk = Callable[[trio.SocketStream], Awaitable[None]]
CHECK = HealthCheck(path="/health", timeout=5)
HASTY = HealthCheck(path="/health", timeout=0.3)


@asynccontextmanager
async def serving(
    talk: Talk, host: str = "127.0.0.1", name: str = "", port: int = 0
) -> AsyncIterator[Address]:
    """A server that does just what `talk` says with each connection."""

    async def walled(stream: trio.SocketStream) -> None:
        try:
            await talk(stream)
        except (trio.BrokenResourceError, OSError):
            pass

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, walled, port, host=host))
        yield Address(name or host, listener.socket.getsockname()[1])
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def serving_at(file: SocketFile, talk: Talk) -> AsyncIterator[None]:
    """The same at a unix socket."""
    with trio.socket.socket(socket.AF_UNIX) as listener:
        await listener.bind(file.path)
        listener.listen()

        async def serve() -> None:
            while True:
                sock, _ = await listener.accept()
                with suppress(trio.BrokenResourceError):
                    await talk(trio.SocketStream(sock))
                sock.close()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            yield
            nursery.cancel_scope.cancel()


def answering(head: bytes, body: bytes = b"", seen: list[bytes] | None = None) -> Talk:
    async def talk(stream: trio.SocketStream) -> None:
        request = await stream.receive_some()
        if seen is not None:
            seen.append(bytes(request))
        await stream.send_all(head + b"\r\n\r\n" + body)

    return talk


async def say_nothing(_stream: trio.SocketStream) -> None:
    await trio.sleep_forever()


async def free_port() -> int:
    async with serving(answering(b"")) as address:
        return address.port


# ---------------------------------------------------------------- HTTP


@pytest.mark.parametrize("status", [200, 204, 302, 399])
async def test_an_expected_status_passes(status: int) -> None:
    async with serving(answering(b"HTTP/1.1 %d Whatever" % status)) as address:
        assert await http_check(address, CHECK) is None


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (503, "503 Service Unavailable"),
        (404, f"404 Not Found to rpx's own GET {CHECK.path} with Host {{}}"),
        (599, "599"),
        (418, f"418 I'm a Teapot to rpx's own GET {CHECK.path} with Host {{}}"),
    ],
)
async def test_another_status_is_named(status: int, why: str) -> None:
    async with serving(answering(b"HTTP/1.1 %d ignored" % status)) as address:
        assert await http_check(address, CHECK) == why.format(address)


async def test_what_is_expected_is_a_matter_of_configuration() -> None:
    check = HealthCheck(path="/", expect=((404, 404), (500, 510)))
    async with serving(answering(b"HTTP/1.1 503 x")) as address:
        assert await http_check(address, check) is None
    async with serving(answering(b"HTTP/1.1 200 x")) as address:
        assert await http_check(address, check) == "200 OK"


async def test_the_request_is_plain_and_the_path_arrives_as_written() -> None:
    seen: list[bytes] = []
    check = HealthCheck(path="/a%2Fb/?ready=1&x=%C3%A9")
    async with serving(answering(b"HTTP/1.1 200 OK", seen=seen), name="localhost") as address:
        assert await http_check(address, check) is None
    line, *headers = seen[0].decode().lower().split("\r\n")
    assert line == "get /a%2fb/?ready=1&x=%c3%a9 http/1.1"
    assert f"host: {address}" in headers
    assert "connection: close" in headers


async def test_a_redirect_is_not_followed() -> None:
    seen: list[bytes] = []
    head = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0"
    async with serving(answering(head, seen=seen)) as address:
        assert await http_check(address, CHECK) is None
    assert len(seen) == 1


async def test_no_cookie_is_kept_and_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    seen: list[bytes] = []
    head = b"HTTP/1.1 200 OK\r\nSet-Cookie: session=1\r\nContent-Length: 0"
    async with serving(answering(head, seen=seen)) as address:
        for _ in range(2):
            assert await http_check(address, CHECK) is None
    assert len(seen) == 2
    assert not any(b"ookie" in request for request in seen)


async def test_nobody_there_is_connection_refused() -> None:
    port = await free_port()
    for host in ("localhost", "127.0.0.1"):
        assert await http_check(Address(host, port), CHECK) == "connection refused"


async def test_silence_is_no_answer_in_time() -> None:
    async with serving(say_nothing) as address:
        assert await http_check(address, HASTY) == "no answer within 0.3 s"


async def test_a_head_that_drips_is_no_answer_in_time() -> None:
    async def drip(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\n")
        while True:
            await stream.send_all(b"X: y\r\n")
            await trio.sleep(0.02)

    async with serving(drip) as address:
        with trio.fail_after(3):
            assert await http_check(address, HASTY) == "no answer within 0.3 s"


async def test_a_body_without_end_does_not_matter_once_the_status_is_said() -> None:
    async def stream_events(stream: trio.SocketStream) -> None:
        await answering(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream")(stream)
        while True:
            await stream.send_all(b"data: tick\n\n")
            await trio.sleep(0.02)

    async with serving(stream_events) as address:
        with trio.fail_after(3):
            assert await http_check(address, CHECK) is None


async def test_a_body_that_is_cut_off_does_not_matter_either() -> None:
    async with serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 99", b"short")) as address:
        assert await http_check(address, CHECK) is None


async def test_a_closed_connection_is_said() -> None:
    async def hang_up(stream: trio.SocketStream) -> None:
        await stream.receive_some()

    async with serving(hang_up) as address:
        assert await http_check(address, CHECK) == "closed the connection without an answer"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"220 mail.example ESMTP", "speaks SMTP or FTP, not HTTP/1.1"),
        (b"\0\0\0\4\0\0\0\0\0", "speaks HTTP/2, not HTTP/1.1"),
        (b"\x15\x03\x01\0\2\2\x46", "speaks TLS, not plain HTTP/1.1"),
        (b"hello", "the answer is not HTTP"),
    ],
)
async def test_another_protocol_is_said(said: bytes, words: str) -> None:
    async with serving(answering(said)) as address:
        assert await http_check(address, CHECK) == words


async def test_localhost_is_either_of_the_two() -> None:
    for host in ("127.0.0.1", "::1"):
        async with serving(answering(b"HTTP/1.1 200 OK"), host, "localhost") as address:
            assert await http_check(address, CHECK) is None
            assert await tcp_check(address, 5) is None


async def test_a_literal_of_the_newer_kind_works() -> None:
    async with serving(answering(b"HTTP/1.1 200 OK"), "::1") as address:
        assert await http_check(address, CHECK) is None


async def test_an_unknown_name_is_said() -> None:
    address = Address("no-such-host.invalid", 80)
    assert await http_check(address, CHECK) == "the host name is unknown"
    assert await tcp_check(address, 5) == "the host name is unknown"


async def test_what_no_request_line_may_hold_is_escaped() -> None:
    seen: list[bytes] = []
    async with serving(answering(b"HTTP/1.1 200 OK", seen=seen)) as address:
        assert await http_check(address, HealthCheck(path="/a b\r\né")) is None
    assert seen[0].startswith(b"GET /a%20b%0D%0A%C3%A9 HTTP/1.1\r\n")


# ---------------------------------------------------------------- TCP


async def test_whoever_accepts_passes() -> None:
    async with serving(say_nothing) as address:
        assert await tcp_check(address, 5) is None


async def test_nobody_accepts_is_connection_refused() -> None:
    port = await free_port()
    for host in ("localhost", "127.0.0.1", "::1"):
        assert await tcp_check(Address(host, port), 5) == "connection refused"


async def test_a_call_that_reaches_only_itself_is_noticed() -> None:
    """A free port in the range for callers is sooner or later given to the caller itself."""
    with trio.socket.socket() as sock:
        await sock.bind(("127.0.0.1", 0))
        await sock.connect(sock.getsockname())
        assert _met_nobody(sock)


async def test_one_who_has_reset_the_connection_at_once_is_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, trio.socket.socket() as sock:
        await sock.connect(server.getsockname())
        taken, _ = server.accept()
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        taken.close()
        await trio.lowlevel.wait_readable(sock)
        assert _met_nobody(sock)


# ---------------------------------------------------------------- unix sockets


async def test_a_unix_socket_is_asked_like_a_port(tmp_path: Path) -> None:
    seen: list[bytes] = []
    file = SocketFile(str(tmp_path / "s"), "s")
    async with serving_at(file, answering(b"HTTP/1.1 503 x", seen=seen)):
        assert await tcp_check(file, 5) is None
        assert await http_check(file, CHECK) == "503 Service Unavailable"
    assert b"host: localhost\r\n" in seen[-1].lower()
    assert await tcp_check(file, 5) == "connection refused"
    assert await http_check(file, CHECK) == "connection refused"


async def test_a_socket_that_does_not_exist_is_said(tmp_path: Path) -> None:
    file = SocketFile(str(tmp_path / "s"), "s")
    assert await tcp_check(file, 5) == "its socket does not exist"
    assert await http_check(file, CHECK) == "its socket does not exist"


# ---------------------------------------------------------------- TLS


@pytest.mark.parametrize(
    ("flaw", "why"),
    [
        ("", None),
        ("sloppy", None),  # for which Python 3.13 refuses it by itself
        ("alone", "certificate verify failed: self-signed certificate"),
        ("late", "certificate verify failed: certificate has expired"),
        ("plain", "does not speak TLS"),
        ("silent", "closed the connection within the TLS handshake"),
    ],
)
async def test_a_check_of_https_says_what_requests_would_say(
    authority: Authority, tmp_path: Path, flaw: str, why: str | None
) -> None:
    if flaw == "sloppy":
        authority = Authority(tmp_path, sloppy=True)
    context = authority.server(days=-1 if flaw == "late" else 1, alone=flaw == "alone")
    seen: list[str] = []
    context.sni_callback = lambda _sock, name, _context: seen.append(name)

    async def talk(stream: trio.SocketStream) -> None:
        if flaw in {"plain", "silent"}:
            await stream.receive_some()
            await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n" if flaw == "plain" else b"")
        else:
            server = trio.SSLStream(stream, context, server_side=True)
            await server.do_handshake()
            await server.receive_some()
            await server.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with serving(talk, name="localhost") as plain:
        address = replace(plain, tls=Tls(ca=str(authority.file)))
        assert await http_check(address, CHECK) == why
        assert await tcp_check(address, 5) == why
        if flaw in {"alone", "late"}:
            assert await http_check(replace(plain, tls=Tls(verify=False)), CHECK) is None
    assert set(seen) <= {"localhost"}


@pytest.mark.parametrize("tls", [None, Tls(verify=False)])
async def test_a_check_that_is_given_up_leaves_no_connection(tls: Tls | None) -> None:
    """Not even to the garbage collector: a server with one thread would stay with it."""
    left = trio.Event()

    async def listens_only(stream: trio.SocketStream) -> None:
        while await stream.receive_some(1000):
            pass
        left.set()

    gc.disable()
    try:
        async with serving(listens_only) as plain:
            failure = await http_check(replace(plain, tls=tls), HASTY)
            assert failure == "no answer within 0.3 s"
            with trio.fail_after(SOON):
                await left.wait()
    finally:
        gc.enable()


async def test_an_address_that_never_answers_hides_no_other_of_localhost() -> None:
    with black_hole("127.0.0.1") as port:
        async with serving(answering(b"HTTP/1.1 200 OK"), "::1", "localhost", port) as address:
            assert await http_check(address, CHECK) is None
            assert await tcp_check(address, 5) is None


# ---------------------------------------------------------------- what it costs


@pytest.mark.real
def test_a_project_without_http_checks_does_not_load_httpx() -> None:
    script = (
        "import sys, trio; from rpx.backend.probe import tcp_check;"
        "from rpx.model.address import Address;"
        "trio.run(tcp_check, Address('127.0.0.1', 9), 1); print('httpx' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=True,
    )
    assert said.stdout == b"False\n"


async def test_who_hangs_up_on_all_but_tls_is_said_to_speak_it() -> None:
    async def only_tls(stream: trio.SocketStream) -> None:
        if bytes(await stream.receive_some()).startswith(b"\x16\x03"):
            await stream.send_all(b"\x16\x03\x03\x00\x7a\x02")

    async with serving(only_tls) as address:
        assert await http_check(address, CHECK) == "speaks TLS, not plain HTTP/1.1"
