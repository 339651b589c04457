"""A connection to the machine's door: how it begins, and the frames that come and go on it.

How it begins blocks, and belongs into a worker; the rest never waits on the thread of trio.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import trio
from trio.lowlevel import notify_closing

from rpx.door import door_frames as words
from rpx.door.door_frames import Garbled, Reader, frame, json_frame, read_json, send
from rpx.door.starting import DoorPlace, connect, start_door, take_lock
from rpx.errors import RpxError
from rpx.proxy.coroutines import Polled
from rpx.proxy.reactor import Reactor

if TYPE_CHECKING:
    from rpx.door.messages import MemberHello

ANSWERS: Final = 5.0  # seconds for a door to answer; it may wait 2 for members that it knows of
TURN: Final = 32  # reads without a wait, after which others have their turn

Heard = Callable[[int, bytes, list[int]], None]  # kind of a frame, payload, descriptors


class NoDoor(Exception):
    """There is no door, and none can be started: why, in words."""


class RefusedByDoor(Exception):
    """The door takes nothing of a HELLO; `why` is a messages.Refused."""

    def __init__(self, why: dict[str, Any]) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(slots=True)
class Question:
    """A HELLO to a door that knows us, and what it says: True, or why not. None: it has gone.

    `ports` are our numbers of its entrances.
    """

    ports: Sequence[int]
    answered: trio.Event = field(default_factory=trio.Event)
    answer: bool | RefusedByDoor | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A door has taken us. `welcome` is a messages.Welcome, `fds` are the listeners behind it."""

    sock: socket.socket
    reader: Reader
    welcome: dict[str, Any]
    fds: list[int]

    def close(self) -> None:
        """Go away again, before anything else was said."""
        self.sock.close()
        self.reader.close()


def knock(place: DoorPlace, hello: MemberHello, listeners: Sequence[int]) -> Admitted | None:
    """Say HELLO, with our listeners, and wait for the answer; None: nobody gives one.

    Blocks. Raises: RefusedByDoor.
    """
    sock = connect(place)
    if sock is None:
        return None
    reader = Reader()
    try:
        sock.settimeout(ANSWERS)
        data = json_frame(words.HELLO, hello, len(listeners))
        sent = send(sock, data, listeners)
        sock.sendall(data[sent:])
        kind, payload, fds = _first_frame(sock, reader)
        said = read_json(payload)
        if kind == words.WELCOME:
            _check(said, len(hello["entrances"]))
    except (OSError, Garbled):  # it has gone in between, or hangs
        sock.close()
        reader.close()
        return None
    found = Admitted(sock, reader, said, fds)
    if kind != words.WELCOME:
        found.close()
        raise RefusedByDoor(said)
    return found


def _first_frame(sock: socket.socket, reader: Reader) -> tuple[int, bytes, list[int]]:
    """Return the answer to HELLO. Raises: OSError, Garbled."""
    while reader.feed(sock):
        for came in reader.frames():
            if came[0] in {words.WELCOME, words.REFUSED}:
                return came
    raise ConnectionError("it has gone")


