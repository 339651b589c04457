r"""The words between the door and its members: frames on a unix stream socket.

A frame is its length (u32, of what follows it), its kind (u8), how many descriptors come with it
(u8), and a payload. Integers are big-endian. At most MOST bytes; a longer one ends the connection.

    kind     direction       payload                                  descriptors
    HELLO    member → door   JSON, messages.MemberHello                     its listeners, in order
    WELCOME  door → member   JSON, messages.Welcome                   listeners that are new to it
    REFUSED  door → member   JSON, messages.Refused                   0
    TAKE     door → member   a client (`client_payload`)              1
    ASTRAY   member → door   a client, with all that was read of it   1
    ALONE    door → member   entrances, a byte each                   0
    HALT     door → member   entrances, a byte each                   0
    HALTED   member → door   entrances, a byte each                   0
    STATE    member → door   JSON, messages.StateOfMember             0
    LEAVE    member → door   nothing                                  0
    RETIRE   member → door   b"\x01": it starts the next door; b""    0
    MOVE     door → member   nothing                                  the lock, for who starts it
    ACK      member → door   nothing: a TAKE has arrived              0
    OTHERS   door → member   JSON, messages.OtherHosts                0

ACK is for systems on which a descriptor under way must be kept by its sender (macOS): a member
there sends one for each TAKE, elsewhere none. A frame with descriptors is sent by one `sendmsg` of
its own, which may take only its beginning; they come with the first byte.
"""

from __future__ import annotations

import array
import errno
import json
import os
import socket
import struct
import sys
from functools import lru_cache

TYPE_CHECKING = False  # not from typing: the door does without it

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any, Final

VERSION: Final = 1

HELLO: Final = 1
WELCOME: Final = 2
REFUSED: Final = 3
TAKE: Final = 4
ASTRAY: Final = 5
ALONE: Final = 6
HALT: Final = 7
HALTED: Final = 8
STATE: Final = 9
LEAVE: Final = 10
RETIRE: Final = 11
MOVE: Final = 12
ACK: Final = 13
OTHERS: Final = 14

MOST: Final = 1 << 20  # bytes of a frame
MOST_AHEAD: Final = 256 << 10  # bytes of a client that had been read
MOST_FDS: Final = 250  # of a frame; SCM_MAX_FD of Linux is 253
MOST_HOSTS: Final = 4096
MOST_ENTRANCES: Final = 16  # of a member
MOST_SERVICES: Final = 200
LONGEST_TEXT: Final = 4096  # characters of a string: a path has no more bytes
SENDS_ACKS: Final = sys.platform == "darwin"

_HEAD: Final = struct.Struct("!IBB")
_CLIENT: Final = struct.Struct("!BBHI16s")
_IPV6: Final = 1
_ASTRAY: Final = 2
_RIGHTS: Final = int(socket.SOL_SOCKET), int(socket.SCM_RIGHTS)
_ONE: Final = struct.Struct("i")
_SPACE: Final = socket.CMSG_SPACE(MOST_FDS * 4)
_CLOEXEC: Final[int] = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_READ: Final = 65536
# ETOOMANYREFS: more descriptors are under way than this user may have open (Linux). EMSGSIZE: macOS
# says so where they find no room, and its buffer has 8 KB.
_NO_ROOM: Final = frozenset(
    [errno.ETOOMANYREFS, *([errno.EMSGSIZE, errno.ENOBUFS] if SENDS_ACKS else [])]
)


class Garbled(Exception):
    """What has come is no frame, or not what its kind says. The connection is to be closed."""


def frame(kind: int, payload: bytes = b"", fds: int = 0) -> bytes:
    """Return a frame with which `fds` descriptors go."""
    return _HEAD.pack(len(payload) + 2, kind, fds) + payload


def json_frame(kind: int, value: object, fds: int = 0) -> bytes:
    """Return a frame of JSON; `value` is a type of messages.py."""
    return frame(kind, json.dumps(value, separators=(",", ":")).encode(), fds)


def read_json(payload: bytes) -> dict[str, Any]:
    """Return what a JSON frame says; only that it is an object has been looked at.

    Raises: Garbled.
    """
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Garbled(str(error)) from None
    if not isinstance(found, dict):
        raise Garbled("no object")
    return found


