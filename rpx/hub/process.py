"""The record of one process of ours: what its life has made of it, and what is wanted of it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import trio

from rpx.hub.lines import LineRing
from rpx.hub.mailbox import Mailbox, Order
from rpx.model.config import Start
from rpx.model.specs import ProcessSpec
from rpx.model.status import AT_REST, TO_RUN, Ended, Intent, Obstacle, State
from rpx.policy.health import Health
from rpx.policy.restarts import History

RUNNING: Final = frozenset({State.READY, State.UNHEALTHY})


class ProcessRun(NamedTuple):
    """One run of a process: its label, which process it is, and how many there had been by then."""

    label: str
    pid: int
    generation: int


class Standing:
    """How things stand under one label: since when, what was wrong last.

    A process and the address of its own have one label, and share this.
    """

    __slots__ = ("elsewhere", "last_error", "moved", "since")

    def __init__(self, since: float, moved: float) -> None:
        """`since` is now by a steady clock, `moved` by that of the day."""
        self.since, self.moved = since, moved  # when it came into the state that it is shown in
        self.last_error = ""
        self.elsewhere = ""  # where its process listens instead, and what to do about it

    def misplace(self, where: str) -> None:
        """Its process was seen to listen `where` it isn't looked for; "": nowhere but there."""
        if self.elsewhere and self.last_error == self.elsewhere:
            self.last_error = ""
        self.elsewhere = where
        if where:
            self.last_error = where


class Process:
    """One process of ours, from its first launch to its last exit.

    `state` is moved by its life alone, through the registry. Which addresses it serves is their
    affair: an endpoint knows its process.
    """

    __slots__ = (
        "changed",
        "due",
        "ended",
        "ended_unasked",
        "exited",
        "generation",
        "has_run",
        "health",
        "history",
        "intent",
        "left",
        "life",
        "lines",
        "mailbox",
        "obstacles",
        "pid",
        "restarts",
        "spec",
        "standing",
        "starts_after",
        "state",
    )

    def __init__(self, spec: ProcessSpec, standing: Standing) -> None:
        self.spec = spec
        self.standing = standing
        self.state = State.STOPPED
        self.intent = Intent.UP
        self.generation = 0  # launches so far
        self.has_run = False  # one of them has brought a process
        self.pid: int | None = None
        self.life: ProcessRun | None = None  # the latest
        self.exited = False  # its leader has, and its life has yet to decide what that means
        self.left: Sequence[int] = ()  # pids that go on when its leader has gone
        self.ended: Ended | None = None  # the run before
        self.ended_unasked = False  # some run has, not at the wish of a user or of rpx
        self.history = History()  # the crashes that count
        self.health: Health | None = None  # what the checks of this run say, without an address
        self.restarts = 0
        self.due = math.inf  # when its rest ends, in trio's time
        self.obstacles: tuple[Obstacle, ...] = ()  # what it waits for
        self.starts_after: Collection[str] = ()  # services that a change is still busy with
        self.lines = LineRing()
        self.mailbox = Mailbox[Order].new()
        self.changed = trio.Event()  # replaced at every change

    @property
    def label(self) -> str:
        """Its name, unique within the project; an address of its own has it, too."""
        return self.spec.label

    @property
    def last_error(self) -> str:
        """What was wrong last: with a run, or found at the address of its own."""
        return self.standing.last_error

    @property
    def runs(self) -> bool:
        """It has become ready, and nobody has asked it to go."""
        return self.state in RUNNING

    @property
    def up(self) -> bool:
        """It is ready, and has not exited since."""
        return self.state is State.READY and not self.exited

    @property
    def leaving(self) -> bool:
        """It is no part of the project any more."""
        return self.intent in (Intent.LEAVING, Intent.GONE)

    @property
    def gone(self) -> bool:
        """It has left."""
        return self.intent is Intent.GONE

    @property
    def about_to_start(self) -> bool:
        """Its life has not begun, or has just been told to start it."""
        return self.state is State.STOPPED and self.intent in TO_RUN

    @property
    def stuck(self) -> bool:
        """It waits for something that will not come unless somebody gives an order."""
        return any(each.hopeless for each in self.obstacles)

    @property
    def returning(self) -> bool:
        """Not ready, but it is worth waiting for: it is being started or will be."""
        if self.intent not in TO_RUN:
            return False
        match self.state:
            case State.READY:
                return False
            case State.UNHEALTHY:
                return self.spec.health_check is None or self.spec.start.replaced_when_sick
            case State.WAITING:
                return not self.stuck
            case State.STOPPED:  # a reload has added it, and its life begins in a moment
                return True
            case state:
                return self.intent is Intent.TRIAL or state not in AT_REST

    def watch(self, health: Health | None) -> None:
        """Its checks begin anew, and are counted there."""
        self.health = health

    def blame(self, why: str) -> None:
        """Keep what is wrong with it; "": that it isn't any more."""
        self.standing.last_error = why


def shown_command(start: Start) -> str:
    """Return how a command is shown; that of a container begins with its image."""
    command = start.command
    words = command if isinstance(command, str) else shlex.join(command)
    if start.container is None:
        return words
    build = start.container.build
    what = start.container.image or (f"build {build.context}" if build is not None else "")
    return f"{what} {words}".strip()
