"""Does a backend answer? One look each; None means yes, else a few words on why not."""

from __future__ import annotations

import errno
import math
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import trio

from rpx.http.protocols import OTHER, spoken
from rpx.hub.backend_tls import ANY_HTTP, client_context, client_hello, fault_of
from rpx.model.address import Address, Location, SocketFile, Tls
from rpx.model.config import HealthCheck
from rpx.policy.protocol_hints import HTTP_1, speaks

if TYPE_CHECKING:
    import httpx

COURTESY = 64 * 1024  # bytes of the body that are read so that a small server can finish its answer
REFUSED = "connection refused"
SILENCE = "no answer within"
NO_END = "no end within"  # of a command
NO_SOCKET = "its socket does not exist"
HELD = "a debugger holds its process"  # that it is silent says nothing of its health
NOBODY = frozenset({REFUSED, NO_SOCKET})  # what there is to say while nobody listens yet
COURTESY_TIME = 0.25  # seconds; a stream of events has no end to wait for
ELSEWHERE = 0.25  # seconds after which a silent 127.0.0.1 is given up for ::1
_LOOPBACK: Final = {"127.0.0.1": socket.AF_INET, "::1": socket.AF_INET6}
# Here one wants to know what was asked: the path is another, or that host isn't allowed.
_OF_THE_QUESTION: Final = range(300, 500)
# The events in which httpcore tells of a new connection.
_CONNECTED: Final = {f"connection.connect_{kind}.complete" for kind in ("tcp", "unix_socket")}
Whose = Callable[[trio.socket.SocketType], Awaitable[str | None]]
_Way = str | Tls | None  # the file of a unix socket, TLS, or a plain port
_clients: trio.lowlevel.RunVar[dict[_Way, httpx.AsyncClient]] = trio.lowlevel.RunVar("probes")


async def http_check(
    address: Location, check: HealthCheck, at: Location | None = None
) -> str | None:
    """None if a GET of `check.path` gets an expected status within `check.timeout` seconds in all.

    Otherwise why not: "503 Service Unavailable", "no answer within 2 s", "connection refused". `at`
    is where to ask, if not everywhere that `address` may be.
    """
    client = await _client_for(address)
    if isinstance(at, Address) and isinstance(address, Address):
        address = replace(address, port=at.port)
    absent: list[str] = []
    with trio.move_on_after(check.timeout):
        for host, patience in hosts_of(at or address):
            verdict, connected = await _ask(client, host, address, check, patience)
            if connected:
                return verdict or None
            absent.append(verdict)
        return absent[0]  # the second address may merely be one this machine lacks
    return f"{SILENCE} {check.timeout:g} s"


async def tcp_check(address: Location, timeout: float, whose: Whose | None = None) -> str | None:
    """None if somebody accepts a connection within `timeout` seconds, else why not.

    With TLS that takes a handshake. `whose` looks at a connection that stands, and says why it
    doesn't count, if it doesn't.
    """
    absent: list[str] = []
    strange: list[str] = []
    with trio.move_on_after(timeout):
        for host, patience in hosts_of(address):
            try:
                with trio.fail_after(patience):
                    stream = await connected_to(host, address)
            except (OSError, trio.TooSlowError) as error:
                absent.append(in_words(error))
                continue
            with stream.socket:
                if _met_nobody(stream.socket):
                    absent.append(REFUSED)
                elif whose is not None and (why := await whose(stream.socket)) is not None:
                    strange.append(why)
                else:
                    return await _not_secured(stream, address)
        return [*strange, *absent][0]
    return f"{SILENCE} {timeout:g} s"


def is_silence(failure: str | None) -> bool:
    """Whether nothing has been said at all, by a check or its refusal, for too long."""
    return failure is not None and failure.startswith((SILENCE, NO_END))


async def connected_to(host: str, address: Location) -> trio.SocketStream:
    """A new connection to an address, at one of the hosts that it may mean. Raises: OSError."""
    if isinstance(address, SocketFile):
        return await trio.open_unix_socket(address.path)
    if host not in _LOOPBACK:
        return await trio.open_tcp_stream(host, address.port)
    # A knock where nobody listens, ten times a second, is to cost next to nothing: no resolver, no
    # race of attempts, and most of the time no wait.
    sock = trio.socket.socket(_LOOPBACK[host], socket.SOCK_STREAM)
    try:
        await sock.connect((host, address.port))
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


async def _not_secured(stream: trio.SocketStream, address: Location) -> str | None:
    if isinstance(address, SocketFile) or address.tls is None:
        return None
    try:
        context = await client_context(address.tls, ANY_HTTP)  # whichever it has
        await trio.SSLStream(stream, context, server_hostname=address.host).do_handshake()
    except (OSError, trio.BrokenResourceError) as error:
        return in_words(error)
    return None


async def _ask(
    client: httpx.AsyncClient, host: str, address: Location, check: HealthCheck, patience: float
) -> tuple[str, bool]:
    """What is wrong ("" if nothing), and whether somebody was there to say it."""
    import httpx  # noqa: PLC0415 - 200 ms that a project without HTTP checks need not pay

    scheme, _, own = address.origin.partition("://")
    authority = check.host or own
    url = httpx.URL(scheme=scheme, host=host, port=address.port, raw_path=target_of(check.path))
    opened: list[trio.socket.SocketType] = []
    details: dict[str, Any] = {"timeout": {"connect": patience}, "trace": _noting(opened)}
    if isinstance(address, Address):
        details["sni_hostname"] = address.host
    try:
        async with client.stream(
            "GET",
            url,
            headers=[("host", authority), *check.headers],
            extensions=details,
        ) as response:
            status = response.status_code
            await _read_some(response)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        return in_words(error), False
    except httpx.RemoteProtocolError as error:
        return await _not_http(host, address, error), True
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return in_words(error), True
    finally:
        for each in opened:
            each.close()
    return verdict_on(status, check, authority), True


