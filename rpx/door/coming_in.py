"""Who comes in: listeners, and the short way that most clients take."""

from __future__ import annotations

import errno
import resource
import socket
from functools import partial

from rpx.door.asked import HANDSHAKE, of_plain, of_tls
from rpx.door.visitor import Visitor
from rpx.door.visits import PEEK, PEEKED

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Final

    from rpx.door.entrances import DoorEntrance
    from rpx.door.hall import Hall
    from rpx.door.visits import Visits

TURN: Final = 32  # clients let in before anything else has its turn
PAUSE: Final = 0.1  # seconds without descriptors
RESERVE: Final = 32  # descriptors that clients don't get
NO_MORE: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class ComingIn:
    """The listeners at which the door accepts."""

    def __init__(self, hall: Hall, visits: Visits) -> None:
        self.hall = hall
        self.visits = visits
        self._paused = False
        self._told_full = False
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._ceiling = max(16, most - RESERVE) if most != resource.RLIM_INFINITY else 1 << 30

    def open(self, entrance: DoorEntrance) -> None:
        """Accept at an entrance."""
        if entrance.open:
            return
        entrance.open = True
        for listener in entrance.listeners:
            self.hall.handle(listener.fileno(), partial(self._accept, listener, entrance))
            if not self._paused:
                self.hall.poller.watch(listener.fileno())

    def shut(self, entrance: DoorEntrance) -> None:
        """Accept there no more: a member does, or nobody."""
        if not entrance.open:
            return
        entrance.open = False
        for listener in entrance.listeners:
            self.hall.poller.forget(listener.fileno())
            self.hall.unhandle(listener.fileno())

    def _accept(self, listener: socket.socket, entrance: DoorEntrance, _: int) -> None:
        family = listener.family
        for _turn in range(TURN):
            try:
                # accept() takes twice as long: it asks for family and type by enumerations.
                fd, peer = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in NO_MORE:
                    self._pause()
                    return
                continue  # that client has left
            sock = socket.socket(family, socket.SOCK_STREAM, 0, fd)
            sock.setblocking(False)
            try:
                if not self._passed(sock, peer, entrance.id):
                    self.visits.look(Visitor(sock, entrance.id, peer[0], peer[1]))
            except Exception:  # noqa: BLE001 - a boundary: the others want to come in
                self.hall.report()
                sock.close()
            if fd >= self._ceiling:
                self._pause()
                return

    def _passed(self, sock: socket.socket, peer: tuple[str, int], entrance: int) -> bool:
        """Pass a client on that says at once whom it wants, if that one takes it at once.

        The short way of most clients. One that we have in hand is lost if we are killed: here it
        is for 20 microseconds.
        """
        try:
            data = sock.recv(PEEKED, PEEK)
        except OSError:
            return False
        if not data:
            return False
        name = of_tls(data) if data[0] == HANDSHAKE else of_plain(data)
        member = self.hall.owner(name, entrance) if name else None
        if member is None or not member.take_at_once(sock, entrance, peer):
            return False
        if member.blocked:
            self.hall.mind(member)
        return True

    def _pause(self) -> None:
        """Without descriptors clients wait in the backlog for a while."""
        if self._paused:
            return
        self._paused = True
        if not self._told_full:
            self._told_full = True
            self.hall.note(f"no more than {self._ceiling} descriptors: clients wait (`ulimit -n`)")
        for entrance in self.hall.entrances.all.values():
            for listener in entrance.listeners:
                self.hall.poller.forget(listener.fileno())
        self.hall.timers.after(PAUSE, self._go_on)

    def _go_on(self) -> None:
        self._paused = False
        for entrance in self.hall.entrances.all.values():
            if entrance.open:
                for listener in entrance.listeners:
                    self.hall.poller.watch(listener.fileno())
