"""The only place where the data path touches sockets that are connected: read, write, accept.

Each call tries first and waits only when the kernel says so. How a wire is waited for is the
reactor's affair; nothing else in this room does.
"""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Awaitable
from contextlib import suppress

import trio
from trio.lowlevel import notify_closing, wait_readable

from rpx.http.memory import ResponseMemory
from rpx.hub.counts import Traffic
from rpx.hub.seats import Seat
from rpx.policy.retry import Failure
from rpx.proxy.coroutines import Polled
from rpx.proxy.reactor import Reactor
from rpx.proxy.wire import NEVER, Body, Buffers, Cut, NotSent, Nudged, WireCut

READ_SIZE = 65536  # a 256 KB buffer doubled the cost of small requests: the allocator maps it anew
TURN = 32  # calls that went through without waiting after which the other tasks have their turn
NO_MORE_FILES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux
_NWRITE = 0x1024 if sys.platform == "darwin" else None  # SO_NWRITE, which Python doesn't name
_RESET = struct.pack("ii", 1, 0)


class Wire(Polled):
    """One non-blocking stream socket.

    `deadline` is looked at by the sweeper, and when it is at rest between two requests, `since`
    is when that began (both in seconds on trio's clock). `reused`: it was at rest before. `traffic`
    counts its bytes, and may be shared with others. `plain`: its bytes are on it as they are.
    `memory` and `seat`: of those to backends.
    """

    memory: ResponseMemory
    seat: Seat
    plain = True
    code: int | None = None  # HTTP/1.1 has none
    end: bytes | None = None  # of a body that ends with the connection: nothing tells it beforehand
    __slots__ = (
        "_cut",
        "_reactor",
        "_turn",
        "deadline",
        "memory",
        "nudged",
        "queued",
        "reused",
        "seat",
        "since",
        "stuck",
        "traffic",
    )

    def __init__(self, sock: socket.socket, reactor: Reactor) -> None:
        super().__init__(sock)
        self._reactor = reactor
        self.nudged = False
        self.traffic = Traffic()
        self.deadline = NEVER
        self.since = NEVER
        self.stuck = NEVER  # since when the other side takes no more of what waits to be sent
        self.queued = -1  # bytes of it in the kernel, as seen last
        self.reused = False
        self._cut: Cut | None = None
        self._turn = TURN

    async def receive(self) -> bytes:
        """Return what there is, at least one byte; b"" at the end. Raises: OSError, WireCut."""
        self._turn -= 1
        if not self._turn:
            await self.give_way()  # before the read: cancelled behind it, it would be lost
        try:
            data = self.sock.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            self._turn = TURN
            self.may_read = self.ended = False
        except OSError as error:
            raise self.reason(error) from None
        else:
            self.traffic.received += len(data)
            return data
        return await Wire.expect(self)  # of these bytes: with TLS, `self.expect` decrypts

    async def expect(self) -> bytes:
        """Like `receive` where nothing has come yet: a try would only cost a system call.

        Raises: OSError, WireCut; Nudged when it is to wait no longer.
        """
        while True:
            try:
                await self._reactor.readable(self)
                data = self.sock.recv(READ_SIZE)
            except (BlockingIOError, InterruptedError):
                self.may_read = self.ended = False
            except (trio.ClosedResourceError, OSError, ValueError) as error:
                if self.sock.fileno() < 0 or isinstance(error, OSError):
                    raise self.reason(error) from None
            else:
                self.traffic.received += len(data)
                return data
            if self.nudged:
                self.nudged = False
                raise Nudged

    def nudge(self) -> None:
        """Let whoever waits to read here, or will, have Nudged instead of waiting on."""
        self.nudged = True
        self._reactor.wake(self)
        if self.sock.fileno() >= 0:
            notify_closing(self.sock)  # how a trio task that waits for it is woken

    async def give_way(self) -> None:
        """Let other connections have their turn."""
        self._turn = TURN
        await self._reactor.give_way()

    def give_way_soon(self) -> None:
        """Let them have it before the next read: what came with the last one took long."""
        self._turn = 1

    async def step(self) -> None:
        """Count something that goes on without a read, so that it has no more turns than others."""
        self._turn -= 1
        if not self._turn:
            await self.give_way()

    async def readable(self) -> None:
        """Wait until there is something to read. Raises: OSError, WireCut."""
        try:
            await self._reactor.readable(self)
        except (trio.ClosedResourceError, OSError) as error:
            raise self.reason(error) from None

    async def receive_soon(self) -> bytes | None:
        """Like `receive`, but wait a moment only, for more than the last read took; None: no.

        Raises: OSError, WireCut.
        """
        self.may_read = self.ended  # whatever else was told of has just been read
        try:
            came = await self._reactor.readable_soon(self)
        except (trio.ClosedResourceError, OSError) as error:
            raise self.reason(error) from None
        return await Wire.receive(self) if came else None

    async def writable(self) -> None:
        """Wait until something can be written. Raises: OSError, WireCut."""
        self.stuck = trio.current_time()
        try:
            await self._reactor.writable(self)
            self.stuck, self.queued = NEVER, -1
        except (trio.ClosedResourceError, OSError) as error:
            raise self.reason(error) from None

    async def send(self, data: bytes) -> None:
        """Send all of `data`. Raises: OSError (NotSent if nothing was taken), WireCut."""
        try:
            sent = self.sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            raise NotSent from error
        self.traffic.sent += sent
        if sent < len(data):
            await self._send_rest(memoryview(data)[sent:])

    async def send_pieces(self, pieces: Buffers) -> None:
        """Send all of `pieces` in as few calls as the kernel allows.

        Raises: OSError (NotSent if nothing was taken), WireCut.
        """
        if len(pieces) == 1:
            return await self.send(pieces[0])
        total = sum(map(len, pieces))
        if total <= 4096 or len(pieces) > 512:  # joining is cheaper than the long call
            return await self.send(b"".join(pieces))
        try:
            sent = self.sock.sendmsg(pieces)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            raise NotSent from error
        self.traffic.sent += sent
        if sent < total:
            await self._send_rest(memoryview(b"".join(pieces))[sent:])
        return None

    def takes_nothing(self, now: float, patience: float) -> bool:
        """Whether nothing has been taken for so long, though something waits to be sent.

        The kernel tells of room only when there is a lot of it, so what it still has is looked at.
        """
        if self.queued < 0:
            self.queued = _unsent(self.sock)
        elif now - self.stuck > patience:
            before, self.queued = self.queued, _unsent(self.sock)
            if self.queued < before:
                self.stuck = now
        return now - self.stuck > patience

    async def _send_rest(self, rest: memoryview) -> None:
        while rest:
            self.stuck = min(self.stuck, trio.current_time())
            try:
                await self._reactor.writable(self)
                sent = self.sock.send(rest)
            except (BlockingIOError, InterruptedError):
                continue
            except (trio.ClosedResourceError, OSError) as error:
                if self.sock.fileno() >= 0 and not isinstance(error, OSError):
                    continue  # a nudge, which is for the reader
                raise self.reason(error) from None
            self.traffic.sent += sent
            rest = rest[sent:]
            self.stuck, self.queued = NEVER, -1

    def reason(self, error: Exception) -> Exception:
        """Return what is to be raised for `error`: WireCut if another task is behind it."""
        return error if self._cut is None else WireCut(self._cut)

    def cut(self, why: Cut) -> None:
        """End this wire from outside its task, which gets WireCut where it waits."""
        if self._cut is None:
            self._cut = why
            if why is Cut.UNREAD:
                self.abandon()
            self.close()

    def close(self) -> None:
        """Close the socket; safe to call twice."""
        if self.sock.fileno() >= 0:
            self._reactor.forget(self)
            if self.known_to_trio:
                notify_closing(self.sock)
            self.sock.close()

    def give_away(self) -> int:
        """Return the descriptor, which is the caller's from now on. Nobody may be waiting here."""
        self._reactor.disown(self)
        return self.sock.detach()

    def reset(self) -> None:
        """Close so that the other side sees an error, not an end."""
        self.abandon()
        self.close()

    def abandon(self) -> None:
        """Let a close drop what waits to be sent: the kernel would keep it for minutes."""
        with suppress(OSError):  # it has gone already
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def take_leave(self) -> None:
        """Say, where that can be said, that what has been sent was all."""

    # ---- what an exchange says to a backend

    def ask(self, head: bytes, body: Body | None) -> Awaitable[None]:
        """Send a request, with what has been read of its body. Raises: as `send`."""
        if body is None:
            return self.send(head)
        return self.send_pieces([head, *body.framed(body.pieces)])

    def send_body(self, body: Body, pieces: Buffers) -> Awaitable[None]:
        """Send what has been read last of its body. Raises: as `send`."""
        return self.send_pieces(body.framed(pieces))

    def broken(self) -> Failure:
        """Return what it means that no answer has come here."""
        if not self.reused:
            return Failure.BROKEN_FRESH
        self.seat.seats.died(self, trio.current_time())
        self.seat.seats.close()  # the others may be as old
        return Failure.BROKEN_REUSED

    def drop(self) -> None:
        """Close a connection that carries nothing more to its backend."""
        self.seat.seats.leave(self.seat)
        self.close()

    # ---- how it ends

    async def finish_sending(self) -> None:
        """Tell the other side that nothing more will come."""
        with suppress(OSError):  # it has gone already
            self.sock.shutdown(socket.SHUT_WR)

    def acknowledge(self) -> None:
        """Send the ACK that the kernel would delay by 40 ms.

        A server that writes head and body apart without TCP_NODELAY (Python's http.server) holds
        the body back until its head is acknowledged (Nagle).
        """
        if _QUICKACK is not None:
            try:
                self.sock.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
            except OSError:
                pass  # the next read tells what is wrong

    def is_quiet(self) -> bool:
        """Whether an idle connection may be used: it still stands, and nothing has come on it."""
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            pass
        return False


def _unsent(sock: socket.socket) -> int:
    """Bytes that the kernel has still to send, or that the other side has not acknowledged."""
    try:
        if _NWRITE is not None:
            return sock.getsockopt(socket.SOL_SOCKET, _NWRITE)
        return int.from_bytes(fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except (OSError, ValueError):  # closed
        return 0


async def accept(listener: socket.socket) -> tuple[socket.socket, str, int]:
    """Return the next client's socket, non-blocking, its address and port. Raises: OSError."""
    while True:
        try:
            sock, address = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            await wait_readable(listener)
        else:
            sock.setblocking(False)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:  # macOS says so when the client has gone already: the next read tells
                pass
            return sock, str(address[0]), int(address[1])
