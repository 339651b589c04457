"""What a running project answers to who asks from outside, as values: the shape of the API.

Its server fills them, `json_of` writes them, and `read` makes values of the JSON again in whoever
has asked. The order of the fields is the order of the JSON.

The two ends may be rpx of different versions: what `read` doesn't know is passed over, and what is
missing is as empty as its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, fields
from enum import Enum
from typing import Any, ClassVar, Final, Protocol, TypeVar

from rpx.errors import Exit
from rpx.model.status import (
    Ended,
    Event,
    Note,
    Obstacle,
    OpenPort,
    RotationChanged,
    Routed,
    State,
    StateChanged,
)


class Fielded(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


T = TypeVar("T", bound=Fielded)
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ps:
    """A backend, as `rpx ps` shows it: first the keys that scripts rely on, then the rest.

    `place` is the `to` that it is there for, or the route's; None: it is a process without one.
    `does` is there in the row of a route that has no backends of its own, or of a proxy that is
    files: then it says what becomes of requests, and there is no backend.

    `internal_url` is for services of this machine, as RPX_API_URL; None: there is none.
    `other_urls` are of the hosts of its proxy but the first. `since` is seconds since the epoch,
    `memory` bytes and `cpu` seconds of its whole tree of processes; None: not known. `last_lines`
    of one that has failed.
    """

    name: str
    backend: str | None
    port: int | None
    state: str  # of State; a newer rpx may have more of them
    pid: int | None
    restarts: int
    since: float
    in_rotation: bool
    url: str | None
    label: str
    replica: int
    external: bool
    served_by: str | None
    weight: int
    in_flight: int
    last_error: str
    command: str | None
    internal_url: str | None
    waiting_for: tuple[Obstacle, ...]
    ports: tuple[OpenPort, ...]
    memory: int | None
    cpu: float | None
    processes: int | None
    last_lines: tuple[str, ...]
    place: str | None
    does: str | None
    other_urls: tuple[str, ...]

    @property
    def own(self) -> bool:
        """rpx runs a process by its label."""
        return not self.external and not self.served_by

    @classmethod
    def of(cls, row: Json) -> Ps:
        """The row as a value."""
        ports = tuple(read(OpenPort, port) for port in row.get("ports") or ())
        others = tuple(row.get("other_urls") or ())
        return read(cls, row, waiting_for=_obstacles(row), ports=ports, other_urls=others)


@dataclass(frozen=True, slots=True)
class Checks:
    """How the last health checks went: one of the two is 0."""

    passed_in_a_row: int
    failed_in_a_row: int


@dataclass(frozen=True, slots=True)
class Why:
    """All that is known about the state of a backend, as `rpx why` tells it.

    `because` is a sentence without its subject. `since` and `last_exit.at` are seconds since the
    epoch, `next_start_in` and `restart_window` seconds.
    """

    label: str
    name: str
    state: str  # of State; a newer rpx may have more of them
    since: float
    pid: int | None
    in_rotation: bool
    because: str
    waiting_for: tuple[Obstacle, ...]
    last_error: str
    last_exit: Ended | None
    restarts: int
    restart_policy: str | None
    restarts_left: int | None
    restart_window: float | None
    next_start_in: float | None
    checks: Checks | None
    last_lines: tuple[str, ...]
    hint: str

    @classmethod
    def of(cls, row: Json) -> Why:
        """The row as a value."""
        ended, checks = row.get("last_exit"), row.get("checks")
        return read(
            cls,
            row,
            waiting_for=_obstacles(row),
            last_exit=read(Ended, ended) if ended else None,
            checks=read(Checks, checks) if checks else None,
        )


@dataclass(frozen=True, slots=True)
class Wait:
    """One backend that is on its way. `sentence` says for what one waits.

    `kill_in` is seconds until SIGKILL for one that is to stop, else None.
    """

    label: str
    name: str
    state: str  # of State; a newer rpx may have more of them
    pid: int | None
    kill_in: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one backend. `exit_code` says whether that is what was asked for."""

    label: str
    state: State
    pid_before: int | None
    pid: int | None
    sentence: str
    exit_code: int = Exit.FINE

    @classmethod
    def of(cls, row: Json) -> Outcome:
        """The row as a value. Raises: ValueError for a state that there isn't."""
        return read(cls, row, state=State(row["state"]))


