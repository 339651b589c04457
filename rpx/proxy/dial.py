"""How a connection to a backend comes about: happy eyeballs (RFC 8305).

The place that answered last is called first, and within a machine that is all there is to it: no
task, no scope, no wait. Only when it hesitates does the next one get its chance beside it.

Why not `trio.open_tcp_stream`, which knows happy eyeballs, too? Each connection would cost a task
and a nursery (or a change of hands, for a coroutine of the reactor), though `connect` to loopback
has its result at once. It would ask the resolver for `localhost`, which may say whatever it likes,
and begin with ::1 each time, where a server of development mostly isn't. And a full queue is
silence to it: Linux drops the SYN and calls again after 1, 3, 7 seconds, so that a burst on a
server with a short queue takes seconds, of which `_answered` makes milliseconds.

A socket belongs to whoever made it until the connection is returned: each step closes it when it
fails or is cancelled, for a coroutine may be ended while a trio task takes it over.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache, partial
from itertools import zip_longest
from typing import NamedTuple

import trio
from trio.lowlevel import wait_writable

from rpx.hub.descriptors import ceiling
from rpx.model.address import Address, Location, SocketFile
from rpx.proxy.reactor import Reactor
from rpx.proxy.sockets import NO_MORE_FILES

AGAIN = 0.005  # seconds until a place within this machine is called again; more each time,
AGAIN_MOST = 0.9  # and at most so many: then the kernel calls by itself
HEAD_START = 0.25  # seconds of each attempt before the next one begins (RFC 8305 §5)
QUEUE_FULL = 0.01  # seconds until a unix socket whose queue was full is tried again
_PENDING = frozenset({errno.EINPROGRESS, errno.EALREADY, errno.EAGAIN})
_NOT_HERE = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENETUNREACH})


class Place(NamedTuple):
    """Where one can connect to: a family of sockets, and an address of it."""

    family: socket.AddressFamily
    address: tuple[str, int] | str


Call = Callable[[], Awaitable[socket.socket]]


class Dialer:
    """Connects to addresses, and remembers for each which place answered last."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._last: dict[Location, Place] = {}
        self._lines: dict[Place, trio.Lock] = defaultdict(trio.Lock)  # of those who call again
        self._patience: dict[Place, float] = {}  # seconds that are enough, where AGAIN is not

    async def dial(self, address: Location, within: float) -> socket.socket:
        """Return a new connection; all attempts at it together get `within` seconds.

        Raises: OSError; TimeoutError when nothing answers at all.
        """
        places = _known(address)
        if not places:
            places = await self._resolved(address, within)
        last = self._last.get(address)
        if last in places:
            places.sort(key=lambda place: place != last)
        refusals: list[OSError] = []
        for number, place in enumerate(places):
            try:
                sock, done = call(place)
            except OSError as error:
                refusals.append(error)
                continue
            if not done:
                return await self._wait(address, sock, places[number:], refusals, within)
            self._last[address] = place
            return sock
        raise _telling(refusals)

    async def _resolved(self, address: Location, within: float) -> list[Place]:
        assert isinstance(address, Address)  # noqa: S101 - for the type checker: it has a host
        async with self._reactor.task():
            with trio.move_on_after(within):
                found = await trio.socket.getaddrinfo(
                    address.host, address.port, type=socket.SOCK_STREAM
                )
                places = [Place(family, (str(to[0]), address.port)) for family, *_, to in found]
                return _interleaved(places)
        raise TimeoutError(f"{address.host} was not resolved in time")

    async def _wait(
        self,
        address: Location,
        begun: socket.socket,
        places: list[Place],
        refusals: list[OSError],
        within: float,
    ) -> socket.socket:
        """Wait for the connection that has begun to the first of `places`, or for another."""
        attempts: list[Call] = [partial(self._answered, begun, places[0])]
        attempts += [partial(self._connect, place) for place in places[1:]]
        won: socket.socket | None = None
        try:
            async with self._reactor.task():
                with trio.move_on_after(within):
                    won, number = await _first(attempts, refusals)
                    self._last[address] = places[number]
        except BaseException:  # also when all is ended while a task takes over, or gives back
            begun.close()
            if won is not None:
                won.close()
            raise
        if won is None:
            raise TimeoutError(f"no connection to {address} in time")
        return won

    async def _connect(self, place: Place) -> socket.socket:
        sock, done = call(place)
        return sock if done else await self._answered(sock, place)

    async def _answered(self, sock: socket.socket, place: Place) -> socket.socket:
        """Return a connection to `place`, which has been called with `sock`. Raises: OSError.

        Within a machine silence means that the backend's queue is full (Python's http.server has
        one of five). The kernel calls again after seconds, and for all at once: then most of them
        are established for us alone, and hang for minutes. So we call, one at a time. Or the port
        leads elsewhere, to a virtual machine: a longer wait will do, and the next ones begin so.
        """
        if not _is_near(place):
            return await answered(sock, place)
        with trio.move_on_after(self._patience.get(place, AGAIN)):
            return await answered(sock, place)
        async with self._lines[place]:
            pause = self._patience.get(place, AGAIN)
            while True:
                sock, done = call(place)
                if done:
                    return sock
                with trio.move_on_after(pause):
                    sock = await answered(sock, place)
                    self._patience[place] = pause
                    return sock
                pause = min(pause * 1.5, AGAIN_MOST)


