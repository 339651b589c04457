"""Who listens where on this machine, by the kernel's own tables.

A socket is known by its inode: it stands in the table of the network, beside the address and the
user it belongs to, and again among the files of each process that holds it. Only Linux shows both;
elsewhere there is nothing to see, and every question is answered with "unknown". It takes
milliseconds: call it in a worker thread.
"""

from __future__ import annotations

import os
import re
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")
FILES: Final = "/proc/net/unix"
# number, own address and port, the other's, state, two queues, timer, retries, user, timeout, inode
_ROW: Final = re.compile(
    rb"^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F:]+ 0A \S+ \S+ \S+ +(\d+) +\d+ (\d+)", re.MULTILINE
)
# slot, references, protocol, flags (it takes connections), type, state, inode, path; "@": no file
_FILE: Final = re.compile(
    rb"^[0-9a-f]+: \S+ \S+ [0-9A-F]{3}1[0-9A-F]{4} \S+ \S+ +(\d+) ([^@\n][^\n]*)", re.MULTILINE
)
_ANY: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to
_MAPPED: Final = "::ffff:"  # what an IPv4 address is called by a socket for IPv6


class Listening(NamedTuple):
    """A TCP socket that takes connections. `uid` is whose it is, `inode` which it is."""

    host: str
    port: int
    uid: int
    inode: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class ListeningFile(NamedTuple):
    """A unix socket that takes connections. `path` is as it was bound: it may be relative."""

    path: str
    inode: int

    def __str__(self) -> str:
        return f"unix:{self.path}"


Socket = Listening | ListeningFile


def listening() -> list[Listening]:
    """Every TCP socket of this machine that takes connections; none where nobody can say."""
    found = []
    for table in TABLES:
        for host, port, uid, inode in _ROW.findall(_first_rows(table)):
            found.append(Listening(_literal(host), int(port, 16), int(uid), int(inode)))
    return found


def listening_files() -> list[ListeningFile]:
    """Every unix socket of this machine that has a file and takes connections."""
    try:
        with open(FILES, "rb", buffering=0) as file:
            rows = file.readall()
    except OSError:
        return []
    return [ListeningFile(os.fsdecode(path), int(inode)) for inode, path in _FILE.findall(rows)]


def every_socket() -> list[Socket]:
    """All of both kinds."""
    return [*listening(), *listening_files()]


def answering(host: str, port: int, among: Iterable[Listening]) -> list[Listening]:
    """Those who may take a connection to this literal address.

    Whoever has bound exactly this address goes before those who have bound every one.
    """
    host = host.removeprefix(_MAPPED)
    there = [each for each in among if each.port == port]
    exact = [each for each in there if each.host == host]
    return exact or [
        each for each in there if each.host in _ANY and (":" in each.host or ":" not in host)
    ]


def held(pid: int) -> set[int] | None:
    """The inodes of the sockets that a process has open; None if it doesn't let us see."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return set()
    except OSError:
        return None
    found = set()
    for name in names:
        try:
            target = os.readlink(f"{folder}/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(int(target[8:-1]))
    return found


def holder(inodes: Iterable[int]) -> int | None:
    """The pid of a process that has one of these sockets open, if it can be seen."""
    wanted = set(inodes)
    for name in _numbers():
        if (held(int(name)) or set()) & wanted:
            return int(name)
    return None


def _numbers() -> Iterator[str]:
    try:
        return (name for name in os.listdir("/proc") if name.isdigit())
    except OSError:
        return iter(())


def _first_rows(table: str) -> bytes:
    """The rows of listeners stand before all others: a busy machine has thousands of those."""
    rows = b""
    try:
        with open(table, "rb", buffering=0) as file:
            while chunk := file.read(1 << 16):
                rows += chunk
                if b" 0A " not in chunk:
                    break
    except OSError:
        pass
    return rows


def _literal(number: bytes) -> str:
    """The address that is written as words of this machine's own byte order."""
    words = [int(number[at : at + 8], 16) for at in range(0, len(number), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed).removeprefix(_MAPPED)
