"""What a key asks for: the order that it is for these copies, in the words of a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from rpx.errors import RpxError
from rpx.model.answers import ChangeReport, Kill, Outcome, Ps
from rpx.model.status import AT_REST, State

DOWN: Final = frozenset(state.value for state in AT_REST)


class Ordering(Protocol):
    """Carries orders out: `ApiClient`."""

    def order(self, verb: str, names: Sequence[str]) -> list[Outcome]: ...

    def kill_backend(self, target: str, *, signal: str, down_for: float, restart: bool) -> Kill: ...

    def scale(
        self, services: Mapping[str, int], planned: Callable[[ChangeReport], None]
    ) -> ChangeReport: ...


@dataclass(frozen=True, slots=True)
class Action:
    """One order. `verb` is the command; of `scale`, `copies` is how many there are to be.

    `question`: what is to be asked before; empty: nothing.
    """

    verb: str
    names: tuple[str, ...]
    copies: int = 0
    question: str = ""

    @property
    def command(self) -> str:
        """What does the same, typed."""
        if self.verb == "scale":
            return f"rpx scale {self.names[0]}={self.copies}"
        if self.verb == "kill-backend":
            return "; ".join(f"rpx kill-backend {name}" for name in self.names)
        return f"rpx {self.verb} {' '.join(self.names)}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of an order, or of a part of it. `hint`: what to do next, if it went wrong."""

    text: str
    failed: bool = False
    hint: str = ""


def action_of(verb: str, rows: Sequence[Ps]) -> Action:
    """Return the order that `verb` is for these rows, of which there is one at least.

    Of `stop` and `pause-backend` it is the opposite, where none of them would be touched by it.
    """
    names = tuple(row.label for row in rows)
    some = names[0] if len(names) == 1 else f"{len(names)} copies"
    match verb:
        case "restart":
            return Action(verb, names)
        case "stop" if all(row.state in DOWN for row in rows):
            return Action("start", names)
        case "stop":
            these = "" if len(names) == 1 else f"Stop {some}? They stay down until you start them."
            return Action(verb, names, question=these)
        case "pause-backend" if all(row.state == State.PAUSED.value for row in rows):
            return Action("resume-backend", names)
        case "pause-backend":
            return Action(verb, names)
        case _:
            pids = ", ".join(f"pid {row.pid}" for row in rows if row.pid)
            whom = f"Kill {some} ({pids}) with SIGKILL, as a crash would?"
            return Action(verb, names, question=whom if pids else "")


def scaling(row: Ps, rows: Sequence[Ps], step: int, asked: int | None) -> Action:
    """Return the order for one copy more or less. `asked`: how many were asked for just now."""
    there = sum(each.name == row.name and not each.external for each in rows)
    return Action("scale", (row.name,), copies=(asked or there) + step)


def carried_out(client: Ordering, action: Action) -> Iterator[Reply]:
    """Do it; say what comes of it as it comes. What is refused is told, too."""
    try:
        if action.verb == "scale":
            yield from _scaled(client, action)
        elif action.verb == "kill-backend":
            for name in action.names:
                kill = client.kill_backend(name, signal="KILL", down_for=0.0, restart=True)
                yield Reply(kill.sentence)
        else:
            yield from map(_told, client.order(action.verb, action.names))
    except RpxError as error:
        for problem in error.problems:
            yield Reply(problem.what, failed=True, hint=problem.hint)


def _scaled(client: Ordering, action: Action) -> Iterator[Reply]:
    report = client.scale({action.names[0]: action.copies}, lambda _: None)
    yield from (Reply(advice, failed=True) for advice in report.advice)
    if outcomes := report.outcomes:
        yield from map(_told, outcomes)
    else:
        yield from map(Reply, report.sentences)


def _told(outcome: Outcome) -> Reply:
    hint = f"`rpx why {outcome.label}` says more" if outcome.exit_code else ""
    return Reply(outcome.sentence, failed=bool(outcome.exit_code), hint=hint)