async def _first(attempts: Sequence[Call], refusals: list[OSError]) -> tuple[socket.socket, int]:
    """Return the first connection, and whose it is; end the other attempts. Raises: OSError.

    Each begins a head start after the former, or as soon as that has failed.
    """
    if len(attempts) == 1:
        return await attempts[0](), 0
    won: list[tuple[socket.socket, int]] = []
    async with trio.open_nursery() as race:

        async def run(number: int, failed: trio.Event) -> None:
            try:
                sock = await attempts[number]()
            except OSError as error:
                refusals.append(error)
                failed.set()
            else:
                won.append((sock, number))
                race.cancel_scope.cancel(reason="another place was faster")

        for number in range(len(attempts)):
            failed = trio.Event()
            race.start_soon(run, number, failed)
            with trio.move_on_after(HEAD_START):
                await failed.wait()
    for sock, _ in won[1:]:  # in the same instant
        sock.close()
    if not won:
        raise _telling(refusals)
    return won[0]


def _known(address: Location) -> list[Place]:
    """Return where `address` is as far as that can be told without asking anybody."""
    if isinstance(address, SocketFile):
        return [Place(socket.AF_UNIX, address.path)]
    port = address.port
    if address.host == "localhost":  # whatever the resolver thinks of it
        return [
            Place(socket.AF_INET, ("127.0.0.1", port)),
            Place(socket.AF_INET6, ("::1", port)),
        ]
    family = _family(address.host)
    return [] if family is None else [Place(family, (address.host, port))]


@lru_cache(maxsize=256)  # to read an address takes longer than to connect to one of this machine
def _family(host: str) -> socket.AddressFamily | None:
    """Return what an address belongs to, None for a name."""
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return None
    return socket.AF_INET6 if version == 6 else socket.AF_INET


def _is_near(place: Place) -> bool:
    """Whether `place` is a port of this machine, where the kernel answers or refuses at once."""
    host = place.address[0]
    return place.family != socket.AF_UNIX and (host == "::1" or host.startswith("127."))


def _interleaved(places: list[Place]) -> list[Place]:
    """RFC 8305 §4: families take turns, so that one that leads nowhere costs one head start."""
    first = [place for place in places if place.family == places[0].family]
    other = [place for place in places if place.family != places[0].family]
    return [place for pair in zip_longest(first, other) for place in pair if place is not None]


def _telling(refusals: list[OSError]) -> OSError:
    """Of several reasons the one that says most: "no such family here" says nothing."""
    for error in refusals:
        if error.errno in NO_MORE_FILES:
            return error
    return next((e for e in refusals if e.errno not in _NOT_HERE), refusals[0])


def call(place: Place) -> tuple[socket.socket, bool]:
    """Begin a connection; tell whether it stands already, as it does within a machine.

    Raises: OSError. One that doesn't stand yet is to be waited for with `answered`.
    """
    sock = socket.socket(place.family, socket.SOCK_STREAM)
    try:
        _check_room(sock)
        sock.setblocking(False)
        if place.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(place.address)
        if code == errno.EINPROGRESS:  # loopback has its answer by now: that spares a wait
            code = sock.connect_ex(place.address)
        if code in _PENDING:
            return sock, False
        _check(sock, code)
    except BaseException:
        sock.close()
        raise
    return sock, True


async def answered(sock: socket.socket, place: Place) -> socket.socket:
    """Return `sock` once its connection stands; else it is closed. Raises: OSError."""
    try:
        if place.family == socket.AF_UNIX:  # its queue is full: nothing tells when there is room
            while (code := sock.connect_ex(place.address)) == errno.EAGAIN:  # noqa: ASYNC110
                await trio.sleep(QUEUE_FULL)
        else:
            await wait_writable(sock)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        _check(sock, code)
    except BaseException:
        sock.close()
        raise
    return sock


def _check_room(sock: socket.socket) -> None:
    """Leave the last files to rpx itself, as if there were none."""
    if sock.fileno() >= ceiling():
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def _check(sock: socket.socket, code: int) -> None:
    """A port from the range that the kernel picks source ports from may "answer" itself."""
    if code not in (0, errno.EISCONN):
        raise OSError(code, os.strerror(code))
    if sock.getsockname() == sock.getpeername():
        raise OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