def verdict_on(status: int, check: HealthCheck, authority: str) -> str:
    """What a status says against a backend that was asked for `authority`; "" if nothing."""
    if any(low <= status <= high for low, high in check.expect):
        return ""
    if status in _OF_THE_QUESTION:
        return f"{_named(status)} to rpx's own GET {check.path} with Host {authority}"
    return _named(status)


def _noting(opened: list[trio.socket.SocketType]) -> Callable[..., Awaitable[None]]:
    """What httpcore tells of new connections.

    A handshake that is cut off leaves its own to the garbage collector, and a server with one
    thread would stay with it.
    """

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        if event in _CONNECTED:
            opened.append(info["return_value"].get_extra_info("socket"))

    return trace


async def _read_some(response: httpx.Response) -> None:
    import httpx  # noqa: PLC0415 - see above

    seen = 0
    with trio.move_on_after(COURTESY_TIME):
        try:
            async for chunk in response.aiter_raw():
                seen += len(chunk)
                if seen > COURTESY:
                    return
        except httpx.HTTPError:
            return  # the status has been said; the body is not what was asked for


async def prepare(address: Location) -> None:
    """Bring in what HTTP checks need, while the backend is still starting."""
    await _client_for(address)


async def _client_for(address: Location) -> httpx.AsyncClient:
    try:
        clients = _clients.get()
    except LookupError:
        _clients.set(clients := {})
    way = address.path if isinstance(address, SocketFile) else address.tls
    if way not in clients:
        context = await client_context(way) if isinstance(way, Tls) else None
        made = await trio.to_thread.run_sync(_make_client, way, context)
        clients.setdefault(way, made)  # another check may have been faster
    return clients[way]


def _make_client(way: _Way, context: ssl.SSLContext | None) -> httpx.AsyncClient:
    """No proxy from the environment, no kept connections, redirects, cookies: each look is new."""
    from http.cookiejar import CookieJar, DefaultCookiePolicy  # noqa: PLC0415 - comes with httpx

    import httpx  # noqa: PLC0415 - see above; in a thread, so that requests go on meanwhile

    return httpx.AsyncClient(
        trust_env=False,
        transport=httpx.AsyncHTTPTransport(
            verify=context or False,  # False for http://: that saves reading all authorities
            limits=httpx.Limits(max_keepalive_connections=0),
            uds=way if isinstance(way, str) else None,
        ),
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=None,  # noqa: S113 - the whole look has one
        headers={"user-agent": "rpx-health-check", "connection": "close"},
    )


def target_of(path: str) -> bytes:
    """As it was written, but for what no request line may hold."""
    return quote(path, safe="/?:@!$&'()*+,;=%~").encode()


def hosts_of(address: Location) -> tuple[tuple[str, float], ...]:
    """Return whom to call, one after the other, and for how many seconds to wait for each."""
    if isinstance(address, SocketFile):
        return (("localhost", math.inf),)
    if address.host == "localhost":
        return ("127.0.0.1", ELSEWHERE if address.tls is None else math.inf), ("::1", math.inf)
    return ((address.host, math.inf),)


def _met_nobody(sock: trio.socket.SocketType) -> bool:
    """Whether a call that has succeeded has reached nobody who is there.

    A port that is free may be given to the very socket that calls it; and who was just ending has
    taken the connection and reset it.
    """
    try:
        return bool(sock.getsockname() == sock.getpeername())
    except OSError:
        return True


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


async def _not_http(host: str, address: Location, error: Exception) -> str:
    """Say what somebody speaks whose answer is none. A second look: what came first is lost."""
    if isinstance(address, SocketFile) or address.tls is None:
        for greeting in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", client_hello()):
            said = spoken(await _answer_to(greeting, host, address))
            if said not in {OTHER, HTTP_1}:
                return speaks(said)
    if "disconnected" in str(error):
        return "closed the connection without an answer"
    return "the answer is not HTTP"


async def _answer_to(greeting: bytes, host: str, address: Location) -> bytes:
    try:
        with trio.fail_after(COURTESY_TIME):
            stream = await connected_to(host, address)
            with stream.socket:
                await stream.send_all(greeting)
                return bytes(await stream.receive_some(COURTESY))
    except (OSError, trio.TooSlowError, trio.BrokenResourceError):
        return b""


def in_words(error: BaseException) -> str:
    """The system's own words for the innermost cause."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return fault_of(cause)
        if isinstance(cause, trio.TooSlowError):
            return "no connection in time"
        if isinstance(cause, socket.gaierror):
            return "the host name is unknown"
        if isinstance(cause, OSError) and cause.errno:
            if cause.errno == errno.ECONNREFUSED:
                return REFUSED
            if cause.errno == errno.ENOENT:
                return NO_SOCKET
            return os.strerror(cause.errno).lower()
    return str(error) or type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """What led to it, outermost last: libraries wrap the OSError that says it."""
    if error is None:
        return
    yield from _causes(error.__cause__ or error.__context__)
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _causes(inner)
    yield error
