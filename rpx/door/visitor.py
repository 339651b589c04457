"""A client that is at the door: nobody has it yet."""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    import socket
    from typing import Final

# TLS alerts, fatal (RFC 8446 §6): a record of its own, before any handshake.
UNRECOGNIZED_NAME: Final = b"\x15\x03\x01\x00\x02\x02\x70"
INTERNAL_ERROR: Final = b"\x15\x03\x01\x00\x02\x02\x50"


class Visitor:
    """A connected client.

    entrance, address, port    where it came in (its id), and from where
    ahead                      what has been read of it, which goes with it; with TLS nothing is
    scanned                    how much of that was no whole head
    not_for                    who gave it back
    rest                       what is still to be sent to it; None while nobody answers it
    watched                    the poller knows it
    """

    __slots__ = (
        "address",
        "ahead",
        "entrance",
        "not_for",
        "port",
        "rest",
        "scanned",
        "sock",
        "watched",
    )

    def __init__(self, sock: socket.socket, entrance: int, address: str, port: int) -> None:
        self.sock = sock
        self.entrance = entrance
        self.address = address
        self.port = port
        self.ahead = b""
        self.scanned = 0
        self.not_for: object = None
        self.rest: bytes | None = None
        self.watched = False
