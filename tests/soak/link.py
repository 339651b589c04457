"""A client's connection: bytes out, answers in, and how far each has come."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field

import trio

READ = 65536


class Broken(Exception):
    """The connection ended where it must not."""


@dataclass
class Head:
    """The head of an answer."""

    status: int
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def closes(self) -> bool:
        """Whether it is the connection's last answer."""
        return self.fields.get("connection", "").lower() == "close"


class Link:
    """A connected socket with a buffer. `pace` is for slow readers: seconds between two reads."""

    def __init__(self, sock: trio.socket.SocketType) -> None:
        self.sock = sock
        self.buffer = bytearray()
        self.pace = 0.0

    @classmethod
    async def open(cls, port: int, *, window: int = 0) -> Link:
        """Connect; `window`: a small receive buffer."""
        sock = trio.socket.socket()
        try:
            if window:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await sock.connect(("127.0.0.1", port))
        except BaseException:
            sock.close()
            raise
        return cls(sock)

    def leave(self, *, reset: bool = False) -> None:
        """Close, with a FIN or a RST."""
        if reset:
            try:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass  # the other side was first
        self.sock.close()

    async def send(self, data: bytes) -> None:
        """Send all. Raises OSError."""
        left = memoryview(data)
        while left:
            left = left[await self.sock.send(left) :]

    async def more(self) -> None:
        """Read something. Raises Broken at the end."""
        if self.pace:
            await trio.sleep(self.pace)
        try:
            data = await self.sock.recv(READ)
        except OSError as error:
            raise Broken(f"{type(error).__name__} with {len(self.buffer)} bytes unused") from None
        if not data:
            raise Broken(f"closed with {len(self.buffer)} bytes unused")
        self.buffer += data

    async def until(self, mark: bytes) -> bytes:
        """Everything up to and with `mark`."""
        seen = 0
        while (at := self.buffer.find(mark, max(0, seen - len(mark)))) < 0:
            seen = len(self.buffer)
            await self.more()
        return self.take(at + len(mark))

    def take(self, count: int) -> bytes:
        """The first bytes of the buffer."""
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    async def head(self) -> Head:
        """The head of the next final answer (or of a 101)."""
        while True:
            start, *lines = (await self.until(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
            if not start.startswith("HTTP/1.1 "):
                raise ValueError(f"no status line but {start!r}")
            head = Head(int(start[9:12]))
            for name, _, value in (line.partition(":") for line in lines):
                if name.lower() in head.fields:
                    raise ValueError(f"two lines of {name}")
                head.fields[name.lower()] = value.strip()
            if head.status >= 200 or head.status == 101:
                return head

    async def body(self, head: Head, into: bytearray) -> None:
        """Read the body `into` something that has what came also when it breaks off."""
        if "chunked" in head.fields.get("transfer-encoding", ""):
            while size := int(await self.until(b"\r\n"), 16):
                await self._counted(size, into)
                if await self.exactly(2) != b"\r\n":
                    raise ValueError("a chunk does not end where it should")
            if await self.until(b"\r\n") != b"\r\n":
                raise ValueError("trailers that nobody sent")
        elif "content-length" in head.fields:
            await self._counted(int(head.fields["content-length"]), into)
        else:
            raise ValueError("an answer without framing")

    async def exactly(self, count: int) -> bytes:
        """So many bytes."""
        while len(self.buffer) < count:
            await self.more()
        return self.take(count)

    async def _counted(self, count: int, into: bytearray) -> None:
        while count:
            if not self.buffer:
                await self.more()
            piece = self.take(count)
            into += piece
            count -= len(piece)
