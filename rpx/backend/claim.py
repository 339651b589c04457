"""Whose is the socket that answers at a backend's address: its own process's, or a stranger's?

An address says nothing about who listens there. A database of the system may have had the port for
days, somebody may take it while a service is still compiling, or the other address of `localhost`.
So whoever answers for the first time is looked at: the socket has to belong to a process of this
very instance, or to somebody who holds ports for others (`strangers`). Where the system doesn't
show whose sockets are (off Linux), everybody is believed.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final

import trio

from rpx.backend.free_ports import is_free, is_taken
from rpx.backend.listening import (
    Listening,
    ListeningFile,
    Socket,
    answering,
    held,
    holder,
    listening,
)
from rpx.backend.own_use import is_for_tools
from rpx.backend.probe import REFUSED, Whose, hosts_of, tcp_check
from rpx.backend.processes import descendants, listener, member_pids, members
from rpx.backend.strangers import (
    described,
    forwards,
    is_stopped,
    is_strange,
    is_traced,
    owner_of,
)
from rpx.hub.process import Process
from rpx.hub.registry import Registry
from rpx.model.address import Address, Location, SocketFile
from rpx.model.specs import EndpointSpec, ProcessSpec

IN_USE: Final = ("already in use", "address in use", "eaddrinuse")
HANGS_UP: Final = 0.1  # seconds in which a call ends that nobody inside takes
LATEST: Final = 50  # lines of output that are searched for one of these
_CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid of who has begun to listen


class Claim:
    """What a process has a right to: to be the only one that answers where it is to listen."""

    def __init__(self, registry: Registry, process: Process, instance: str) -> None:
        """`instance` is the marker of its processes."""
        self.process = process
        self._registry = registry
        self.instance = instance
        self._before: frozenset[int] = frozenset()  # sockets that were there before the start
        self._strange: dict[int, str] = {}  # sockets that were looked at, and whose they are
        self._told = False  # that it goes by what is written
        self._free: frozenset[int] = frozenset()  # written ports that nobody had before the start

    async def begin(self) -> None:
        """A process is about to be started: who listens by now isn't one of its."""
        found = await trio.to_thread.run_sync(listening)
        self._before = frozenset(each.inode for each in found)
        self._strange.clear()
        self._told = False
        if sys.platform != "linux":
            written = {place.as_written.port for place in self._ports() if place.as_written}
            free = await trio.to_thread.run_sync(lambda: [*filter(is_free, written)])
            self._free = frozenset(free)

    async def find(self, address: Location, within: float) -> tuple[str | None, Location | None]:
        """Look so many seconds for our own process: why it isn't there, or exactly where it is.

        It may also go by the port that is written, where it was told another one.
        """
        failure, spot = await find(address, within, self._strange_at)
        written = address.as_written
        if failure is None or written is None or not await self._has_begun_at(written):
            return failure, spot
        missed, spot = await find(written, within, self._strange_as_written)
        if missed is not None:
            return failure, None
        self._tell(address, written)
        return None, spot

    async def _has_begun_at(self, place: Address) -> bool:
        """Whether somebody listens there who wasn't there at its start. Nobody is called for that:
        most of the time it is the process of another checkout that listens there.
        """
        if sys.platform != "linux":  # where only those of our own processes can be seen
            return place.port in self._free and await trio.to_thread.run_sync(self._has, place)
        found = await trio.to_thread.run_sync(listening)
        rows = [row for host, _ in hosts_of(place) for row in answering(host, place.port, found)]
        return any(row.inode not in self._before for row in rows)

    def _has(self, place: Address) -> bool:
        return listener(place, members(self.process.pid, self.instance)) is not None

    async def _strange_as_written(self, sock: trio.socket.SocketType) -> str | None:
        host, port = sock.getpeername()[:2]
        found = await trio.to_thread.run_sync(listening)
        if any(row.inode in self._before for row in answering(host, port, found)):
            return REFUSED  # also if it holds ports for others: for those of another checkout
        return await self._strange_at(sock)

    def _tell(self, address: Location, written: Address) -> None:
        if not self._told:
            self._told = True
            self._registry.say(
                f"listens on {written.port}, as it is written, and not on its PORT, {address.port}:"
                " it gets requests there, but a second checkout can't run beside it",
                self.process,
            )

    async def _strange_at(self, sock: trio.socket.SocketType) -> str | None:
        if self.process.spec.start.container is not None and await _hangs_up(sock):
            return REFUSED
        if sys.platform != "linux":
            await trio.lowlevel.checkpoint()
            return None
        if sock.family == socket.AF_UNIX:
            pid, uid = peer_of(sock)
            return await trio.to_thread.run_sync(self._strange_file, pid, uid)
        host, port = sock.getpeername()[:2]
        if not _is_here(sock.getsockname()[0], host):  # another machine: nobody can tell
            await trio.lowlevel.checkpoint()
            return None
        return await trio.to_thread.run_sync(self._strange_port, host, port)

    def _strange_file(self, pid: int, uid: int) -> str | None:
        if not pid or not os.path.exists(f"/proc/{pid}"):  # of another namespace, or it has gone
            return None
        members = self.pids()
        if pid in members or uid in _blind(members) or not is_strange(pid, uid, None, old=False):
            return None
        return f"its socket belongs to {described(pid, uid)}, not to this service"

    def _strange_port(self, host: str, port: int) -> str | None:
        rows = answering(host, port, listening())
        if not rows:  # the kernel itself sends it on, or another namespace has it
            return None
        # With SO_REUSEPORT several may listen there, and the kernel picks one each time.
        rows = _of_others(rows, descendants(self.process.pid))
        if not rows:
            return None  # nearly always: for daemons it takes a look at every process there is
        members = self.pids()
        rows = _of_others(rows, members)
        if not rows:
            return None
        inodes = {row.inode for row in rows}
        if known := next((self._strange[each] for each in inodes if each in self._strange), ""):
            return known
        pid = holder(inodes)
        if pid is None and not inodes & {row.inode for row in listening()}:
            return REFUSED  # it has just gone
        uid, old = rows[0].uid, rows[0].inode in self._before
        if pid is None and not old and uid in _blind(members):
            return None
        if not is_strange(pid, uid, port, old=old):
            return None
        words = f"{rows[0]} belongs to {described(pid, uid)}, not to this service"
        self._strange.update(dict.fromkeys(inodes, words))
        return words

    def pids(self) -> set[int]:
        """The living processes of the instance. Blocks."""
        return member_pids(self.process.pid, self.instance)

    async def is_held(self, *, by_anybody: bool = False) -> bool:
        """Whether a debugger has the process or one below it, or `by_anybody` one is stopped."""
        if sys.platform != "linux":
            return False
        return await trio.to_thread.run_sync(self._is_held, by_anybody)

    def _is_held(self, by_anybody: bool) -> bool:
        pids = descendants(self.process.pid)
        return any(map(is_traced, pids)) or (by_anybody and any(map(is_stopped, pids)))

    def sockets(self, there: Iterable[Socket], pids: Collection[int]) -> list[Socket]:
        """Where these processes of the instance listen, but for what only their tools use. Blocks.

        `there` are all sockets of this machine.
        """
        ours: set[int] = set()
        for pid in pids:
            ours |= held(pid) or set()
        found = [row for row in there if row.inode in ours and not is_for_tools(row, pids)]
        return sorted(map(self._absolute, found), key=_rank)

    def _absolute(self, row: Socket) -> Socket:
        if not isinstance(row, ListeningFile):
            return row
        return row._replace(path=os.path.join(self.process.spec.start.cwd, row.path))

    async def hindrance(self) -> str:
        """After an exit before it was ready: who has its port, if that may be why; else nothing."""
        ports = self._ports()  # here: no thread looks into the registry
        if sys.platform != "linux" or not ports:
            return ""
        return await trio.to_thread.run_sync(self._hindrance, ports)

    def _hindrance(self, ports: Sequence[Address]) -> str:
        there, complained = listening(), self._complained()
        written = [place.as_written for place in ports if complained]  # it may have taken that
        ports = [*ports, *filter(None, written)]
        for place in ports:
            for host, _ in hosts_of(place):
                for row in answering(host, place.port, there):
                    pid = holder({row.inode})
                    if pid is None or not (forwards(pid) or pid == os.getpid()):
                        return f"{row} belongs to {described(pid, row.uid)}"
        for place in ports if complained else ():
            if _lingers(place):
                return f"port {place.port} is in TIME_WAIT after the process before, for a minute"
        return ""

    def _ports(self) -> list[Address]:
        served = self._registry.specs_of(self.process)
        wanted = [place for spec in served for place in places(spec)]
        return [place for place in wanted if isinstance(place, Address)]

    def _complained(self) -> bool:
        lines = (line.text.decode("utf-8", "replace") for line in self.process.lines.tail(LATEST))
        return any(words in line.lower() for line in lines for words in IN_USE)


