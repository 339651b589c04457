"""Whether all that a project starts is ready, told by the rows of its backends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rpx.model.answers import Ps
from rpx.model.status import State

BEGUN: Final = 5.0  # seconds after which those that are down are not merely about to begin
SETTLED: Final = 1.0  # seconds that one which shows nothing has to stay up: most crashes are before
THERE: Final = frozenset(each.value for each in (State.READY, State.COMPLETED, State.PAUSED))


def still_awaited(rows: Sequence[Ps], now: float, *, early: bool) -> list[Ps]:
    """Who of these is on the way. If all are down that `early` they are just about to begin.

    `now` is seconds since the epoch.
    """
    if early and all(row.state == State.STOPPED.value for row in rows):
        return list(rows)
    return [
        row
        for row in rows
        if row.state not in {*THERE, State.STOPPED.value} or _just_began(row, now)
    ]


def without_hope(row: Ps) -> list[str]:
    """Of what it waits for, that which will not come by itself."""
    return [each.name for each in row.waiting_for if each.hopeless]


def waiting_for(name: str, rows: Sequence[Ps]) -> list[str]:
    """Return the labels of those that wait for a service, near or far."""
    names, found = {name}, dict[str, None]()
    while True:
        more = [
            row
            for row in rows
            if row.label not in found and names & {each.name for each in row.waiting_for}
        ]
        if not more:
            return list(found)
        found |= dict.fromkeys(row.label for row in more)
        names |= {row.name for row in more}


def _just_began(row: Ps, now: float) -> bool:
    """Whether it is ready only because it runs: one that crashed at once was so, too."""
    return row.state == State.READY.value and row.backend is None and now - row.since < SETTLED
