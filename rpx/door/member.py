"""The connection to a member: what it says, and what waits until it reads."""

from __future__ import annotations

import socket
import time
from collections import deque

from rpx.door.door_frames import (
    SENDS_ACKS,
    TAKE,
    Reader,
    client_payload,
    frame,
    send,
)

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Final

    from rpx.door.messages import Holder, MemberHello, StateOfMember
    from rpx.door.visitor import Visitor

# What a hung member has in the kernel is lost with it: with the usual buffer 1,400 clients, with
# this one 90.
SEND_BUFFER: Final = 32768
QUEUE: Final = 256  # clients that wait for a member who takes none


NAMELESS: Final[MemberHello] = {
    "v": 0, "rpx": "", "pid": 0, "run_id": "", "project": "", "folder": "", "file": "", "realm": "",
    "branch": "", "start": "", "hosts": [], "entrances": [], "accepts": False, "prefer": {},
}  # fmt: skip


class DoorMember:
    """A project that has joined, or a connection that may become one: `about` is NAMELESS then.

    `told`: how it is, as it says. `since`: when it came, as seconds since the epoch.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.sock = sock
        self.fd = sock.fileno()
        self.reader = Reader()
        self.about = NAMELESS
        self.told: StateOfMember = {"state": "", "services": []}
        self.others: list[str] = []  # hosts of others, of which it knows
        self.since = time.time()
        self.leaving = False
        self.blocked = False  # it has not read what we sent
        self.minded = False  # the poller is to tell when it has
        self.waiting = 0  # clients that it has not been given
        self._out: deque[tuple[bytes | memoryview, Collection[int], Visitor | None]] = deque()
        self._kept: deque[socket.socket] = deque()  # sent, not acknowledged (SENDS_ACKS)

    @property
    def joined(self) -> bool:
        """It has said who it is, and was taken."""
        return self.about is not NAMELESS

    @property
    def idle(self) -> bool:
        """Nothing waits to be sent to it."""
        return not self._out

    @property
    def full(self) -> bool:
        """It takes no more clients for now."""
        return self.waiting >= QUEUE

    def say(self, data: bytes, fds: Collection[int] = ()) -> bool:
        """Send a frame, now or later. The descriptors stay ours. False: the member is gone."""
        self._out.append((data, fds, None))
        return self.blocked or self.flush()

    def take(self, visitor: Visitor, *, astray: bool = False) -> bool:
        """Give it a client, which is its own from then on. False: the member is gone."""
        payload = client_payload(
            visitor.entrance, visitor.address, visitor.port, visitor.ahead, astray=astray
        )
        self._out.append((frame(TAKE, payload, 1), (visitor.sock.fileno(),), visitor))
        self.waiting += 1
        return self.blocked or self.flush()

    def take_at_once(self, sock: socket.socket, entrance: int, peer: tuple[str, int]) -> bool:
        """Give it a client of which nothing has been read; False: it can't be now, or it is gone.

        The same as `take`, in a third of the time.
        """
        if self._out:
            return False
        data = frame(TAKE, client_payload(entrance, peer[0], peer[1]), 1)
        try:
            sent = send(self.sock, data, (sock.fileno(),))
        except OSError:
            return False
        if sent < len(data):
            self._out.append((memoryview(data)[sent:], (), None))
            self.flush()
        if SENDS_ACKS:
            self._kept.append(sock)
        else:
            sock.close()
        return True

    def flush(self) -> bool:
        """Send what waits until nothing more is taken (`blocked`). False: the member is gone."""
        while self._out:
            data, fds, visitor = self._out[0]
            try:
                sent = send(self.sock, data, fds)
            except BlockingIOError:
                self.blocked = True
                return True
            except OSError:
                return False
            if visitor is not None:
                self._given(visitor)
            if sent < len(data):
                self._out[0] = memoryview(data)[sent:], (), None
            else:
                self._out.popleft()
        self.blocked = False
        return True

    def acknowledged(self) -> None:
        """The first client that was given has arrived."""
        if self._kept:
            self._kept.popleft().close()

    def finish(self) -> None:
        """Say that no more will come."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has gone

    def is_gone(self) -> bool:
        """Whether it has ended, and its end of the stream has only not been read yet."""
        try:
            return not self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def as_holder(self) -> Holder:
        """Who it is, for somebody who wants a name of it."""
        about = self.about
        return {
            "project": about["project"],
            "folder": about["folder"],
            "file": about["file"],
            "pid": about["pid"],
            "realm": about["realm"],
            "since": self.since,
        }

    def close(self) -> list[Visitor]:
        """Let it go; return the clients that it has not been given."""
        left = [visitor for _, _, visitor in self._out if visitor is not None]
        self._out.clear()
        for sock in self._kept:
            sock.close()
        self._kept.clear()
        self.waiting = 0
        self.reader.close()
        self.sock.close()
        self.fd = -1  # the number is another one's soon
        return left

    def _given(self, visitor: Visitor) -> None:
        self.waiting -= 1
        if SENDS_ACKS:
            self._kept.append(visitor.sock)
        else:
            visitor.sock.close()
