"""What is known about a backend at one moment: states, snapshots, events. All frozen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple


class State(Enum):
    """Where a backend is in its life. An external one is only ever READY or UNHEALTHY.

    No life is ever PAUSED: that is what everybody else sees of a READY or UNHEALTHY backend that a
    user keeps out of rotation (`Endpoint.visible_state`).
    """

    STOPPED = "stopped"
    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    UNHEALTHY = "unhealthy"
    PAUSED = "paused"
    DRAINING = "draining"
    STOPPING = "stopping"
    BACKOFF = "backoff"
    FAILED = "failed"
    COMPLETED = "completed"


class Intent(Enum):
    """What is wanted of a backend, whatever state it is in on the way there."""

    UP = "up"  # to run; it is started again when it crashes, as its restart policy says
    AGAIN = "again"  # to go, and only to be started again
    TRIAL = "trial"  # to run with settings that are new; if that fails, with those before
    DOWN = "down"  # to stay down until somebody starts it
    LEAVING = "leaving"  # to finish what it has, to stop, and to be forgotten
    GONE = "gone"  # nothing: it has been forgotten


OWN_WORDS: Final = "rpx"  # the label of what rpx itself has to say

HAS_PROCESS: Final = frozenset(
    {State.STARTING, State.READY, State.UNHEALTHY, State.DRAINING, State.STOPPING}
)
AT_REST: Final = frozenset({State.STOPPED, State.FAILED, State.COMPLETED})
TO_RUN: Final = frozenset({Intent.UP, Intent.AGAIN, Intent.TRIAL})


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that a backend waits for, and why it isn't there.

    `condition` is what it is to be: started, healthy, completed. `hopeless`: it will not be so
    unless somebody gives an order.
    """

    name: str
    condition: str
    why: str
    hopeless: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """What a tree of processes uses: resident bytes, CPU seconds since it began, how many it is.

    Memory that several of them share is counted for each.
    """

    memory: int
    cpu: float
    processes: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: in words, its exit code (negative: a signal), seconds up, and when."""

    what: str
    code: int
    uptime: float
    at: float


@dataclass(frozen=True, slots=True)
class OpenPort:
    """A port of this machine at which a process listens beside its address: by what it is known,
    and which it is.
    """

    known: int
    port: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One row of `rpx ps`. `since` is seconds since the epoch; times and pids are of now.

    `internal_url`: by which services of this machine reach its proxy. `place` is its pool's.
    `other_urls`: where its proxy is, too, if that has several hosts.
    """

    name: str
    label: str
    replica: int
    backend: str | None
    port: int | None
    external: bool
    served_by: str
    state: State
    pid: int | None
    restarts: int
    since: float
    in_rotation: bool
    weight: int
    in_flight: int
    last_error: str
    url: str | None
    command: str | None
    internal_url: str | None
    waiting_for: tuple[Obstacle, ...]
    ports: tuple[OpenPort, ...]
    place: str | None
    other_urls: tuple[str, ...] = ()

    @property
    def own(self) -> bool:
        """rpx runs a process by its label."""
        return not self.external and not self.served_by


@dataclass(frozen=True, slots=True)
class StateChanged:
    """A backend moved from one state to another at `at` (seconds since the epoch).

    `spent` is how many seconds it was in the one before, whatever the clock was set to meanwhile.
    """

    label: str
    before: State
    after: State
    reason: str
    pid: int | None
    at: float
    spent: float = 0.0


@dataclass(frozen=True, slots=True)
class RotationChanged:
    """A backend gets requests from now on, or no more; its state may follow later."""

    label: str
    in_rotation: bool
    at: float


@dataclass(frozen=True, slots=True)
class Note:
    """Something rpx itself has to say, about one backend (`label`) or in general (empty)."""

    text: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Printed:
    """Whole lines that `label` printed, each with its newline, as they came in one chunk.

    `at` is seconds since the epoch, in whole microseconds, and later than that of any chunk of the
    same label before it. A `passing` one is the beginning of a line that has no end yet: it comes
    again as a whole.
    """

    label: str
    at: float
    text: bytes
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a Printed, without its newline."""

    label: str
    at: float
    text: bytes


# A tuple: there is one for each request, and a frozen dataclass takes four times as long.
class Routed(NamedTuple):
    """A request was answered (published only when the configuration says `verbose`)."""

    path: str  # without its query
    address: str

    def __str__(self) -> str:
        return f"[rpx] Request {self.path} → {self.address}"


Event = StateChanged | RotationChanged | Note | Routed
