"""Where the door listens: the machine's two ports, and those that members want beside them."""

from __future__ import annotations

import errno
import os
import socket

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    from rpx.door.member import DoorMember
    from rpx.door.messages import GivenEntrance, MemberHello

MOST: Final = 250  # entrances; their ids are a byte
BACKLOG: Final = 4096
LOOPBACK: Final = ("127.0.0.1", "::1")
# The first is what URLs without a port mean.
USUAL: Final = {False: (80, range(8080, 8180)), True: (443, range(8443, 8543))}
_DEFER: Final = 5  # seconds
_NO_SUCH_FAMILY: Final = frozenset((errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT))


class PortTaken(Exception):
    """A port that can't be opened. `port`, and the errno."""

    def __init__(self, port: int, code: int) -> None:
        super().__init__(port, code)
        self.port = port
        self.code = code


class DoorEntrance:
    """A port at which clients come in.

    `users`: the members that are reached here. `sole` accepts for itself here;
    `halting`: it has been told to stop, and we wait for its word. `usual` and `errno`: see
    messages.GivenEntrance.
    """

    def __init__(self, number: int, *, tls: bool, port: int, machine: bool) -> None:
        self.id = number
        self.tls = tls
        self.port = port
        self.machine = machine
        self.usual = port
        self.errno = 0
        self.listeners: list[socket.socket] = []
        self.users: dict[DoorMember, None] = {}  # in the order in which they joined
        self.sole: DoorMember | None = None
        self.halting = False
        self.open = False  # the door itself accepts here

    def given(self, fds: int) -> GivenEntrance:
        """What WELCOME says of it, with which so many listeners come."""
        return {
            "id": self.id,
            "tls": self.tls,
            "port": self.port,
            "machine": self.machine,
            "usual": self.usual,
            "errno": self.errno,
            "fds": fds,
        }

    def close(self) -> None:
        """Listen no more; who has duplicates still may."""
        for listener in self.listeners:
            listener.close()
        self.listeners.clear()


