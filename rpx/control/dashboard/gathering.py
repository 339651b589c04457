"""How all is, for every open dashboard: gathered once however many there are, and what has changed.

Who looks gathers, one for all, so that nothing is done while nobody looks. A reader is told all
once and then what is new, as server-sent events (HTML, "Server-sent events"): each has the name of
a part, and `{"order": [keys], "set": {key: value}}` with the keys if they have changed, and the
values that have. The last of them has an id; by it a reader goes on after a break.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import trio

PACE: Final = 0.25  # seconds between two looks

# Its values are whatever JSON has; one that is the same object as before has not changed.
Source = Callable[[], Awaitable[Mapping[str, object]]]


@dataclass(slots=True)
class _PartOfState:
    """The values of a part: as JSON, since which version of the whole each is so, and as given."""

    values: dict[str, tuple[str, int, object]] = field(default_factory=dict)
    ordered: int = 0


class Gathering:
    """What `sources` give, by the names of the parts."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._parts = {name: _PartOfState() for name in sources}
        self._run = secrets.token_hex(4)  # ids of another run are told from ours
        self._more = trio.Event()
        self._gathers = False
        self._next_look = 0.0
        self._begun = self._ended = 0  # looks
        self.version = 0

    def reader(self, after: str | None = None) -> StateReader:
        """Return a new one; `after`: the id of the last event that was seen."""
        run, _, number = (after or "").partition("-")
        known = run == self._run and number.isascii() and number.isdigit() and len(number) < 15
        seen = int(number) if known else 0
        return StateReader(self, min(seen, self.version), self._begun + 1)

    async def wait(self, version: int, look: int) -> None:
        """Wait until there is something newer, and the look of that number is over."""
        while self.version <= version or self._ended < look:
            if self._gathers:
                await self._more.wait()
                continue
            self._gathers = True
            try:
                await trio.sleep_until(self._next_look)
                await self._look()
            finally:  # also when this reader leaves in the middle: then another one looks
                self._gathers = False
                self._more.set()
                self._more = trio.Event()

    def since(self, version: int) -> str:
        """Return the events for who has seen this version."""
        events = []
        for name, part in self._parts.items():
            new = [
                f"{json.dumps(key)}:{text}"
                for key, (text, changed, _) in part.values.items()
                if changed > version
            ]
            told = f'"set":{{{",".join(new)}}}'
            if part.ordered > version or not version:
                told = f'"order":{json.dumps(list(part.values))},{told}'
            elif not new:
                continue
            events.append(f"event: {name}\ndata: {{{told}}}\n")
        return "\n".join(events) + f"id: {self._run}-{self.version}\n\n"

    async def _look(self) -> None:
        self._begun += 1
        look = self._begun
        self._next_look = trio.current_time() + PACE
        found = {name: await source() for name, source in self._sources.items()}
        version = self.version + 1
        self.version = max(self.version, 1)  # the first tells also that there is nothing
        for name, values in found.items():
            part, before = self._parts[name], self._parts[name].values
            part.values = {}
            for key, value in values.items():
                known = before.get(key)
                if known is not None and known[2] is value:  # it need not be written again
                    part.values[key] = known
                    continue
                text = json.dumps(value, separators=(",", ":"))
                if known is not None and known[0] == text:
                    part.values[key] = known
                else:
                    part.values[key] = text, version, value
                    self.version = version
            if list(before) != list(part.values):
                part.ordered = self.version = version
        self._ended = look


class StateReader:
    """Who is told."""

    def __init__(self, gathering: Gathering, seen: int, look: int) -> None:
        self._gathering = gathering
        self._seen = seen
        self._look = look

    async def next(self) -> str:
        """Wait for events, and return them: none is missing, and none comes twice."""
        await self._gathering.wait(self._seen, self._look)
        told = self._gathering.since(self._seen)
        self._seen = self._gathering.version
        return told
