"""Whose process is at the other end of a unix socket."""

from __future__ import annotations

import socket
import struct

_XUCRED = struct.Struct("=IIh16I")  # of LOCAL_PEERCRED: version, uid, number of groups, groups


def uid_of(sock: socket.socket) -> int:
    """Return the user of who has connected; -1 if the system doesn't say."""
    try:
        if hasattr(socket, "SO_PEERCRED"):
            said = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            return int(struct.unpack("3i", said)[1])
        said = sock.getsockopt(0, 1, _XUCRED.size)  # macOS: SOL_LOCAL, LOCAL_PEERCRED
        return int(struct.unpack_from("=II", said)[1])
    except (OSError, struct.error):
        return -1
