"""The lines around the table and the output, as text: the project, the chosen copy, the keys."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from rich.style import Style
from rich.text import Text

from rpx.cli.screen.actions import DOWN, Reply
from rpx.cli.screen.columns import state_colour
from rpx.cli.screen.seen import CopySeen, Seen, Totals
from rpx.cli.terminal.output import age, size
from rpx.errors import visible
from rpx.model.status import State

WELL: Final = frozenset(state.value for state in (State.READY, State.PAUSED, State.COMPLETED))
# What is left out first where there is no room stands last.
KEYS: Final = (
    ("r", "restart", "app.order('restart')"),
    ("s", "stop", "app.order('stop')"),
    ("k", "kill", "app.order('kill-backend')"),
    ("p", "pause", "app.order('pause-backend')"),
    ("+/-", "app.scale", "app.scale(1)"),
    ("/", "app.filter", "app.filter"),
    ("?", "app.keys", "app.keys"),
    ("q", "quit", "app.leave(0)"),
    ("Enter", "output", "app.alone"),
    ("a", "all output", "app.everybody"),
    ("<>", "app.sort", "app.sort(1)"),
    ("Tab", "other pane", "app.focus_next"),
)


def head_line(seen: Seen, totals: Totals, width: int, *, colour: bool) -> Text:
    """Return how the project is: what matters most is not left out."""
    line = Text(no_wrap=True, end="")
    line.append(f" {visible(seen.project)} ", "bold reverse")
    if seen.ended:
        _say(line, "has ended; waiting until it runs again", "yellow", colour=colour)
        return line
    if seen.trouble:
        _say(line, visible(seen.trouble), "red", colour=colour)
        return line
    _say(line, f"{totals.ready} of {totals.copies} up", "green", colour=colour)
    if totals.failed:
        _say(line, f"{totals.failed} not well", "red", colour=colour)
    for text in (
        f"{totals.rate:.1f} req/s",
        f"{totals.in_flight} in flight",
        f"{totals.errors} errors",
        f"{totals.cpu:.1f} % CPU",
        size(totals.memory),
    ):
        if line.cell_len + 2 + len(text) <= width:
            line.append(f"  {text}")
    return line


def about_line(copy: CopySeen, what: str, width: int, *, colour: bool) -> Text:
    """Return a rule with what is known of the chosen copy; `what`: what the pane below shows."""
    return _rule(visible(what), width, _facts(copy), style=_style(state_colour(copy), colour))


def reason_lines(copy: CopySeen, seen: Seen, *, colour: bool) -> Text:
    """Return why a copy that isn't well is as it is; nothing of others."""
    row, why, text = copy.row, seen.why.get(copy.row.label), Text(end="")
    reason = why.because if why else row.last_error
    if reason and row.state not in WELL:
        text.append(visible(reason), _style(state_colour(copy), colour))
        if why and why.hint:
            text.append(f"\nhint: {visible(why.hint)}")
    return text


def all_line(what: str, width: int) -> Text:
    """Return the rule above the output of everybody."""
    return _rule(visible(what), width, [], style=Style())


def _facts(copy: CopySeen) -> list[str]:
    row = copy.row
    facts = [
        f"{row.state}{' (external)' if row.external else ''} for {age(time.time() - row.since)}"
    ]
    if row.pid:
        facts.append(f"pid {row.pid}")
    if row.backend and not row.in_rotation:
        facts.append("out of rotation")
    if row.url:
        facts.append(row.url)
    if copy.figures is not None:
        facts.append(f"{copy.figures['held']} held")
    if row.internal_url:
        facts.append(f"for services {row.internal_url}")
    if row.command:
        facts.append(" ".join(row.command.split()))
    return [visible(fact) for fact in facts]


def _rule(what: str, width: int, facts: Sequence[str], *, style: Style) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis", end="")
    line.append("── ", "dim")
    line.append(what, "bold")
    for fact in facts:
        if line.cell_len + 3 + Text(fact).cell_len + 2 > width:
            break
        line.append(" · ", "dim")
        line.append(fact, style if fact is facts[0] else "")
    line.append(f" {'─' * max(0, width - line.cell_len - 1)}", "dim")
    return line


def status_line(told: Reply | None, waits: str, *, colour: bool) -> Text:
    """Return the last answer, or what is being waited for."""
    line = Text(end="")
    if waits:
        line.append(visible(waits), "dim")
    elif told is not None:
        line.append(visible(told.text), _style("red" if told.failed else "", colour))
        if told.hint:
            line.append(f"\nhint: {visible(told.hint)}")
    return line


def key_line(copy: CopySeen | None, marked: int, width: int) -> Text:
    """Return the keys; a click on one is the same."""
    line = Text("", no_wrap=True, end="")
    if marked:
        line.append(f" {marked} marked ", "bold reverse")
    for key, word, action in KEYS:
        if copy is not None and word == "stop" and copy.row.state in DOWN:
            word = "start"  # noqa: PLW2901 - what the same key does here
        if copy is not None and word == "pause" and copy.row.state == State.PAUSED.value:
            word = "resume"  # noqa: PLW2901 - likewise
        if line.cell_len + len(key) + len(word) + 3 > width:
            break
        click = Style(meta={"@click": action})
        line.append("  " if line.cell_len else " ")
        line.append(key, Style(bold=True) + click)
        line.append(f" {word}", click)
    return line


def _say(line: Text, text: str, name: str, *, colour: bool) -> None:
    line.append("  ")
    line.append(text, _style(name, colour))


def _style(name: str, colour: bool) -> Style:
    return Style(color=name) if name and colour else Style()