def places(spec: ProcessSpec | EndpointSpec) -> list[Location]:
    """Where on this machine a process is to listen, as far as that has been said: at an address
    that it serves, or at its own, at its `ports`, and where it shows how it is.
    """
    wanted = [spec.address]
    if isinstance(spec, ProcessSpec):
        ready, check = spec.start.ready, spec.health_check
        wanted += [ready.tcp if ready else None]
        wanted += [ready.http.address if ready and ready.http else None]
        wanted += [check.tcp if check else None, *(port.address for port in spec.start.ports)]
    return [each for each in wanted if each is not None and each.loopback]


async def find(
    address: Location, within: float, judge: Whose
) -> tuple[str | None, Location | None]:
    """Look for somebody at `address` whom `judge` takes: why not, or exactly where he is."""
    spots: list[Location] = []

    async def whose(sock: trio.socket.SocketType) -> str | None:
        try:
            spot, strange = _spot(address, sock), await judge(sock)
        except OSError:  # it has been reset while we looked
            return REFUSED
        if strange is None:
            spots.append(spot)
        return strange

    failure = await tcp_check(address, within, whose)
    return failure, spots[0] if failure is None and spots else None


async def _hangs_up(sock: trio.socket.SocketType) -> bool:
    """Whether who has taken the call ends it at once: so do programs that hold the port of a
    container in which nobody listens yet.
    """
    with trio.move_on_after(HANGS_UP):
        try:
            return not await sock.recv(1, socket.MSG_PEEK)
        except OSError:
            return True
    return False


