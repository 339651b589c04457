"""A drill's time line as rows of characters, also without colour and without Unicode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import click

from rpx.drill.report import Report, Slice
from rpx.model.breadth import breadth


@dataclass(frozen=True, slots=True)
class Characters:
    """Bars from low to high, and what marks other things."""

    bars: str
    none: str
    up: str
    out: str
    failed: str = "x"


GAP = "  "
AFTER_AXIS = " 1000 s"  # the last mark stands behind the end of the bar

UNICODE = Characters(bars="▁▂▃▄▅▆▇█", none="·", up="━", out=" ")
ASCII = Characters(bars="_.-:=+*#", none=".", up="-", out=" ")


def characters(encoding: str) -> Characters:
    """Those that a terminal of this encoding has."""
    try:
        f"{UNICODE.bars}{UNICODE.none}{UNICODE.up}".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


NARROWEST = 30  # columns of a bar; where there are fewer, its words stand above it


def chart(report: Report, look: Characters, *, colour: bool, width: int | None = None) -> list[str]:
    """The longest wait, the failures and the rotation over time, under each other.

    `width`: how many columns of text there are, None for as many as one likes.
    """
    longest = max((part.longest or 0.0 for part in report.timeline), default=0.0)
    failed = sum(part.failed for part in report.timeline)
    heads = [("longest wait", f"up to {longest:.1f} ms"), ("failed", str(failed))]
    if report.damage is not None:
        heads.append((report.damage.label, "in rotation"))
    names, words = (max(map(breadth, texts)) for texts in zip(*heads, strict=True))
    room = len(report.timeline) if width is None else width - names - words - 2 * len(GAP)
    beside = room >= NARROWEST
    if not beside:
        room = max((width or 0) - len(AFTER_AXIS), 1)
    parts = _fewer(report.timeline, room)
    bars = [
        (_bars(parts, longest, look), "cyan"),
        (
            "".join(look.failed if part.failed else look.none for part in parts),
            "red" if failed else "green",
        ),
        ("".join(look.up if part.in_rotation else look.out for part in parts), "green"),
    ]
    lines = []
    for (name, text), (bar, style) in zip(heads, bars, strict=False):
        drawn = _styled(bar, style, colour=colour)
        if beside:
            lines.append(f"{name}{' ' * (names - breadth(name))}{GAP}{drawn}{GAP}{text}")
        else:
            lines += [f"{name}{GAP}{text}", drawn]
    indent = f"{' ' * names}{GAP}" if beside else ""
    return [*lines, f"{indent}{_axis(report, len(parts))}"]


def _fewer(parts: Sequence[Slice], most: int) -> Sequence[Slice]:
    """As many parts as there is room for: several of them become one, with the worst of each."""
    if len(parts) <= most:
        return parts
    groups = [
        parts[number * len(parts) // most : (number + 1) * len(parts) // most]
        for number in range(most)
    ]
    return [
        Slice(
            at=group[0].at,
            requests=sum(part.requests for part in group),
            failed=sum(part.failed for part in group),
            longest=max((p.longest for p in group if p.longest is not None), default=None),
            in_rotation=all(part.in_rotation for part in group),
        )
        for group in groups
    ]


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
