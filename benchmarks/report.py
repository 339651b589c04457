"""From samples to a table: medians, ratios of paired rounds, targets reached or missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median

from benchmarks.lifetime import Figure
from benchmarks.load import Sample
from benchmarks.rows import DIRECT, Goal, Row, added

Rounds = Sequence[Mapping[str, Sample]]


def ratio(goal: Goal, rounds: Rounds) -> float | None:
    """Return the median of the rounds' ratios; None when a lane is missing."""
    pairs = [goal.ratio(r) for r in rounds if all(lane in r for lane in goal.needs)]
    return median(pairs) if pairs else None


def lane_figures(row: Row, rounds: Rounds) -> dict[str, dict[str, float]]:
    """Return lane → medians."""
    figures: dict[str, dict[str, float]] = {}
    for name in rounds[0]:
        samples = [r[name] for r in rounds]
        figures[name] = {
            "rate": median(s.rate for s in samples),
            "bytes": median(s.bytes for s in samples),
            "cpu": median(s.cpu for s in samples),
            "door": median(s.door for s in samples),
            "median": median(s.median for s in samples),
            "errors": sum(s.errors for s in samples),
        }
        if row.shows == "added" and DIRECT in rounds[0] and name != DIRECT:
            figures[name]["added"] = median(added(r[name], r[DIRECT]) for r in rounds)
    return figures


def row_table(row: Row, rounds: Rounds) -> str:
    """Return a row's lanes and its goals as Markdown."""
    figures = lane_figures(row, rounds)
    last = {"bytes": "MB/s", "added": "added µs"}.get(row.shows, "median µs")
    lines = [
        f"### {row.title}",
        "",
        f"| | per second | CPU µs each | {last} | errors |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, found in figures.items():
        cells = (
            name,
            _number(found["rate"]),
            _cpu(found),
            _last(row.shows, found),
            str(int(found["errors"]) or ""),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cpu(found: Mapping[str, float]) -> str:
    if not found["cpu"]:
        return ""
    return _number(found["cpu"]) + (f" + {_number(found['door'])}" if found["door"] else "")


def _last(shows: str, found: Mapping[str, float]) -> str:
    if shows == "bytes":
        return _number(found["bytes"] / 1e6)
    if shows == "added":
        return _number(found["added"]) if "added" in found else f"({_number(found['median'])})"
    return _number(found["median"]) if found["median"] else ""


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def goals_table(results: Sequence[tuple[Row, Rounds]], figures: Sequence[Figure]) -> str:
    """Return what was to be reached and what was."""
    lines = ["| | measured | target | |", "| --- | ---: | ---: | --- |"]
    for row, rounds in results:
        for goal in row.goals:
            found = ratio(goal, rounds)
            sign = "≥" if goal.at_least else "≤"
            cells = (
                f"{row.title}: {goal.text}",
                "–" if found is None else f"{found:.2f}",
                f"{sign} {goal.limit:g}",
                "left out" if found is None else _verdict(goal.reached(found)),
            )
            lines.append("| " + " | ".join(cells) + " |")
    for figure in figures:
        note = f" ({figure.note})" if figure.note else ""
        measured = f"{figure.value:.2f} {figure.unit}"
        limit = f"≤ {figure.limit:g} {figure.unit}"
        cells = (figure.title + note, measured, limit, _verdict(figure.reached))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _verdict(reached: bool) -> str:
    return "reached" if reached else "**missed**"


def as_json(
    machine: Mapping[str, object],
    results: Sequence[tuple[Row, Rounds]],
    figures: Sequence[Figure],
) -> dict[str, object]:
    """Return everything, raw samples included, for a file."""
    return {
        "version": 1,
        "machine": dict(machine),
        "rows": {
            row.name: {
                "title": row.title,
                "lanes": lane_figures(row, rounds),
                "goals": [_goal(goal, rounds) for goal in row.goals],
                "rounds": [{lane: asdict(s) for lane, s in r.items()} for r in rounds],
            }
            for row, rounds in results
        },
        "figures": [{**asdict(figure), "reached": figure.reached} for figure in figures],
    }


def _goal(goal: Goal, rounds: Rounds) -> dict[str, object]:
    found = ratio(goal, rounds)
    return {
        "text": goal.text,
        "ratio": found,
        "limit": goal.limit,
        "at_least": goal.at_least,
        "reached": None if found is None else goal.reached(found),
    }
