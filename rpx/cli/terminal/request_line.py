"""A request that went through, as one line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import click

from rpx.errors import visible
from rpx.model.breadth import breadth
from rpx.model.request_answers import RequestRow

LEAST = 20  # columns that a URL has at least
_COLOURS = {2: "green", 3: "cyan", 4: "yellow", 5: "red"}


def request_line(row: RequestRow, columns: int | None, *, colour: bool) -> str:
    """Return its line, of at most `columns` columns of text as far as its URL can be cut."""
    at = clock(row.time)
    status = "…" if row.under_way else str(row.status or "-")
    shown = f"{status:>3}"
    if colour and row.status is not None:
        shown = click.style(shown, fg=_COLOURS.get(row.status // 100))
    behind = f" → {visible(row.label or 'rpx')}{''.join(f', {each}' for each in unusual(row))}"
    before = f"{row.id}  {at}  {status:>3}  {row.method:<7} {took(row.ms):>8}  "
    url = visible(where(row))
    if columns is not None:
        url = cut(url, max(LEAST, columns - breadth(before) - breadth(behind)))
    return f"{row.id}  {at}  {shown}  {visible(row.method):<7} {took(row.ms):>8}  {url}{behind}"


def unusual(row: RequestRow) -> Iterator[str]:
    """What was not as usual, in few words."""
    if row.held_ms:
        yield f"held {took(row.held_ms)}"
    if row.tries > 1:
        yield f"{row.tries} tries"
    if row.frames_in is not None:
        yield f"{row.frames_in} + {row.frames_out} frames"
    if row.note:
        yield visible(row.note)
    elif row.status is None and not row.under_way:
        yield "the client left"


def where(row: RequestRow) -> str:
    """What was asked for, without its scheme."""
    return f"{row.host}{row.path}{f'?{row.query}' if row.query else ''}" or "no request"


def clock(at: float) -> str:
    """The local time, to the millisecond."""
    local = datetime.fromtimestamp(at, UTC).astimezone()
    return local.strftime("%H:%M:%S.") + f"{local.microsecond // 1000:03d}"


def took(ms: float) -> str:
    """`0.8 ms`, `12 ms`, `1.3 s`."""
    if ms >= 1000:
        return f"{ms / 1000:.1f} s"
    return f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms"


def cut(text: str, columns: int) -> str:
    """The beginning of a text, of at most so many columns."""
    if breadth(text) <= columns:
        return text
    while text and breadth(text) >= columns:
        text = text[:-1]
    return f"{text}…"
