"""The ports of the machine's door by which clients come to one project."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from rpx.door.door_frames import PassedClient
from rpx.proxy.arrival import Arrival, Returns
from rpx.proxy.contexts import Contexts
from rpx.proxy.listener import Server

if TYPE_CHECKING:
    from rpx.door.messages import MemberHello

WantedPort = tuple[bool, int | None]  # whether it is one for TLS; which port, None: the machine's


@dataclass(slots=True)
class SharedPort:
    """One of them. `wanted` None: the machine's. `usual`: what it would be but for `errno`.

    `accepting` is there while we do so ourselves.
    """

    tls: bool
    wanted: int | None
    port: int = 0
    usual: int = 0
    errno: int = 0
    listeners: list[socket.socket] = field(default_factory=list)
    accepting: trio.CancelScope | None = None

    def accept_no_more(self) -> None:
        """End what accepts here, if it is us."""
        if self.accepting is not None:
            self.accepting.cancel(reason="the door accepts")
            self.accepting = None

    def listen(self, fds: Sequence[int]) -> None:
        """Have these listeners instead of those that were."""
        self.close()
        for fd in fds:
            listener = socket.socket(fileno=fd)
            listener.setblocking(False)
            self.listeners.append(listener)

    def close(self) -> None:
        """Close the listeners. Others have them, too."""
        self.accept_no_more()
        for listener in self.listeners:
            listener.close()
        self.listeners.clear()


class SharedPorts(list[SharedPort]):
    """All that a project has ever asked for: a place here is our number of one.

    `server` is there once it runs, and `accepting` has a task for each listener while we are alone.
    """

    def __init__(self, to: Returns) -> None:
        """`to` takes clients back."""
        super().__init__()
        self.server: Server | None = None
        self.accepting: trio.Nursery | None = None
        self._to = to

    # ---- what they are

    def of(self, hello: MemberHello) -> list[int]:
        """Return the numbers of those that a HELLO asks for, in that order."""
        return [self._number(each["port"], tls=each["tls"]) for each in hello["entrances"]]

    def offered(self, hello: MemberHello) -> tuple[MemberHello, list[int]]:
        """Return a HELLO that brings our listeners to another door, and their descriptors."""
        found = [self[number].listeners for number in self.of(hello)]
        hello = hello.copy()
        hello["entrances"] = [
            {"tls": wanted["tls"], "port": wanted["port"], "fds": len(listeners)}
            for wanted, listeners in zip(hello["entrances"], found, strict=True)
        ]
        return hello, [each.fileno() for listeners in found for each in listeners]

    def given(
        self, numbers: Iterable[int], welcome: Mapping[str, Any], fds: Sequence[int]
    ) -> dict[int, int]:
        """Take what a WELCOME says, and its descriptors; return our numbers by the door's."""
        names: dict[int, int] = {}
        left = list(fds)
        for number, given in zip(numbers, welcome["entrances"], strict=True):
            names[given["id"]], port = number, self[number]
            port.port, port.usual, port.errno = given["port"], given["usual"], given["errno"]
            new, left = left[: given["fds"]], left[given["fds"] :]
            if new:
                port.listen(new)
        for fd in left:
            os.close(fd)
        return names

    def find(self, wanted: int | None, *, tls: bool) -> SharedPort:
        """Return the one that was asked for so."""
        return self[self._number(wanted, tls=tls)]

    def close(self) -> None:
        """Close all."""
        for port in self:
            port.close()

    def _number(self, wanted: int | None, *, tls: bool) -> int:
        for number, port in enumerate(self):
            if (port.tls, port.wanted) == (tls, wanted):
                return number
        self.append(SharedPort(tls, wanted))
        return len(self) - 1

    # ---- who comes by them

    def take(self, number: int, client: PassedClient, fd: int) -> None:
        """Serve a client that the door has passed on."""
        assert self.server is not None  # noqa: S101 - before it runs nothing is heard
        arrival = Arrival(
            client.address,
            client.port,
            self._to,
            number,
            passed=True,
            ahead=client.ahead,
            astray=client.astray,
        )
        contexts = self.server.shared.contexts if self[number].tls else None
        self.server.take(client.socket(fd), arrival, contexts)

    def leave_to_others(self, hosts: AbstractSet[str]) -> None:
        """Let these be hosts of others, also if a wildcard of ours covers them."""
        if self.server is not None:
            self.server.shared.registry.leave_to_others(hosts)

    def accept(self, number: int) -> None:
        """Accept for ourselves at this one, until it is to accept no more."""
        port, server = self[number], self.server
        if port.accepting is None and server is not None and self.accepting is not None:
            port.accepting = trio.CancelScope()
            self.accepting.start_soon(self._accept, server, number, port.accepting)

    async def _accept(self, server: Server, number: int, scope: trio.CancelScope) -> None:
        port, shared = self[number], server.shared

        def contexts() -> Contexts | None:
            return shared.contexts if port.tls else None

        accept = partial(server.accept, to=self._to, entrance=number)
        with scope:
            async with trio.open_nursery() as nursery:
                for listener in port.listeners:
                    nursery.start_soon(accept, listener, contexts)
