"""What the tools answer, typed by the words of the control API; the order is that of the JSON.

What is empty, or as it is by default, is left out below the first level, and there if it has a
default. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rpx.model.answers import ChangePlan, Kill, Outcome, Why
from rpx.model.request_answers import RequestRow, TryTold
from rpx.model.url_answer import UrlWhy


@dataclass(frozen=True, slots=True)
class BackendSeen:
    """A backend, or a route without any (`does`). `for_seconds`: how long it has been so."""

    label: str
    state: str
    for_seconds: float
    url: str = ""
    error: str = ""
    waiting_for: tuple[str, ...] = ()
    restarts: int = 0
    out_of_rotation: bool = False
    pid: int | None = None
    ports: tuple[int, ...] = ()
    in_flight: int = 0
    external: bool = False
    does: str = ""


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """`counts`: state → how many. `backends`: what is wrong comes first. `cursor`: there are more.

    `next`: what to do about it. `cut`: texts or lists were cut; a larger `max_chars` has more.
    """

    project: str
    file: str
    counts: Mapping[str, int]
    backends: tuple[BackendSeen, ...]
    next: str = ""
    cursor: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class WhyAnswer:
    """`backends` or `url`, as was asked for."""

    backends: tuple[Why, ...] = ()
    url: UrlWhy | None = None
    next: str = ""
    cursor: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class LineSeen:
    """A line of output. `times`: so many like it, the last one of them `at`."""

    at: str
    label: str
    text: str
    level: str = ""
    times: int = 1


@dataclass(frozen=True, slots=True)
class LogsAnswer:
    """Oldest first. `cursor`: give it to get what is printed from then on. `more`: there is more
    behind it already. `older`: lines from before these were left out.
    """

    lines: tuple[LineSeen, ...]
    cursor: str
    more: bool = False
    older: bool = False
    next: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class RequestSeen:
    """A request that went through. `backend`: who answered, by label; "rpx" if rpx itself did."""

    id: str
    at: str
    method: str
    url: str
    status: int | None
    ms: float
    backend: str = ""
    held_ms: float = 0.0
    tries: int = 1
    note: str = ""
    under_way: bool = False


@dataclass(frozen=True, slots=True)
class RequestsAnswer:
    """Oldest first. `cursor`, `more`, `older` as in `logs`."""

    requests: tuple[RequestSeen, ...]
    cursor: str = ""
    more: bool = False
    older: bool = False
    next: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class MessageSeen:
    """A request or an answer: `size` bytes of body. `not_shown` says what `body` has not."""

    headers: tuple[tuple[str, str], ...]
    size: int = 0
    body: str = ""
    not_shown: str = ""


@dataclass(frozen=True, slots=True)
class RequestAnswer:
    """All about one request. `lines`: what those who were asked have printed meanwhile. `cursor`:
    the body of the answer goes on.
    """

    row: RequestRow
    explained: tuple[str, ...]
    tried: tuple[TryTold, ...]
    lines: tuple[str, ...]
    request: MessageSeen
    response: MessageSeen
    lines_missing: bool = False
    cursor: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class SendAnswer:
    """What came of a request. `backend`: who answered, by label; "rpx" if rpx itself did. `lines`:
    what it printed meanwhile. `explained`: what was not as usual on the way.
    """

    status: int | None
    ms: float
    response: MessageSeen
    id: str = ""
    backend: str = ""
    pid: int | None = None
    tried: tuple[TryTold, ...] = ()
    explained: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    lines_missing: bool = False
    next: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class FailedSeen:
    """A backend that has failed, or can't be ready by itself, and what it printed last."""

    label: str
    error: str
    last_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitAnswer:
    """`outcome`: ready, quiet, failed, timeout, or ended (the project). `waited`: seconds."""

    outcome: str
    waited: float
    waiting_for: tuple[str, ...] = ()
    failed: tuple[FailedSeen, ...] = ()
    next: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class DoAnswer:
    """`done`: all of it is as was asked for. `sentences`: what there was to do, of a change."""

    done: bool
    sentences: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    killed: Kill | None = None
    plan: ChangePlan | None = None
    next: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class PhaseSeen:
    """Requests before, during or after the damage; milliseconds."""

    requests: int
    p50: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class DamageSeen:
    """What was done to whom. Seconds: `at` since the beginning, `left_after` and `returned_after`
    (None: not seen) since then.
    """

    kind: str
    backend: str
    pid: int
    at: float
    left_after: float | None
    returned_after: float | None


@dataclass(frozen=True, slots=True)
class DrillAnswer:
    """The report of a drill, as `rpx drill --json`, without its time line."""

    passed: bool
    sentence: str
    sent: int
    failed: int
    latency: Mapping[str, PhaseSeen]
    damage: DamageSeen | None = None
    failures: Mapping[str, int] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    retried: int | None = None
    held: int | None = None
    cut_short: str | None = None
    next: str = ""
    cut: bool = False


def moment(at: float) -> str:
    """Seconds since the epoch as UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
