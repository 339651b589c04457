"""What has happened in a run, for readers of a stream who come back after it broke."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, make_dataclass
from typing import Any, Final, Literal, assert_never, get_type_hints

from rpx.errors import RpxError
from rpx.hub.recent import Recent
from rpx.model.status import Event, Note, RotationChanged, Routed, StateChanged

Json = dict[str, Any]
DEPTH: Final = 2000  # events: what happens while a reader is busy or away


@dataclass(frozen=True, slots=True)
class Begin:
    """The first line of a stream: what comes after it has happened after the event with its id."""


@dataclass(frozen=True, slots=True)
class EventsMissed:
    """So many events happened while this reader was busy or away, and are not kept any more."""

    missed: int


def _line(kind: str, event: type) -> type:
    """The type of the line that tells of an event."""
    known = [(name, hint) for name, hint in get_type_hints(event).items()]
    made = make_dataclass(
        f"{kind.capitalize()}Line", [("type", Literal[kind]), ("id", str), *known]
    )
    made.__doc__ = event.__doc__
    return made


LINES: Final = (
    _line("begin", Begin),
    _line("state", StateChanged),
    _line("rotation", RotationChanged),
    _line("note", Note),
    _line("request", Routed),
    EventsMissed,
)


class Happened:
    """The last events of a run. Each has an `id` by which a reader says what it has seen."""

    def __init__(self) -> None:
        self.events: Recent[Event] = Recent(DEPTH)
        self._run = secrets.token_hex(4)  # ids of another run are told from ours

    def since(self, after: str | None) -> int:
        """The number of the event with this `id`; without one, that of the last event.

        Raises: RpxError for an id of another run, or that is none.
        """
        if after is None:
            return self.events.last
        run, _, number = after.partition("-")
        if run != self._run or not number.isascii() or not number.isdigit() or len(number) > 15:
            raise RpxError(
                f"no event of this run has the id {after}",
                hint="was the project started anew? Ask /v1/ps, and follow without `after`",
            )
        return min(int(number), self.events.last)

    def begin(self, number: int) -> Json:
        """The first line for who has seen the events up to this one."""
        return {"type": "begin", "id": self._id(number)}

    async def after(self, number: int) -> tuple[int, list[Json]]:
        """Wait for events after that of this number; the number of the last of them, and lines."""
        await self.events.wait(number)
        missed, kept = self.events.after(number)
        lines = [{**event_json(event), "id": self._id(each)} for each, event in kept]
        return kept[-1][0], [{"missed": missed}, *lines] if missed else lines

    def _id(self, number: int) -> str:
        return f"{self._run}-{number}"


def event_json(event: Event) -> Json:
    """A change of state or of rotation, something rpx says, or a request and who answered it."""
    match event:
        case StateChanged():
            fields = {"before": event.before.value, "after": event.after.value}
            return {"type": "state", **asdict(event), **fields}
        case RotationChanged():
            return {"type": "rotation", **asdict(event)}
        case Note():
            return {"type": "note", **asdict(event)}
        case Routed():
            return {"type": "request", **event._asdict()}
        case _:
            assert_never(event)
