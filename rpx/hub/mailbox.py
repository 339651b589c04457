"""What users can ask of a backend or of the project, and the mailboxes in which it is found."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

import trio

from rpx.errors import RpxError
from rpx.model.answers import ChangeReport
from rpx.model.config import Config

T = TypeVar("T")

MAILBOX = 4  # more orders than a person gives at once; a full box means "busy", not "wait"


_HARMLESS = frozenset(
    {
        signal.SIGSTOP,
        signal.SIGTSTP,
        signal.SIGTTIN,
        signal.SIGTTOU,
        signal.SIGCONT,
        signal.SIGCHLD,
        signal.SIGURG,
        signal.SIGWINCH,
    }
)


class OrderKind(Enum):
    """What a life is asked to do. None of these ends its loop; only leaving the program does."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    KILL = "kill"


@dataclass(slots=True)
class Order:
    """One order. For KILL: the signal, how long to stay down, whether to come back at all."""

    kind: OrderKind
    signal: int = signal.SIGKILL
    down_for: float = 0.0
    come_back: bool = True
    taken: trio.Event = field(default_factory=trio.Event)
    hit: int | None = None  # the pid that got the signal
    at: float = 0.0  # and when, in seconds since the epoch

    @property
    def asks_to_end(self) -> bool:
        """A KILL after which the process is expected to go."""
        return self.signal not in _HARMLESS

    @property
    def fatal(self) -> bool:
        """A KILL that no process can survive."""
        return self.signal == signal.SIGKILL

    def take(self) -> None:
        """Tell whoever gave the order that the life has acted on it."""
        self.taken.set()


@dataclass(slots=True)
class ProjectOrder:
    """What is asked of the project as a whole: another configuration, or other numbers of copies.

    `scale` is copies by service; None: the configuration is `config`, or what is in the file now.
    `dry`: only say what would be done. Whoever carries it out sets `taken`, then `planned` once
    `report` says what is being done now, or `error` why not, and `done` at the end.
    """

    scale: Mapping[str, int] | None = None
    dry: bool = False
    why: str = ""  # which file has changed, where no user has asked
    config: Config | None = None
    taken: trio.Event = field(default_factory=trio.Event)
    planned: trio.Event = field(default_factory=trio.Event)
    done: trio.Event = field(default_factory=trio.Event)
    report: ChangeReport | None = None
    error: RpxError | None = None


@dataclass(slots=True)
class Mailbox(Generic[T]):
    """The two ends of orders: anybody gives; the life of the backend alone takes its own."""

    give: trio.MemorySendChannel[T]
    orders: trio.MemoryReceiveChannel[T]

    @classmethod
    def new(cls) -> Mailbox[T]:
        """Open an empty mailbox."""
        return cls(*trio.open_memory_channel[T](MAILBOX))
