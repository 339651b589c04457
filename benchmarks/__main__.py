"""`python -m benchmarks`: runs everything, prints a table, writes JSON. Installs nothing."""

from __future__ import annotations

import argparse
import importlib.util
import json
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import (
    developing,
    door_life,
    lifetime,
    machine,
    page,
    passed,
    resting,
    routing,
    watched,
)
from benchmarks.door_rows import DOOR_ROWS
from benchmarks.h2_rows import H2_ROWS
from benchmarks.lifetime import Figure
from benchmarks.load import Sample
from benchmarks.processes import Failed
from benchmarks.report import as_json, goals_table, row_table
from benchmarks.rounds import Pace, origins, run
from benchmarks.rows import ROWS, Row

FIGURES = (
    lifetime.FIGURES
    | resting.FIGURES
    | developing.FIGURES
    | door_life.FIGURES
    | routing.FIGURES
    | passed.FIGURES
    | page.FIGURES
    | watched.FIGURES
)
ALL_ROWS = (*ROWS, *H2_ROWS, *DOOR_ROWS)
EVERYTHING = (*(row.name for row in ALL_ROWS), *FIGURES)
Results = list[tuple[Row, list[dict[str, Sample]]]]


def options(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure rpx beside nginx, HAProxy and Caddy on one core of this machine.",
        epilog=f"Rows: {', '.join(EVERYTHING)}",
    )
    parser.add_argument("--only", metavar="ROW,…", help="these rows alone")
    parser.add_argument("--rounds", type=int, default=5, help="rounds per row (5)")
    parser.add_argument(
        "--seconds", type=int, default=2, help="of each contender in each round, whole ones (2)"
    )
    parser.add_argument(
        "--requests", type=int, default=1_000_000, help="for the growth of memory (1,000,000)"
    )
    parser.add_argument("--core", type=int, help="the core that all share (the last one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there")
    parser.add_argument(
        "--quick", action="store_true", help="3 rounds of a second, 50,000 requests: a rough look"
    )
    chosen = parser.parse_args(words)
    if chosen.quick:
        chosen.rounds, chosen.seconds, chosen.requests = 3, 1, 50_000
    if min(chosen.rounds, chosen.seconds, chosen.requests) < 1:
        parser.error("--rounds, --seconds and --requests are at least 1")
    chosen.only = chosen.only.split(",") if chosen.only else list(EVERYTHING)
    if unknown := set(chosen.only) - set(EVERYTHING):
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    return chosen


def main() -> int:
    """Measure; 0 also when a target is missed, because a table is the result, not a verdict."""
    chosen = options()
    if not _ready():
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends, too
    began = time.monotonic()
    machine.raise_file_limit()
    about = machine.describe(machine.pin(chosen.core))
    about["date"] = time.strftime("%Y-%m-%d %H:%M")
    pace = Pace(chosen.rounds, chosen.seconds, chosen.requests)
    about |= {"rounds": pace.rounds, "seconds": pace.seconds}
    with tempfile.TemporaryDirectory(prefix="rpx-bench-", ignore_cleanup_errors=True) as folder:
        try:
            results, figures = _measure(chosen.only, pace, Path(folder))
        except Failed as failed:
            _say(f"\nerror: {failed}")
            return 1
    _print(results, figures)
    _say(f"{time.monotonic() - began:.0f} s on " + ", ".join(f"{k} {v}" for k, v in about.items()))
    if chosen.json:
        chosen.json.write_text(json.dumps(as_json(about, results, figures), indent=1) + "\n")
    return 0


def _ready() -> bool:
    if sys.platform != "linux":
        _say("error: this needs Linux: one core for all, and what it was used for, are read there")
        return False
    if importlib.util.find_spec("trio") is None:
        _say("error: rpx is not installed in this environment\n\nhint: pip install -e .")
        return False
    if left_out := machine.missing(machine.APT):
        needed = [tool for tool in left_out if tool in machine.NEEDED]
        kind = "error" if needed else "warning"
        _say(f"{kind}: not installed: {', '.join(left_out)}; what needs them is left out")
        _say(f"\nhint: {machine.how_to_install(left_out)}\n")
        return not needed
    return True


def _measure(only: list[str], pace: Pace, folder: Path) -> tuple[Results, list[Figure]]:
    results: Results = []
    figures: list[Figure] = []
    with origins(folder) as behind:
        for row in ALL_ROWS:
            if row.name in only:
                sys.stderr.write(f"{row.title} ")
                results.append((row, run(row, behind, pace, folder)))
                sys.stderr.write("\n")
        for name, figure in FIGURES.items():
            if name in only:
                _say(name)
                figures += figure(pace, behind, folder / name)
    return results, figures


def _print(results: Results, figures: list[Figure]) -> None:
    for row, rounds in results:
        sys.stdout.write(row_table(row, rounds) + "\n")
    sys.stdout.write(goals_table(results, figures))
    sys.stdout.flush()


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
