"""Whether ports 80 and 443 can be had at last: by taking each for an instant, as the door would."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LOW_PORTS: Final = (80, 443)
_LOOPBACK: Final = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_NO_IPV6: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


@dataclass(frozen=True, slots=True)
class Bound:
    """What came of taking a port at an address; `number` of the error, 0 if it could be had."""

    host: str
    port: int
    number: int

    @property
    def permitted(self) -> bool:
        """It could be had, or could if nobody else had it."""
        return self.number in (0, errno.EADDRINUSE)

    @property
    def taken(self) -> bool:
        """Somebody else has it."""
        return self.number == errno.EADDRINUSE

    def __str__(self) -> str:
        return f"{self.host}, port {self.port}: {os.strerror(self.number)}"


def bind_low_ports(ports: Sequence[int] = LOW_PORTS) -> list[Bound]:
    """Take each at 127.0.0.1 and ::1; a machine without IPv6 has no ::1."""
    found = [
        Bound(host, port, _bind(family, host, port)) for port in ports for family, host in _LOOPBACK
    ]
    return [each for each in found if each.host != "::1" or each.number not in _NO_IPV6]


def _bind(family: socket.AddressFamily, host: str, port: int) -> int:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((host, port))
            sock.listen(1)  # two may be bound with SO_REUSEADDR; only one may listen
    except OSError as error:
        return error.errno or errno.EIO
    return 0