def client_payload(
    entrance: int, address: str, port: int, ahead: bytes = b"", *, astray: bool = False
) -> bytes:
    """Return the payload of TAKE or ASTRAY.

    `address` and `port` are the client's own; `ahead` has been read of it already. `astray`: nobody
    has the name that it asks for, and the member is to show the machine's page.
    """
    packed, flags = _packed(address)
    if astray:
        flags |= _ASTRAY
    return _CLIENT.pack(entrance, flags, port, len(ahead), packed) + ahead


@lru_cache(maxsize=64)
def _packed(address: str) -> tuple[bytes, int]:
    """The bytes of an address, and their flag."""
    six = ":" in address
    family = socket.AF_INET6 if six else socket.AF_INET
    return socket.inet_pton(family, address.partition("%")[0]), _IPV6 if six else 0


class PassedClient:
    """A client as TAKE and ASTRAY describe it; its socket is the frame's descriptor."""

    __slots__ = ("address", "ahead", "astray", "entrance", "family", "port")

    def __init__(self, payload: bytes) -> None:
        """Raises: Garbled."""
        if len(payload) < _CLIENT.size:
            raise Garbled("a client without its address")
        self.entrance: int
        self.port: int
        self.entrance, flags, self.port, length, packed = _CLIENT.unpack_from(payload)
        self.ahead = payload[_CLIENT.size :]
        if length != len(self.ahead) or length > MOST_AHEAD:
            raise Garbled("a client with another length")
        self.astray = bool(flags & _ASTRAY)
        six = flags & _IPV6
        self.family = socket.AF_INET6 if six else socket.AF_INET
        self.address = socket.inet_ntop(self.family, packed if six else packed[:4])

    def socket(self, fd: int) -> socket.socket:
        """Return its socket, which is non-blocking; `fd` is the descriptor that came with it."""
        # The protocol is said, or the system would be asked for it.
        return socket.socket(self.family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=fd)


def send(sock: socket.socket, data: bytes | memoryview, fds: Collection[int] = ()) -> int:
    """Send a frame or the rest of one; return how many bytes went. `fds` go with the first of them.

    Raises: BlockingIOError when there is no room; OSError.
    """
    if not fds:
        return sock.send(data)
    try:
        packed = _ONE.pack(*fds) if len(fds) == 1 else array.array("i", fds).tobytes()
        return sock.sendmsg([data], [(*_RIGHTS, packed)])
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise BlockingIOError(error.errno, error.strerror) from None
        raise


class Reader:
    """Takes frames and their descriptors apart, as they come on one connection."""

    def __init__(self) -> None:
        self._data = b""
        self._groups: list[list[int]] = []  # of descriptors: those of one frame each

    def feed(self, sock: socket.socket) -> bool:
        """Read once; return False at the end of the stream. Raises: BlockingIOError, OSError."""
        data, control, flags, _ = sock.recvmsg(_READ, _SPACE, _CLOEXEC)
        found: list[int] = []
        for level, kind, content in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds = array.array("i")
                fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
                found += fds
        if not _CLOEXEC:  # Linux does it in one step
            for fd in found:
                os.set_inheritable(fd, False)
        if found or flags & socket.MSG_CTRUNC:  # there was no room for them: the frame has less
            self._groups.append(found)
        self._data = self._data + data if self._data else data
        return bool(data)

    def frames(self) -> Iterator[tuple[int, bytes, list[int]]]:
        """Take what has come: kind, payload and descriptors, which are the caller's from then on.

        There are fewer of these than the frame said where this process may have no more open files.
        Raises: Garbled.
        """
        while len(self._data) >= _HEAD.size:
            length, kind, fds = _HEAD.unpack_from(self._data)
            if not 2 <= length <= MOST:
                raise Garbled("a frame without an end")
            end = length + 4
            if len(self._data) < end:
                return
            payload, self._data = self._data[_HEAD.size : end], self._data[end:]
            if not fds:
                yield kind, payload, []
                continue
            if not self._groups:
                raise Garbled("a frame without its descriptors")
            yield kind, payload, self._groups.pop(0)

    def close(self) -> None:
        """Close the descriptors that nobody has taken."""
        for group in self._groups:
            for fd in group:
                os.close(fd)
        self._groups.clear()