def peer_of(sock: trio.socket.SocketType) -> tuple[int, int]:
    """Return the pid and the user of who has begun to listen at the unix socket that was called."""
    said = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(said)
    return pid, uid


def _spot(address: Location, sock: trio.socket.SocketType) -> Location:
    if isinstance(address, SocketFile):
        return address
    return replace(address, host=str(sock.getpeername()[0]))


def _is_here(own: str, peer: str) -> bool:
    """Whether a connection stays within this machine, by its two addresses."""
    return own == peer or (own.startswith("127.") and peer.startswith("127."))


def _rank(row: Socket) -> tuple[bool, Socket]:
    return isinstance(row, ListeningFile), row  # a port says more about who it is


def _of_others(rows: Iterable[Listening], pids: Iterable[int]) -> list[Listening]:
    """Those sockets that none of these processes has."""
    ours = {inode for pid in pids for inode in held(pid) or ()}
    return [row for row in rows if row.inode not in ours]


def _blind(members: Collection[int]) -> set[int | None]:
    """Whose processes among these don't show their files: `sudo`, or a program with rights."""
    return {owner_of(pid) for pid in members if held(pid) is None}


def _lingers(place: Address) -> bool:
    """Whether nobody listens there, and only connections of the past are in the way."""
    found = [
        (socket.AF_INET6 if ":" in host else socket.AF_INET, host) for host, _ in hosts_of(place)
    ]
    return not any(is_taken(family, host, place.port) for family, host in found) and any(
        is_taken(family, host, place.port, sharing=False) for family, host in found
    )