def in_json(value: object) -> bytes:
    """Return the payload of a frame of JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def _check(welcome: dict[str, Any], entrances: int) -> None:
    """Look whether all is there that a WELCOME has to have. Raises: Garbled."""
    numbers = ("id", "port", "usual", "errno", "fds")
    given = welcome.get("entrances")
    if not isinstance(given, list) or len(given) != entrances:
        raise Garbled("entrances")
    if not all(isinstance(x.get(name), int) for x in given for name in numbers):
        raise Garbled("entrances")


def start_one(place: DoorPlace, lock: int | None = None) -> bool:
    """Start a door, unless somebody does so already or has one; tell whether it was us.

    `lock` is that of a door which has given it to us. Blocks, for 2 ms. Raises: OSError, Unusable.
    """
    if lock is None:
        lock = take_lock(place)
    if lock is None:
        return False
    start_door(place, lock)
    return True


def is_there(place: DoorPlace) -> bool:
    """Whether a door answers there. May block, for a moment."""
    found = connect(place)
    if found is not None:
        found.close()
    return found is not None


def in_words(error: Exception) -> str:
    """What is wrong, in a few words."""
    return error.problems[0].what if isinstance(error, RpxError) else str(error)


def order(version: str) -> tuple[int, ...]:
    """Return numbers by which an older version comes first."""
    return tuple(map(int, re.findall(r"[0-9]+", version)[:3]))


class DoorLink:
    """One connection to a door, after it has begun.

    `numbers` are ours of the entrances, by what the door calls them.
    """

    def __init__(
        self, sock: socket.socket, reader: Reader, numbers: dict[int, int], reactor: Reactor
    ) -> None:
        sock.setblocking(False)
        self.numbers = numbers
        self.ended = trio.Event()
        self._wire = Polled(sock)
        self._reader = reader
        self._reactor = reactor
        self._out: deque[tuple[bytes | memoryview, bytes, int | None]] = deque()
        self._writes = False
        self._questions: deque[Question] = deque()

    def ask(self, hello: MemberHello, ports: Sequence[int]) -> Question:
        """Say HELLO again; `ports` are our numbers of its entrances."""
        question = Question(ports)
        self._questions.append(question)
        self.send(words.HELLO, in_json(hello))
        return question

    def asked(self) -> Sequence[int] | None:
        """Return the ports of the question that is answered next; None if there is none."""
        return self._questions[0].ports if self._questions else None

    def answer(self, said: bool | RefusedByDoor) -> None:
        """Let whoever has asked first know."""
        if self._questions:
            question = self._questions.popleft()
            question.answer = said
            question.answered.set()

    def named(self, number: int) -> int:
        """Return what the door calls an entrance of ours; one that nobody has if it has none."""
        return next((name for name, ours in self.numbers.items() if ours == number), 255)

    def send(self, kind: int, payload: bytes = b"", fd: int | None = None) -> None:
        """Send a frame as soon as there is room; `fd` goes with it, and is closed here."""
        self._out.append((frame(kind, payload, fd is not None), payload, fd))
        if not self._writes and not self._flushed():
            self._writes = True
            self._reactor.begin(self._write())

    def unsent(self) -> Iterator[tuple[bytes, int]]:
        """Take the payloads and descriptors that have not been sent; these are the caller's."""
        while self._out:
            _, payload, fd = self._out.popleft()
            if fd is not None:
                yield payload, fd

    async def read(self, heard: Heard) -> None:
        """Pass on each frame, until one of us ends this."""
        wire, turn = self._wire, TURN
        try:
            while True:
                for kind, payload, fds in self._reader.frames():
                    heard(kind, payload, fds)
                try:
                    if not self._reader.feed(wire.sock):
                        break
                except (BlockingIOError, InterruptedError):
                    wire.may_read = wire.ended = False
                    turn = TURN
                    await self._reactor.readable(wire)
                turn -= 1
                if not turn:
                    turn = TURN
                    await self._reactor.give_way()
        except (OSError, Garbled, trio.ClosedResourceError):
            pass
        finally:
            self.close()

    def close(self) -> None:
        """End it; safe to call twice."""
        sock = self._wire.sock
        if sock.fileno() >= 0:
            self._reactor.forget(self._wire)
            notify_closing(sock)
            sock.close()
            self._reader.close()
        while self._questions:
            self._questions.popleft().answered.set()
        self.ended.set()

    async def _write(self) -> None:
        """Send what had no room at once."""
        with suppress(OSError, trio.ClosedResourceError):  # whoever reads notices
            while not self._flushed() and not self.ended.is_set():
                await self._reactor.writable(self._wire)
        self._writes = False

    def _flushed(self) -> bool:
        """Send what there is room for; false: something is left for which there is none."""
        while self._out:
            data, payload, fd = self._out[0]
            try:
                sent = send(self._wire.sock, data, () if fd is None else (fd,))
            except (BlockingIOError, InterruptedError):
                return False
            except OSError:
                return True  # whoever reads notices
            if fd is not None:
                os.close(fd)
            if sent < len(data):
                self._out[0] = memoryview(data)[sent:], payload, None
            else:
                self._out.popleft()
        return True