@dataclass(frozen=True, slots=True)
class Kill:
    """What a kill-backend hit. `pid` got the signal; `gone` if its run ended within the wait.

    `at` is when, in seconds since the epoch. `restart_in` is seconds until it is started again,
    None: it stays down.
    """

    label: str
    backend: str | None
    port: int | None
    signal: str
    pid: int
    at: float
    pid_before: int | None
    gone: bool
    in_rotation: bool
    state: State
    restart_in: float | None
    sentence: str

    @classmethod
    def of(cls, row: Json) -> Kill:
        """The row as a value. Raises: ValueError for a state that there isn't."""
        return read(cls, row, state=State(row["state"]))


@dataclass(frozen=True, slots=True)
class Differs:
    """A backend by its labels before and after a change; `differs`: settings, as in rpx.yaml."""

    before: str
    after: str
    differs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """What a change of the project does, by labels of backends.

    `replace`: another process takes over before the old one goes; `restart`: the process is
    another, and the address the same; `change`: the process stays. `hosts` is `to` → the settings
    that differ ("added" or "removed" for one that has no backends of its own), `routes` is `to` →
    sentences about its routes. `next_run` are settings that another run will have.
    """

    add: tuple[str, ...]
    remove: tuple[str, ...]
    replace: tuple[Differs, ...]
    restart: tuple[Differs, ...]
    change: tuple[Differs, ...]
    untouched: tuple[str, ...]
    hosts: Mapping[str, tuple[str, ...]]
    settings: tuple[str, ...]
    next_run: tuple[str, ...]
    routes: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, row: Json) -> ChangePlan:
        """The plan as a value."""
        hosts, routes = (
            {to: tuple(texts) for to, texts in row.get(name, {}).items()}
            for name in ("hosts", "routes")
        )
        pairs = {
            name: tuple(read(Differs, pair) for pair in row.get(name, ()))
            for name in ("replace", "restart", "change")
        }
        return read(cls, row, hosts=hosts, routes=routes, **pairs)


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What a change of the project does, also in words, and what came of it.

    `sentences` say what there is to do, `advice` what can't be done now. `outcomes` None: it has
    not been carried out.
    """

    plan: ChangePlan
    sentences: tuple[str, ...]
    advice: tuple[str, ...]
    outcomes: tuple[Outcome, ...] | None = None

    @classmethod
    def of(cls, row: Json) -> ChangeReport:
        """The answer as a value. Raises: ValueError for a state that there isn't."""
        outcomes = row.get("outcomes")
        return read(
            cls,
            row,
            plan=ChangePlan.of(row.get("plan", {})),
            outcomes=None if outcomes is None else tuple(map(Outcome.of, outcomes)),
        )

    def json(self) -> dict[str, Any]:
        """The same for JSON; without outcomes where there are none."""
        written = json_of(self)
        if self.outcomes is None:
            del written["outcomes"]
        return written


@dataclass(frozen=True, slots=True)
class LogLines:
    """What one backend, or rpx itself, has printed at once: one or more lines, without the last
    newline. Bytes that aren't UTF-8 are lone surrogates (PEP 383). `at` is seconds since the epoch.
    """

    label: str
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class LogMissed:
    """So many lines of `label` were printed too fast for whoever follows them."""

    missed: int
    label: str


def event_of(row: Json) -> Event | None:
    """Return what has happened; None for what another version of rpx knows, and for `missed`."""
    match row.get("type"):
        case "state" if {row["before"], row["after"]} <= _STATES:
            before, after = State(row["before"]), State(row["after"])
            return read(StateChanged, row, before=before, after=after)
        case "rotation":
            return read(RotationChanged, row)
        case "note":
            return read(Note, row)
        case "request":
            return Routed(row["path"], row["address"])
        case _:
            return None


_STATES: Final = {state.value for state in State}
_EMPTY: Final = {"str": "", "int": 0, "float": 0.0, "bool": False, "tuple": ()}  # by annotation


def read(kind: type[T], json: Json, **made: object) -> T:
    """Return the `kind` that `json` tells of; `made` are the fields that are more than JSON has.

    A field that is missing has its default, or is as empty as its type.
    """
    values = dict(made)
    for each in fields(kind):
        if each.name in values:
            continue
        written, _, _ = str(each.type).partition("[")
        if each.name in json:
            value = json[each.name]
            values[each.name] = tuple(value) if written == "tuple" else value
        elif each.default is MISSING:
            values[each.name] = _EMPTY.get(written)
    return kind(**values)


def json_of(value: Fielded) -> dict[str, Any]:
    """Return the fields of `value` in their order, with nothing in them that JSON has not."""
    return asdict(value, dict_factory=lambda named: {name: _plain(each) for name, each in named})


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _obstacles(row: Json) -> tuple[Obstacle, ...]:
    return tuple(read(Obstacle, each) for each in row.get("waiting_for", ()))