class Entrances:
    """All entrances.

    `remembered`: the machine's ports of the last time, by "http" and "https"; `reasons`: why the
    door before this one had not the usual ones.
    """

    def __init__(self, remembered: dict[str, int], reasons: dict[str, int]) -> None:
        self.all: dict[int, DoorEntrance] = {}
        self._reasons = reasons
        self._number = 0
        self.remembered = remembered

    def machine(self, *, tls: bool) -> DoorEntrance | None:
        """Return the machine's entrance for this protocol, if it is open."""
        return next((e for e in self.all.values() if e.machine and e.tls == tls), None)

    def port_of_machine(self, *, tls: bool) -> int:
        """Return its port; 0 while it isn't open."""
        found = self.machine(tls=tls)
        return found.port if found is not None else 0

    def of(self, member: DoorMember) -> list[DoorEntrance]:
        """Return those by which a member is reached."""
        return [entrance for entrance in self.all.values() if member in entrance.users]

    def to_remember(self) -> dict[str, int]:
        """Return the machine's ports by "http" and "https", also of one that isn't open now."""
        for scheme, tls in (("http", False), ("https", True)):
            port = self.port_of_machine(tls=tls)
            if port:
                self.remembered[scheme] = port
        return self.remembered

    def wanted(self, about: MemberHello, fds: list[int]) -> tuple[list[DoorEntrance], set[int]]:
        """Return the entrances of a HELLO, and the ids of those whose listeners came with it.

        These are taken out of `fds`. Raises: PortTaken; then nothing has been opened.
        """
        before = set(self.all)
        found: list[DoorEntrance] = []
        sent: set[int] = set()
        try:
            for each in about["entrances"]:
                tls, port = each["tls"], each["port"]
                came = [fds.pop(0) for _ in range(min(each.get("fds", 0), len(fds)))]
                offered = [sock for fd in came if (sock := checked(fd, port=port)) is not None]
                preferred = about.get("prefer", {}).get("https" if tls else "http", 0)
                found.append(self.get(tls=tls, port=port, offered=offered, preferred=preferred))
                if offered:
                    sent.add(found[-1].id)
        except PortTaken:
            for number in set(self.all) - before:
                self.discard(self.all[number])
            raise
        return found, sent

    def get(
        self,
        *,
        tls: bool,
        port: int | None,
        offered: Sequence[socket.socket] = (),
        preferred: int = 0,
    ) -> DoorEntrance:
        """Return the entrance at `port` (None: the machine's); open it if it isn't.

        `offered` are listeners of it that a member has kept; they are ours then, or closed.
        `preferred`: what the machine's port is to be, if it is not open. Raises: PortTaken.
        """
        found = self.machine(tls=tls) if port is None else self._at(port)
        if found is not None:
            if found.tls != tls:
                raise PortTaken(found.port, errno.EADDRINUSE)
            for listener in offered:
                listener.close()
            return found
        if offered:
            return self._add(offered, tls=tls, machine=port is None)
        if port is not None:
            return self._add(_listen(port), tls=tls, machine=False)
        if preferred:
            return self._add(_listen(preferred), tls=tls, machine=True, usual=preferred)
        return self._usual(tls=tls)

    def adopt(self, listeners: Iterable[socket.socket]) -> None:
        """Make those that were handed to this process the machine's (systemd's LISTEN_FDS).

        The one at 443 or 8443 speaks TLS; of several the one with the lower port does not.
        """
        by_port: dict[int, list[socket.socket]] = {}
        for listener in listeners:
            by_port.setdefault(listener.getsockname()[1], []).append(listener)
        for number, port in enumerate(sorted(by_port)):
            tls = port in (443, 8443) or (number == 1 and not self.machine(tls=True))
            if self.machine(tls=tls) is None:
                self._add(by_port[port], tls=tls, machine=True)
            else:
                for listener in by_port[port]:
                    listener.close()

    def discard(self, entrance: DoorEntrance) -> None:
        """Close one that nobody uses."""
        self.all.pop(entrance.id, None)
        entrance.close()

    def _at(self, port: int) -> DoorEntrance | None:
        return next((e for e in self.all.values() if e.port == port), None)

    def _usual(self, *, tls: bool) -> DoorEntrance:
        first, others = USUAL[tls]
        before = self.remembered.get("https" if tls else "http", 0)
        code = 0
        for port in (first, *([before] if before and before != first else []), *others):
            if self._at(port) is not None:
                continue
            try:
                listeners = _listen(port)
            except PortTaken as error:
                code = code or error.code
                if error.code not in (errno.EADDRINUSE, errno.EACCES, errno.EPERM):
                    raise
            else:
                found = self._add(listeners, tls=tls, machine=True, usual=first)
                found.errno = code if found.port != first else 0
                return found
        raise PortTaken(first, code)

    def _add(
        self, listeners: Sequence[socket.socket], *, tls: bool, machine: bool, usual: int = 0
    ) -> DoorEntrance:
        port = listeners[0].getsockname()[1]
        if len(self.all) >= MOST:
            for listener in listeners:
                listener.close()
            raise PortTaken(port, errno.EMFILE)
        while self._number in self.all:
            self._number = (self._number + 1) % 256
        number, self._number = self._number, (self._number + 1) % 256  # not soon again the same
        found = DoorEntrance(number, tls=tls, port=port, machine=machine)
        found.usual = usual or (USUAL[tls][0] if machine else port)
        if machine and port != found.usual:
            found.errno = self._reasons.get("https" if tls else "http", 0)
        found.listeners = list(listeners)
        for listener in listeners:
            _prepare(listener)
        self.all[number] = found
        return found


def checked(fd: int, *, port: int | None) -> socket.socket | None:
    """Return the listener that a member has sent, which is closed if it is none of loopback.

    `port`: where it has to be; None: anywhere.
    """
    try:
        sock = socket.socket(fileno=fd)
    except OSError:
        os.close(fd)
        return None
    try:
        if (
            sock.family in (socket.AF_INET, socket.AF_INET6)
            and sock.type == socket.SOCK_STREAM
            and _listens(sock)
        ):
            address, found = sock.getsockname()[:2]
            if address in LOOPBACK and port in (None, found):
                return sock
    except OSError:
        pass
    sock.close()
    return None


def _listens(sock: socket.socket) -> bool:
    option = getattr(socket, "SO_ACCEPTCONN", None)
    return option is None or bool(sock.getsockopt(socket.SOL_SOCKET, option))


def _listen(port: int) -> list[socket.socket]:
    """Listen on loopback, both families. Raises: PortTaken."""
    found: list[socket.socket] = []
    code = 0
    for address in LOOPBACK:
        try:
            found.append(_bound(address, port))
        except OSError as error:
            if error.errno in _NO_SUCH_FAMILY:
                code = code or error.errno
                continue
            for listener in found:
                listener.close()
            raise PortTaken(port, error.errno or errno.EADDRINUSE) from None
    if not found:
        raise PortTaken(port, code)
    return found


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def _prepare(listener: socket.socket) -> None:
    listener.setblocking(False)
    # Those that are accepted inherit it: a system call less for each.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_DEFER_ACCEPT"):  # Linux keeps those that say nothing for a while
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, _DEFER)
