"""How a client has come in: by a listener of ours, or from the machine's door."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from rpx.proxy.inlet import Inlet


class Returns(Protocol):
    """Who takes a client back that asks for somebody else. `open`: there is somebody who does."""

    @property
    def open(self) -> bool: ...

    def give_back(self, arrival: Arrival, sock: int, heard: bytes) -> None:
        """Take a descriptor, which it closes, and what the client has said behind its last answer.

        `arrival` is how the client has come to us.
        """


class Arrival(NamedTuple):
    """Where a client is, and how it has come.

    `address` and `port` are its own. `to`: who takes it back when it asks for a host that is none
    of ours; `entrance` is what they call the port that it has come to. `passed`: they have passed
    it on, so what it has said first lies there already. `ahead` has been read of it. `astray`:
    nobody has the name that its TLS begins with. `inlet`: it has come by that.
    """

    address: str
    port: int = 0
    to: Returns | None = None
    entrance: int = 0
    passed: bool = False
    ahead: bytes = b""
    astray: bool = False
    inlet: Inlet | None = None
