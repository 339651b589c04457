"""One end of a TCP connection in a test's hand: bytes out, bytes in, nothing believed."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import trio

from tests.support.tls import Sealed

SOON = 30.0  # seconds after which whatever a test waits for isn't coming any more
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9A-Fa-f]+)[^\r\n]*\r\n")


@dataclass
class Answer:
    """What a client got. `whole`: as its framing says; a body up to the end of the connection
    counts as whole when that end is a FIN."""

    status: int
    head: bytes
    body: bytes
    whole: bool

    def field(self, name: str) -> str | None:
        """The first field of that name."""
        found = re.search(rf"\r\n(?i:{name}):[ \t]*([^\r]*)", self.head.decode("latin-1"))
        return found[1].rstrip() if found else None


class Raw:
    """A connected socket. Every wait is bounded; a wait that is too long raises TooSlowError."""

    def __init__(self, sock: trio.socket.SocketType | Sealed) -> None:
        self.sock: Any = sock
        self.buffer = b""  # come, but not yet looked at
        self.received = 0  # bytes in all
        self.requests: list[bytes] = []  # that `request` has returned
        self.end = ""  # how the other side's sending ended: "" (not yet), "closed" or "reset"

    # ---- out

    async def send(self, data: bytes, piece: int = 0) -> None:
        """Send all, `piece` bytes at a time when that is given. Raises OSError."""
        try:
            with trio.fail_after(SOON + len(data) / 1e6):
                for start in range(0, len(data), piece or len(data) or 1):
                    left = memoryview(data)[start : start + (piece or len(data))]
                    while left:
                        left = left[await self.sock.send(left) :]
                    if piece:
                        await trio.lowlevel.checkpoint()
        except ConnectionResetError:
            self.end = "reset"
            raise

    def half_close(self) -> None:
        """Send a FIN; go on reading."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Leave."""
        self.sock.close()

    def reset(self) -> None:
        """Leave with a RST."""
        with suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    # ---- in

    async def more(self, size: int = 65536) -> bool:
        """Wait for more bytes; False when none will come, and `end` says how it ended."""
        if self.end:
            return False
        try:
            with trio.fail_after(SOON):
                data = await self.sock.recv(size)
        except ConnectionError:
            self.end = "reset"
            return False
        if not data:
            self.end = "closed"
        self.buffer += data
        self.received += len(data)
        return bool(data)

    async def take(self, count: int) -> bytes:
        """Return the next `count` bytes, or fewer at the end."""
        while len(self.buffer) < count and await self.more():
            pass
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    async def until(self, mark: bytes) -> bytes:
        """Return everything up to and with `mark`, or what there is at the end."""
        while mark not in self.buffer and await self.more():
            pass
        at = self.buffer.find(mark)
        return await self.take(at + len(mark) if at >= 0 else len(self.buffer))

    async def rest(self) -> bytes:
        """Return everything up to the end."""
        while await self.more():
            pass
        data, self.buffer = self.buffer, b""
        return data

    async def ended(self) -> str:
        """Wait for the end, after which nothing may be left over; return how it ended."""
        left = await self.rest()
        assert left == b"", f"before the end came {left!r}"
        return self.end

    # ---- messages

    async def request(self) -> bytes | None:
        """Return the next request, head and body; None when the other side has left before."""
        head, body, whole = await self._message()
        if not whole:
            return None
        self.requests.append(head + body)
        return head + body

    async def answer(self, method: str = "GET") -> Answer:
        """Return the next answer, read as its framing says."""
        head, body, whole = await self._message(method=method, answer=True)
        assert head.startswith(b"HTTP/1.1 "), f"no answer but {head!r} ({self.end})"
        return Answer(int(head[9:12]), head, body, whole)

    async def _message(
        self, *, method: str = "", answer: bool = False
    ) -> tuple[bytes, bytes, bool]:
        head = await self.until(b"\r\n\r\n")
        if not head.endswith(b"\r\n\r\n"):
            return head, b"", False
        bodiless = method == "HEAD" or (answer and head[9:12] in {b"204", b"304", b"101"})
        if bodiless or (answer and head[9:10] == b"1"):
            return head, b"", True
        if _CHUNKED.search(head):
            body = await self._chunks()
            return head, body[0], body[1]
        if (told := _LENGTH.search(head)) is not None:
            size = int(told[1])
            data = await self.take(size)
            return head, data, len(data) == size
        if not answer:
            return head, b"", True
        data = await self.rest()
        return head, data, self.end == "closed"

    async def _chunks(self) -> tuple[bytes, bool]:
        """Return the payload, and whether the last chunk has come."""
        pieces: list[bytes] = []
        while True:
            line = await self.until(b"\r\n")
            if not line.endswith(b"\r\n"):
                return b"".join(pieces), False
            size = int(line.split(b";")[0], 16)
            if not size:
                while (line := await self.until(b"\r\n")) not in {b"\r\n", b""}:
                    pass
                return b"".join(pieces), line == b"\r\n"
            pieces.append(await self.take(size))
            if await self.take(2) != b"\r\n":
                return b"".join(pieces), False


async def connect(port: int, host: str = "127.0.0.1", *, window: int = 0) -> Raw:
    """Connect. `window`: a small receive buffer, so that a reader who stops is felt soon."""
    family = trio.socket.AF_INET6 if ":" in host else trio.socket.AF_INET
    sock = trio.socket.socket(family, trio.socket.SOCK_STREAM)
    if window:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        with trio.fail_after(SOON):
            await sock.connect((host, port))
    except BaseException:
        sock.close()
        raise
    return Raw(sock)


def merged(stream: bytes) -> bytes:
    """Return HTTP messages with each chunked body written as one chunk.

    How a body is cut into chunks depends on how it came; everything else has to be exact.
    """
    out, at = b"", 0
    while (end := stream.find(b"\r\n\r\n", at)) >= 0:
        head, at = stream[at : end + 4], end + 4
        out += head
        told = _LENGTH.search(head)
        if _CHUNKED.search(head):
            body, at = _merge_chunks(stream, at)
            out += body
        elif told is not None:
            size = int(told[1])
            out, at = out + stream[at : at + size], at + size
    return out + stream[at:]


def _merge_chunks(stream: bytes, at: int) -> tuple[bytes, int]:
    payload, last = b"", b""
    while (found := _CHUNK.match(stream, at)) is not None:
        size = int(found[1], 16)
        begin = found.end()
        if not size:
            last, at = found[0], begin
            break
        if stream[begin + size : begin + size + 2] != b"\r\n":
            break
        payload += stream[begin : begin + size]
        at = begin + size + 2
    chunk = b"%x\r\n%b\r\n" % (len(payload), payload) if payload else b""
    return chunk + last, at


@asynccontextmanager
async def background() -> AsyncIterator[trio.Nursery]:
    """A nursery for what runs beside a test; the test's own failure comes out as it is."""
    try:
        async with trio.open_nursery() as nursery:
            yield nursery
    except BaseExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        raise group.exceptions[0] from None
