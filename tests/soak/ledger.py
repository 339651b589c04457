"""What clients remember of their requests, and what backends have written down about them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


class Outcome(Enum):
    """How a request ended for its client."""

    RIGHT = "right"
    LEFT = "left by us"
    REFUSED = "answered by rpx"
    BROKE_OFF = "broke off within the answer"
    UNANSWERED = "connection broke before its turn"  # pipelined behind one that broke off
    LOST = "connection ended without an answer"
    WRONG = "wrong answer"
    LATE = "no answer in time"
    NOT_TRIED = "no connection"


@dataclass(slots=True)
class Request:
    """One attempt of a client."""

    ident: str
    kind: str
    method: str
    safe: bool  # may be sent twice, and fits into what rpx keeps for that: it must get its answer
    began: float
    ended: float = 0.0
    outcome: Outcome = Outcome.LATE
    status: int = 0
    pid: int = 0  # of the process that answers
    port: int = 0
    sent_whole: bool = False
    detail: str = ""


@dataclass
class Kill:
    """The end of a backend's process, as far as we caused it. `hard`: without its consent."""

    pid: int
    began: float
    ended: float
    hard: bool
    how: str


@dataclass
class Ledger:
    """All there is to know at the end."""

    outcomes: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    odd: list[Request] = field(default_factory=list)  # all that did not end RIGHT
    posts: dict[str, Request] = field(default_factory=dict)
    answered: Counter[int] = field(default_factory=Counter)  # by port: heads of backends seen
    kills: list[Kill] = field(default_factory=list)
    repeats: int = 0
    given_up: list[Request] = field(default_factory=list)  # repeated as often as we do: in vain
    orders: Counter[str] = field(default_factory=Counter)
    failed_orders: list[str] = field(default_factory=list)

    def note(self, request: Request) -> None:
        """A request has ended."""
        self.outcomes[request.kind, request.outcome] += 1
        if request.port:
            self.answered[request.port] += 1
        if request.outcome is not Outcome.RIGHT:
            self.odd.append(request)
        if request.method == "POST":
            self.posts[request.ident] = request

    def count(self, *outcomes: Outcome) -> int:
        """How many requests ended so; all without an argument."""
        wanted = outcomes or tuple(Outcome)
        return sum(n for (_, outcome), n in self.outcomes.items() if outcome in wanted)


@dataclass
class Written:
    """What the backends wrote: for each request the processes that began and that executed it."""

    began: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    executed: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def read_log(path: Path) -> Written:
    """Read the file that backend.py writes."""
    written = Written()
    for line in path.read_text().splitlines() if path.exists() else ():
        what, ident, pid = line.split(" ")
        (written.began if what == "B" else written.executed)[ident].append(int(pid))
    return written
