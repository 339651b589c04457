"""Who has left, though what they have sent before that stands in the way of telling it.

A client that leaves while its backend takes nothing has sent more than anybody reads: its FIN comes
behind that, or not at all, since there is no room for it. What the kernel knows of its socket then
says it: nobody has it open any more.
"""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Sequence
from typing import Final

_TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")
_MAPPED: Final = b"\0" * 10 + b"\xff\xff"
_ENDING: Final = frozenset((b"04", b"05", b"06", b"09", b"0B"))  # FIN_WAIT1 to CLOSING
_HUNG_UP: Final = select.POLLHUP | select.POLLERR
_FIN: Final = getattr(select, "POLLRDHUP", 0)  # Linux

Ends = tuple[bytes, bytes]  # of a connection, as the tables write them: theirs and ours


def departed(wires: Sequence[tuple[socket.socket, bool]]) -> list[bool]:
    """Tell of each client whether it has gone. True beside a socket: a FIN alone says so, too.

    Without the tables (macOS) only a reset or a FIN that has come tells it.
    """
    gone = [_has_hung_up(sock, _HUNG_UP | (_FIN if fin else 0)) for sock, fin in wires]
    left = [ends for (sock, _), known in zip(wires, gone, strict=True) if not known
            for ends in _ends(sock)]  # fmt: skip
    orphans = _orphans(frozenset(left)) if left else frozenset()
    return [
        known or not orphans.isdisjoint(_ends(sock))
        for (sock, _), known in zip(wires, gone, strict=True)
    ]


def _has_hung_up(sock: socket.socket, events: int) -> bool:
    if sock.fileno() < 0:
        return False
    poll = select.poll()
    poll.register(sock.fileno(), events)
    return any(found & events for _, found in poll.poll(0))


def _ends(sock: socket.socket) -> list[Ends]:
    """How the client's side of the connection may be written."""
    try:
        theirs, ours = sock.getpeername(), sock.getsockname()
    except OSError:
        return []
    return [
        (one, other) for one, other in zip(_written(*theirs[:2]), _written(*ours[:2]), strict=True)
    ]


def _written(host: str, port: int) -> list[bytes]:
    address = host.partition("%")[0]
    if ":" in address:
        return [_hex(socket.inet_pton(socket.AF_INET6, address), port)]
    four = socket.inet_aton(address)
    return [_hex(four, port), _hex(_MAPPED + four, port)]  # a client may have an IPv6 socket


def _hex(address: bytes, port: int) -> bytes:
    words = struct.unpack(f"={len(address) // 4}I", address)
    return b"%b:%04X" % (b"".join(b"%08X" % word for word in words), port)


def _orphans(wanted: frozenset[Ends]) -> frozenset[Ends]:
    """Those of them that are being closed, and that no process has open."""
    found: set[Ends] = set()
    for table in _TABLES:
        try:
            with open(table, "rb") as lines:
                rows = [line.split() for line in lines]
        except OSError:
            continue
        found.update(
            (row[1], row[2])
            for row in rows
            if (row[1], row[2]) in wanted and row[3] in _ENDING and row[9] == b"0"
        )
    return frozenset(found)
