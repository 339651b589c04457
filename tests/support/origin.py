"""A backend made of a listening socket and a script for each connection that comes in."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import trio

from tests.support.raw import SOON, Raw, background
from tests.support.tls import Sealed

Script = Callable[[Raw], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def says(text: str) -> bytes:
    """Return a plain answer."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text.encode())


def answers(*each: bytes, piece: int = 0) -> Script:
    """Answer the requests of a connection one after the other; the last answer stays."""

    async def script(raw: Raw) -> None:
        queue = list(each)
        while await raw.request() is not None:
            await raw.send(queue.pop(0) if len(queue) > 1 else queue[0], piece)

    return script


def once(answer: bytes = OK) -> Script:
    """Answer one request as if the connection were kept, then close it."""

    async def script(raw: Raw) -> None:
        await raw.request()
        await raw.send(answer)
        raw.close()

    return script


async def closes(raw: Raw) -> None:
    """Read a request, then close."""
    await raw.request()
    raw.close()


async def resets(raw: Raw) -> None:
    """Read a request, then reset."""
    await raw.request()
    raw.reset()


async def never(raw: Raw) -> None:
    """Read a request and never answer it; see whether the other side leaves."""
    await raw.request()
    while not raw.end:
        raw.end = "closed" if not await _received(raw) else ""


async def _received(raw: Raw) -> bytes:
    try:
        data: bytes = await raw.sock.recv(65536)
    except OSError:
        return b""
    return data


class Origin:
    """Connections come in through `accept`, or go to the scripts that `origin` was given."""

    def __init__(self, window: int, path: str, tls: ssl.SSLContext | None) -> None:
        """`window`: a small receive buffer, so that little is taken unread. `path`: of a unix
        socket to listen at, instead of a port. `tls`: is spoken.
        """
        listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        if window:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        listener.bind(path or ("127.0.0.1", 0))
        listener.listen(128)
        self.path = path
        self.tls = tls
        self.port: int = 0 if path else listener.getsockname()[1]
        self._listener = trio.socket.from_stdlib_socket(listener)
        self._came = trio.Event()
        self.visits: list[Raw] = []

    @property
    def requests(self) -> list[bytes]:
        """All requests that were read whole, over all connections."""
        return [request for raw in self.visits for request in raw.requests]

    async def accept(self) -> Raw:
        """Return the next connection."""
        with trio.fail_after(SOON):
            sock, _ = await self._listener.accept()
        return self._visit(sock)

    async def nobody(self) -> bool:
        """Tell that nobody is at the door."""
        with trio.move_on_after(0):
            sock, _ = await self._listener.accept()
            self._visit(sock)
            return False
        return True

    async def visit(self, number: int) -> Raw:
        """Return the connection of that number, waiting until it has come."""
        with trio.fail_after(SOON):
            while len(self.visits) <= number:
                await self._came.wait()
        return self.visits[number]

    async def run(self, scripts: tuple[Script, ...]) -> None:
        """Play a script with each connection; the last one again and again."""
        async with trio.open_nursery() as plays:
            number = 0
            while True:
                sock, _ = await self._listener.accept()
                script = scripts[min(number, len(scripts) - 1)]
                number += 1
                plays.start_soon(_play, script, self._visit(sock))

    def _visit(self, sock: trio.socket.SocketType) -> Raw:
        if not self.path:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw = Raw(sock if self.tls is None else Sealed(sock, self.tls))
        self.visits.append(raw)
        self._came.set()
        self._came = trio.Event()
        return raw

    def close(self) -> None:
        """Close everything."""
        self._listener.close()
        for raw in self.visits:
            raw.close()


async def _play(script: Script, raw: Raw) -> None:
    try:
        await script(raw)
    except (OSError, trio.ClosedResourceError):
        pass  # the other side has left: many tests want just that
    except trio.TooSlowError:
        raw.end = raw.end or "waited in vain"


@asynccontextmanager
async def origin(
    *scripts: Script, window: int = 0, path: str = "", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Origin]:
    """Listen; without scripts the test accepts and plays by hand."""
    it = Origin(window, path, tls)
    async with background() as nursery:
        if scripts:
            nursery.start_soon(it.run, scripts)
        try:
            yield it
        finally:
            nursery.cancel_scope.cancel()
            it.close()


@contextmanager
def refusing() -> Iterator[int]:
    """A port that refuses connections, and that nobody else gets in the meantime."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]
