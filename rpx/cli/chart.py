"""A drill's time line as rows of characters, also without colour and without Unicode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import click

from rpx.drill.report import Report, Slice


@dataclass(frozen=True, slots=True)
class Characters:
    """Bars from low to high, and what marks other things."""

    bars: str
    none: str
    up: str
    out: str
    failed: str = "x"


UNICODE = Characters(bars="▁▂▃▄▅▆▇█", none="·", up="━", out=" ")
ASCII = Characters(bars="_.-:=+*#", none=".", up="-", out=" ")


def characters(encoding: str) -> Characters:
    """Those that a terminal of this encoding has."""
    try:
        f"{UNICODE.bars}{UNICODE.none}{UNICODE.up}".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def chart(report: Report, look: Characters, *, colour: bool) -> list[str]:
    """The longest wait, the failures and the rotation over time, under each other."""
    parts = report.timeline
    longest = max((part.longest or 0.0 for part in parts), default=0.0)
    failed = [part.failed for part in parts]
    rows = [
        ("longest wait", _bars(parts, longest, look), f"up to {longest:.1f} ms", "cyan"),
        (
            "failed",
            "".join(look.failed if each else look.none for each in failed),
            str(sum(failed)),
            "red" if any(failed) else "green",
        ),
    ]
    if report.damage is not None:
        line = "".join(look.up if part.in_rotation else look.out for part in parts)
        rows.append((report.damage.label, line, "in rotation", "green"))
    width = max(len(name) for name, *_ in rows)
    lines = [
        f"{name:<{width}}  {_styled(line, style, colour=colour)}  {text}"
        for name, line, text, style in rows
    ]
    return [*lines, f"{'':<{width}}  {_axis(report, len(parts))}"]


def _bars(parts: Sequence[Slice], longest: float, look: Characters) -> str:
    top = len(look.bars) - 1
    return "".join(
        " "
        if part.longest is None
        else look.bars[round(part.longest / longest * top) if longest else 0]
        for part in parts
    )


def _axis(report: Report, width: int) -> str:
    """The beginning, the damage and the end, each where it belongs."""
    line = list(" " * (width + 12))
    marks = [(0, "0 s"), (width, f"{report.duration:g} s")]
    if report.damage is not None:
        column = int(report.damage.at / report.duration * width)
        marks.insert(1, (min(max(column, 5), width - 10), f"^ {report.damage.at:.1f} s"))
    for column, text in marks:
        line[column : column + len(text)] = text
    return "".join(line).rstrip()


def _styled(text: str, style: str, *, colour: bool) -> str:
    return click.style(text, fg=style) if colour else text
