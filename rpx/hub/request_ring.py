"""What went through: the last requests, each with what is known of it, bounded by number and bytes.

A record refers to what a request needs anyhow: its heads, its times, the spec of who answered. It
is words only when somebody asks (orders/passed.py), so that nobody who doesn't pays for them:
docs/adr/0029-requests-in-a-ring.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from time import perf_counter
from typing import Final, NamedTuple

import trio

from rpx.http.answer_head import AnswerHead
from rpx.http.forwarded import Forwarding
from rpx.http.head import RequestHead
from rpx.http.tags import Tags
from rpx.http.websocket import Frames
from rpx.hub.body_copy import BodyCopy
from rpx.hub.process import ProcessRun
from rpx.model.own_settings import KeptRequests
from rpx.model.specs import EndpointSpec

MOST: Final = 16 << 20  # bytes
RECORD: Final = 600  # bytes of a record, the objects of its heads, and its place
NOTE: Final = 400  # bytes of one of its rarer facts


class FailedTry(NamedTuple):
    """A backend that was asked, and gave no answer. `after`: seconds from the beginning on."""

    backend: EndpointSpec
    life: ProcessRun | None
    outcome: str
    after: float


class Holding(NamedTuple):
    """A wait for a backend: how long (s), and how each stood then (label, state, why)."""

    seconds: float
    backends: tuple[tuple[str, str, str], ...]


class Conveyed:
    """What a tunnel has carried in one direction. `frames`: None where those aren't spoken."""

    __slots__ = ("bytes", "frames")

    def __init__(self, frames: Frames | None) -> None:
        self.bytes = 0
        self.frames = frames


class More:
    """What few requests have: failed tries, waits, a new connection, frames.

    `connecting` is seconds. `note`: what went wrong once there was an answer, as the end of a
    sentence about the backend. `carried`: by a tunnel from the client, and to it.
    `lasting`: it ends when a side leaves.
    """

    __slots__ = ("carried", "connecting", "holds", "lasting", "note", "tries")

    def __init__(self) -> None:
        self.tries: tuple[FailedTry, ...] = ()
        self.holds: tuple[Holding, ...] = ()
        self.connecting = 0.0
        self.note = ""
        self.carried: tuple[Conveyed, Conveyed] | None = None
        self.lasting = False

    @property
    def size(self) -> int:
        """Bytes, about."""
        return NOTE * (1 + len(self.tries) + len(self.holds))


class Record:
    """One request. Whoever handles it writes what it finds out, here and nowhere else.

    number      counts requests, in the order in which they came
    began       and `first` (the answer's head was there), `ended`: by perf_counter, 0 if not yet
    at          when it ended, in seconds since the epoch
    request     as the client has sent it; None: it was none
    peer        who sent it
    protocol    "HTTP/2", or "" for the version that `request` has
    route       the name of the one it took
    backend     who was asked last, and which run of its process that was
    answer      the head that the client has got, the last one if there were several
    received    bytes of its body
    sent        bytes of the answer's body; -1: as `answer` has it
    copies      so many bytes of each body are kept
    asked       what is kept of its body, and `given`: of the answer's; None until there is some
    place       how many had ended with it
    size        what it counts for in the ring
    """

    __slots__ = (
        "answer",
        "asked",
        "at",
        "backend",
        "began",
        "copies",
        "ended",
        "first",
        "given",
        "life",
        "more",
        "number",
        "peer",
        "place",
        "protocol",
        "received",
        "request",
        "route",
        "sent",
        "size",
    )

    at: float
    place: int
    size: int

    def __init__(
        self,
        number: int,
        request: RequestHead | None,
        peer: Forwarding,
        protocol: str,
        copies: int = 0,
    ) -> None:
        self.copies = copies
        self.number = number
        self.began = perf_counter()
        self.request = request
        self.peer = peer
        self.protocol = protocol
        self.route: str | None = None
        self.backend: EndpointSpec | None = None
        self.life: ProcessRun | None = None
        self.answer: AnswerHead | None = None
        self.more: More | None = None
        self.asked: BodyCopy | None = None
        self.given: BodyCopy | None = None
        self.first = self.ended = 0.0
        self.received = 0
        self.sent = -1

    def rarely(self) -> More:
        """What few have, to write there."""
        if self.more is None:
            self.more = More()
        return self.more

    def take(self, pieces: Sequence[bytes]) -> None:
        """So much of the request's body has come."""
        self.received += sum(map(len, pieces))
        if self.copies:
            if self.asked is None:
                self.asked = BodyCopy(self.copies)
            for piece in pieces:
                self.asked.take(piece)

    def give(self, pieces: Sequence[bytes]) -> None:
        """So much of the answer's body goes to the client; some of it is to be kept."""
        for piece in pieces:
            if piece:
                self.copy_of_answer().take(piece)

    @property
    def kept(self) -> int:
        """Bytes of both bodies that are kept."""
        return sum(each.kept for each in (self.asked, self.given) if each is not None)

    def copy_of_answer(self) -> BodyCopy:
        """What is kept of the answer's body, of which something has come."""
        if self.given is None:
            self.given = BodyCopy(self.copies)
        return self.given

    def failed(self, outcome: str) -> None:
        """Who was asked last has given no answer."""
        if self.backend is not None:
            more = self.rarely()
            after = perf_counter() - self.began
            more.tries += (FailedTry(self.backend, self.life, outcome, after),)
            self.backend = self.life = None


