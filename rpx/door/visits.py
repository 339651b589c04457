"""Clients at the door: each is looked at, and passed on or answered. None keeps another waiting."""

from __future__ import annotations

import socket
import time
from functools import partial

from rpx.door.asked import HANDSHAKE, LARGEST_HELLO, NOBODY, of_plain, of_tls
from rpx.door.poller import GONE
from rpx.door.visitor import UNRECOGNIZED_NAME, Visitor

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from rpx.door.hall import Hall
    from rpx.door.member import DoorMember

PEEK: Final = int(socket.MSG_PEEK)  # as a flag of an enumeration it costs a microsecond
PEEKED: Final = 2048  # bytes of a first look
LARGEST_HEAD: Final = 65536 + 4096  # bytes that are read here; http/limits.py refuses less
SILENCE: Final = 75.0  # seconds: browsers connect in advance
PATIENCE_HTTP2: Final = 1.0  # to the first request, for which gRPC waits for our SETTINGS
LEAVING: Final = 2.0  # for a client to read an answer
# What is waited for: each is a line, in which the first is the first to be given up.
SILENT: Final = "silent"
BEGUN: Final = "begun"
HTTP2: Final = "http2"
ANSWERED: Final = "answered"


class Visits:
    """The clients that nobody has yet.

    Each waits in one of four lines: an ordered dict costs less than a timer each. `lost` is told of
    members that have gone.
    """

    def __init__(self, hall: Hall, lost: Callable[[DoorMember], None]) -> None:
        self.hall = hall
        self.lost = lost
        self._waits = {
            SILENT: SILENCE,
            BEGUN: hall.patience,
            HTTP2: PATIENCE_HTTP2,
            ANSWERED: LEAVING,
        }
        self._lines: dict[str, dict[Visitor, float]] = {line: {} for line in self._waits}

    @property
    def any(self) -> bool:
        """Somebody is here who has not been passed on."""
        return any(self._lines.values())

    # ---- whom they want

    def look(self, visitor: Visitor, what: int = 0) -> None:
        """See what has come of a client, and pass it on if that says whom it wants."""
        if visitor.rest is not None:
            self._answer_on(visitor)
        elif visitor.ahead:
            self._read(visitor)
        else:
            self._peek(visitor, gone=bool(what & GONE))

    def _peek(self, visitor: Visitor, *, gone: bool) -> None:
        """Look at the first bytes without taking them: who has that name reads them anew."""
        try:
            data = visitor.sock.recv(PEEKED, PEEK)
            if len(data) == PEEKED and data[0] == HANDSHAKE:
                data = visitor.sock.recv(LARGEST_HELLO, PEEK)
        except BlockingIOError:
            self._keep(visitor, SILENT)
            return
        except OSError:
            data = b""
        if not data:
            self.drop(visitor)
        elif data[0] == HANDSHAKE:
            self._look_at_hello(visitor, data, gone=gone)
        else:
            name = of_plain(data)
            # HTTP/2 names nobody so early, and a member may take whoever names nobody.
            known = name or (name is not None and not data.startswith(b"PRI "))
            member = self.hall.owner(name or NOBODY, visitor.entrance) if known else None
            if member is not None:
                self.give(visitor, member)
            else:
                self._read(visitor)

    def _look_at_hello(self, visitor: Visitor, data: bytes, *, gone: bool) -> None:
        name = of_tls(data)
        if name is None:
            if gone:
                self.drop(visitor)
            else:
                self._keep(visitor, BEGUN)
            return
        member = self.hall.owner(name, visitor.entrance)
        eldest = self.hall.eldest(visitor.entrance, tls=True)
        if member is not None:
            self.give(visitor, member)
        elif eldest is not None:
            self.give(visitor, eldest, astray=True)
        else:
            self.answer(visitor, UNRECOGNIZED_NAME)

    def _read(self, visitor: Visitor) -> None:
        """Read more of what is not TLS; it goes with the client, or is answered here."""
        ended = False
        while len(visitor.ahead) < LARGEST_HEAD:
            try:
                data = visitor.sock.recv(16384)
            except BlockingIOError:
                break
            except OSError:
                self.drop(visitor)
                return
            if not data:
                ended = True
                break
            visitor.ahead += data
        self.consider(visitor, ended=ended)

    def consider(self, visitor: Visitor, *, ended: bool = False) -> None:
        """Find out from what has been read of a client whom it wants."""
        if visitor.ahead.startswith(b"PRI * ") and not ended:
            self._consider_http2(visitor)
            return
        name = of_plain(visitor.ahead)
        if name is not None:
            member = self.hall.owner(name, visitor.entrance)
            if member is not None and member is not visitor.not_for:
                self.give(visitor, member)
                return
        from rpx.door.answering_here import judge  # noqa: PLC0415 - most clients want somebody

        answer = judge(visitor, self.hall)
        if answer is not None:
            self.answer(visitor, answer)
        elif ended:
            self.drop(visitor)
        else:
            self._keep(visitor, BEGUN)

    def consider_all(self, visitors: list[Visitor]) -> None:
        """Find it out for each, and leave none in the list."""
        while visitors:
            self.consider(visitors.pop())

    def _consider_http2(self, visitor: Visitor) -> None:
        from rpx.door.asked_http2 import SETTINGS, of_http2  # noqa: PLC0415 - only gRPC comes so

        alone = self.hall.is_alone(visitor.entrance)
        name = NOBODY if alone else of_http2(visitor.ahead)
        member = self.hall.owner(name, visitor.entrance) if name is not None else None
        if member is not None and member is not visitor.not_for:
            self.give(visitor, member)
        elif name is None:
            if visitor not in self._lines[HTTP2]:
                self._say(visitor, SETTINGS)  # gRPC asks for nothing before it has some
            self._keep(visitor, HTTP2)
        else:
            self._give_to_eldest(visitor, astray=not alone)

    def _say(self, visitor: Visitor, data: bytes) -> None:
        """Say a word to somebody who has heard nothing yet: there is room for it."""
        try:
            visitor.sock.send(data)
        except OSError:
            pass  # the next read tells what is wrong

    def _give_to_eldest(self, visitor: Visitor, *, astray: bool) -> None:
        """Let somebody answer who speaks HTTP/2."""
        eldest = self.hall.eldest(visitor.entrance)
        if eldest is not None and eldest is not visitor.not_for:
            self.give(visitor, eldest, astray=astray)
        else:
            self.drop(visitor)

    # ---- what becomes of them

    def give(self, visitor: Visitor, member: DoorMember, *, astray: bool = False) -> None:
        """Pass a client on."""
        if member.full:
            from rpx.door.answering_here import hung  # noqa: PLC0415 - it is seldom

            self.answer(visitor, hung(visitor, member))
            return
        self._forget(visitor)
        if not member.take(visitor, astray=astray):
            self.lost(member)
        else:
            self.hall.mind(member)

    def answer(self, visitor: Visitor, data: bytes) -> None:
        """Answer a client here, and let it go when it has read that."""
        visitor.rest = data
        self._keep(visitor, ANSWERED, writable=True)
        self._answer_on(visitor)

    def _answer_on(self, visitor: Visitor) -> None:
        try:
            if visitor.rest:
                visitor.rest = visitor.rest[visitor.sock.send(visitor.rest) :]
                if visitor.rest:
                    return
                visitor.sock.shutdown(socket.SHUT_WR)
            # What it has still to say is read, or the close would be a reset, and that would take
            # the answer from it.
            for _ in range(16):
                if not visitor.sock.recv(65536):
                    self.drop(visitor)
                    return
        except BlockingIOError:
            return
        except OSError:
            self.drop(visitor)

    def drop(self, visitor: Visitor) -> None:
        """Close a client's connection."""
        self._forget(visitor)
        visitor.sock.close()

    # ---- time

    def next(self) -> float:
        """Return when the first is to be given up, on the monotonic clock; infinity for never."""
        return min(
            (next(iter(line.values())) for line in self._lines.values() if line),
            default=float("inf"),
        )

    def expire(self, now: float) -> None:
        """Give up those who have taken too long."""
        for name, line in self._lines.items():
            while line:
                visitor, until = next(iter(line.items()))
                if until > now:
                    break
                self._give_up(visitor, name)

    def _give_up(self, visitor: Visitor, line: str) -> None:
        if line == HTTP2:
            self._give_to_eldest(visitor, astray=False)
        elif line == BEGUN and visitor.ahead:
            from rpx.door.answering_here import late  # noqa: PLC0415 - it is seldom

            self.answer(visitor, late())
        else:
            self.drop(visitor)

    def _keep(self, visitor: Visitor, line: str, *, writable: bool = False) -> None:
        """Wait for more of a client, in the line of those who wait for that."""
        if visitor not in self._lines[line]:
            for other in self._lines.values():
                other.pop(visitor, None)
            self._lines[line][visitor] = time.monotonic() + self._waits[line]
        fd = visitor.sock.fileno()
        if not visitor.watched:
            visitor.watched = True
            self.hall.handle(fd, partial(self.look, visitor))
            self.hall.poller.watch_edge(fd, writable=writable)
        elif writable:
            self.hall.poller.change_edge(fd)

    def _forget(self, visitor: Visitor) -> None:
        if visitor.watched:
            visitor.watched = False
            fd = visitor.sock.fileno()
            self.hall.poller.forget(fd)
            self.hall.unhandle(fd)
            for line in self._lines.values():
                line.pop(visitor, None)
