"""A backend that can be believed: it writes down what it does before it answers.

Each line of the file $SOAK_LOG is `what id pid`: B when a request's head has come, E when it has
come whole and is executed. The file outlives `kill -9`. Every answer names its request and this
process. Paths: /get, /take, /echo, /sse and /ws, with what is wanted of them in the query.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from urllib.parse import parse_qsl, urlsplit

from tests.soak.content import GUID, content, digest, events

IDLE = 2.0  # seconds; said in Keep-Alive, and held to
PID = os.getpid()
PORT = int(os.environ.get("PORT", "0"))
_log = -1


def note(what: str, ident: str) -> None:
    """Write a line down, in one call: three processes share the file."""
    os.write(_log, f"{what} {ident} {PID}\n".encode())


class Visit:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def run(self) -> None:
        """Answer until somebody has had enough."""
        try:
            while True:
                async with asyncio.timeout(IDLE):
                    head = await self.reader.readuntil(b"\r\n\r\n")
                if not await self.answer(head):
                    break
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # the other side has left, or had nothing more to say
        finally:
            self.writer.close()

    async def answer(self, head: bytes) -> bool:
        """Answer one request; tell whether another may follow."""
        start, *lines = head[:-4].decode("latin-1").split("\r\n")
        _, target, _ = start.split(" ")
        fields = {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        url = urlsplit(target)
        query = dict(parse_qsl(url.query))
        ident = query.get("id", "")
        if url.path == "/health":
            return await self.send(ident, b"fine\n")
        note("B", ident)
        if fields.get("expect") == "100-continue":
            self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await self.body(fields)
        note("E", ident)
        await asyncio.sleep(float(query.get("wait", "0")))  # executed, not answered: the worst time
        match url.path:
            case "/ws":
                return await self.tunnel(ident, fields)
            case "/sse":
                return await self.stream(ident, int(query["n"]), float(query["pause"]))
            case "/get":
                return await self.send(ident, content(ident, int(query["n"])), query)
            case "/echo":
                return await self.send(ident, body, query)
            case _:
                return await self.send(ident, f"{digest(body)} {len(body)}".encode(), query)

    async def body(self, fields: dict[str, str]) -> bytes:
        """Read a request's body whole."""
        if fields.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(fields.get("content-length", "0")))
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        while await self.reader.readuntil(b"\r\n") != b"\r\n":
            pass
        return body

    def about(self, ident: str, *more: str, start: str = "200 OK") -> bytes:
        """A head."""
        lines = [f"HTTP/1.1 {start}", f"X-Id: {ident}", f"X-Pid: {PID}", f"X-Port: {PORT}", *more]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def send(self, ident: str, body: bytes, query: dict[str, str] | None = None) -> bool:
        """Send an answer whole: counted, or in chunks if the query says so."""
        query = query or {}
        close = query.get("then") == "close"
        keep = "Connection: close" if close else f"Keep-Alive: timeout={IDLE:.0f}"
        if query.get("how") == "chunked":
            self.writer.write(self.about(ident, "Transfer-Encoding: chunked", keep))
            for at in range(0, len(body), 50_000):
                piece = body[at : at + 50_000]
                self.writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                await self.writer.drain()
            self.writer.write(b"0\r\n\r\n")
        else:
            self.writer.write(self.about(ident, f"Content-Length: {len(body)}", keep) + body)
        await self.writer.drain()
        return not close

    async def stream(self, ident: str, count: int, pause: float) -> bool:
        """Send events one by one."""
        lines = ("Content-Type: text/event-stream", "Transfer-Encoding: chunked")
        self.writer.write(self.about(ident, *lines))
        for event in events(ident, count):
            self.writer.write(b"%x\r\n%b\r\n" % (len(event), event))
            await self.writer.drain()
            await asyncio.sleep(pause)
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()
        return True

    async def tunnel(self, ident: str, fields: dict[str, str]) -> bool:
        """Accept a WebSocket; then send back whatever comes, byte for byte."""
        key = fields["sec-websocket-key"].encode() + GUID
        accept = base64.b64encode(hashlib.sha1(key).digest()).decode()  # noqa: S324 - RFC 6455
        lines = ("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}")
        self.writer.write(self.about(ident, *lines, start="101 Switching Protocols"))
        while data := await self.reader.read(65536):
            self.writer.write(data)
            await self.writer.drain()
        return False


async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve a connection."""
    await Visit(reader, writer).run()


async def main() -> None:
    """Listen until killed."""
    global _log  # noqa: PLW0603 - one file per process
    _log = os.open(os.environ["SOAK_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    server = await asyncio.start_server(visit, os.environ.get("HOST", "127.0.0.1"), PORT)
    print(f"listening on {PORT}", flush=True)  # noqa: T201 - for `rpx logs`
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