class RequestRing:
    """The last requests of a project, in the order in which they ended.

    `under_way` are those that end only when a side leaves, by number. `tags` names requests, also
    while none are kept.
    """

    __slots__ = (
        "_bodies",
        "_bytes",
        "_clock",
        "_ended",
        "_keep",
        "_looking",
        "_records",
        "changed",
        "copies",
        "missed",
        "settings",
        "tags",
        "under_way",
    )

    def __init__(self, clock: Callable[[], float], run: bytes) -> None:
        """`clock` gives seconds since the epoch; `run` is as of Tags."""
        self._clock = clock
        self.tags = Tags(run)
        self._records: deque[Record] = deque()
        self._bytes = 0
        self._ended = 0  # all that have, so the number of the last in `_records`
        self.under_way: dict[int, Record] = {}
        self.changed: trio.Event | None = None  # somebody waits for the next one
        self._looking = 0
        self._bodies = 0
        self.copies = 0  # bytes of each body that are kept of the next request
        self.settings = KeptRequests()
        self.become(self.settings)

    def become(self, settings: KeptRequests) -> None:
        """Keep so many from now on."""
        self.settings = settings
        self._keep = settings.keep
        self._count()
        while self._records and len(self._records) > self._keep:
            self._forget()

    # ---- what requests touch

    def add(self, record: Record) -> None:
        """Keep a request that has ended."""
        if not record.ended:  # else the clock was looked at to count it
            record.ended = perf_counter()
        record.at = self._clock()
        request, answer = record.request, record.answer
        size = RECORD + (record.copies and record.kept)
        if request is not None:
            size += len(request.block) + len(request.target)
        if answer is not None:
            size += len(answer.block) + len(answer.ours)
        if record.more is not None:
            size += record.more.size
            if record.more.lasting:
                self.under_way.pop(record.number, None)
        record.size = size
        self._bytes += size
        record.place = self._ended = self._ended + 1
        self._records.append(record)
        if self._bytes > MOST or len(self._records) > self._keep:
            self._forget()
        if self.changed is not None:
            self.changed.set()
            self.changed = None

    def _forget(self) -> None:
        records = self._records
        while records and (self._bytes > MOST or len(records) > self._keep):
            self._bytes -= records.popleft().size

    def outlasts(self, record: Record) -> None:
        """It ends only when a side leaves, so it is to be seen before."""
        record.rarely().lasting = True
        if self._keep:
            self.under_way[record.number] = record

    # ---- who looks

    @property
    def bytes(self) -> int:
        """How much all of them take, about, and not less."""
        return self._bytes

    @property
    def ended(self) -> int:
        """How many have ended so far."""
        return self._ended

    def since(self, ended: int) -> tuple[list[Record], int]:
        """Return those that have ended since so many had, and how many of them are lost."""
        found = list(takewhile(lambda record: record.place > ended, reversed(self._records)))
        return found[::-1], max(0, self._ended - ended - len(found))

    def all(self) -> list[Record]:
        """Return all that there are, by the time at which they came."""
        found = [*self._records, *self.under_way.values()]
        return sorted(found, key=lambda record: record.began)

    async def wait(self, ended: int) -> None:
        """Wait until more than so many have ended."""
        await trio.lowlevel.checkpoint()
        while self._ended <= ended:
            if self.changed is None:
                self.changed = trio.Event()
            await self.changed.wait()

    def look(self, by: int) -> None:
        """So many more look on: bodies are kept while anybody does."""
        self._looking += by
        self._count()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Somebody looks on meanwhile."""
        self.look(1)
        try:
            yield
        finally:
            self.look(-1)

    def _count(self) -> None:
        told = self.settings.bodies
        self.copies = told if told or not self._looking else COPIED
        if not self.settings.keep:
            self.copies = 0


COPIED: Final = 65536  # bytes of each body, while somebody looks
