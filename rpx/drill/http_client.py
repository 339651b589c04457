"""A client's side of one connection to the proxy: a GET at a time, and the whole of its answer."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import urlsplit

import trio

from rpx.http.framing import CHUNKED, UNTIL_CLOSE, ChunkedReader
from rpx.http.limits import BadMessage
from rpx.http.response import ResponseHead, parse_response

READ: Final = 65536  # bytes at a time
CONNECT: Final = 5.0  # seconds; on this machine a listener that lives answers in microseconds


ClientStream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


class NoAnswer(Exception):
    """The request has failed; the message says how, in a few words that others share."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a service answers: IP literals to connect to, and what stands behind `Host`.

    `tls`: with it, whatever the certificate; whether browsers accept that is `rpx doctor`'s affair.
    `grpc`: a service to call grpc.health.v1 for, "" for the whole server; None: it is a GET.
    """

    addresses: Sequence[str]
    port: int
    host: str
    path: str = "/"
    tls: bool = False
    grpc: str | None = None

    @property
    def request(self) -> bytes:
        """The bytes of a request."""
        head = (
            f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\n"
            "User-Agent: rpx-drill\r\nAccept: */*\r\n\r\n"
        )
        return head.encode("ascii")


class HttpConnection:
    """One connection, which is kept while both sides want it. `reusable`: it can take another."""

    def __init__(self, stream: ClientStream) -> None:
        self._stream = stream
        self._ahead = b""
        self.reusable = True

    @classmethod
    async def open(cls, target: Target) -> HttpConnection:
        """Connect to the first address that answers. Raises: NoAnswer."""
        return cls(await connected(target))

    async def ask(self, target: Target) -> int:
        """Send the request of a target and read the whole answer; its status. Raises: NoAnswer."""
        return await self.get(target.request)

    async def get(self, request: bytes) -> int:
        """Send a request and read the whole answer; its status. Raises: NoAnswer.

        An event stream has no end: its beginning is its answer.
        """
        self.reusable = False
        try:
            await self._stream.send_all(request)
            head = await self._head()
            while head.status < 200:
                head = await self._head()
            if not head.event_stream:
                await self._body(head)
                self.reusable = head.keep_alive
        except trio.BrokenResourceError:
            raise NoAnswer("connection reset") from None
        except BadMessage:
            raise NoAnswer("malformed answer") from None
        return head.status

    def close(self) -> None:
        """Close it at once."""
        hang_up(self._stream)

    async def _head(self) -> ResponseHead:
        while True:
            found = parse_response(self._ahead, b"GET")
            if found is not None:
                head, size = found
                self._ahead = self._ahead[size:]
                return head
            self._ahead += await self._more("closed without an answer")

    async def _body(self, head: ResponseHead) -> None:
        if head.length == CHUNKED:
            reader = ChunkedReader(502)
            reader.feed(self._ahead)
            while not reader.done:
                reader.feed(await self._more("answer broke off"))
            self._ahead = reader.rest
        elif head.length == UNTIL_CLOSE:
            while await self._stream.receive_some(READ):
                pass
        else:
            left = head.length - len(self._ahead)
            while left > 0:
                left -= len(await self._more("answer broke off"))
            self._ahead = b""  # nothing was asked that could follow

    async def _more(self, otherwise: str) -> bytes:
        data = await self._stream.receive_some(READ)
        if not data:
            raise NoAnswer(otherwise)
        return bytes(data)


async def connected(target: Target) -> ClientStream:
    """Connect to the first address that answers. Raises: NoAnswer."""
    for address in target.addresses:
        with trio.move_on_after(CONNECT):
            try:
                sock = await trio.open_tcp_stream(address, target.port)
            except OSError:
                continue
            return await _secured(sock, target) if target.tls else sock
    raise NoAnswer("rpx does not take the connection")


def hang_up(stream: ClientStream) -> None:
    """Close a connection at once, without a word."""
    sock = stream if isinstance(stream, trio.SocketStream) else stream.transport_stream
    sock.socket.close()


async def _secured(sock: trio.SocketStream, target: Target) -> trio.SSLStream[trio.SocketStream]:
    """Agree on TLS. Raises: NoAnswer."""
    name = urlsplit(f"//{target.host}").hostname
    stream = trio.SSLStream(
        sock,
        _context("h2" if target.grpc is not None else "http/1.1"),
        server_hostname=name,
        https_compatible=True,
    )
    try:
        with trio.fail_after(CONNECT):
            await stream.do_handshake()
    except BaseException as error:
        sock.socket.close()
        if isinstance(error, trio.BrokenResourceError | trio.TooSlowError):
            raise NoAnswer("TLS handshake failed") from None
        raise
    return stream


@cache
def _context(protocol: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    return context
