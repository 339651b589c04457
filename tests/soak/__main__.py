"""`python -m tests.soak`: mixed traffic through a real rpx whose backends die all the time.

    make soak                       10 minutes
    make soak MINUTES=30            longer
    python -m tests.soak --minutes 3 --seed 7 --json soak.json

A warm-up, the storm, a calm after it; then it tells whether anything was lost, mixed up or leaked,
and ends with 1 if so. Loopback only, in a scratch folder, which stays only if something was wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import trio

from tests.soak import verdict
from tests.soak.ledger import Ledger, Outcome, read_log
from tests.soak.running import Level, Running
from tests.soak.traffic import Client
from tests.soak.trouble import Trouble
from tests.soak.verdict import Check

say = print  # what it has to say goes to whoever has called it
CALM = 40  # requests of each client in the calm
SLACK = 240.0  # seconds beyond the minutes asked for, after which something hangs


@dataclass
class Result:
    """What came of it."""

    checks: list[Check] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    memory: list[float] = field(default_factory=list)


class Soak:
    """The phases, one after the other."""

    def __init__(self, running: Running, clients: int, seed: int) -> None:
        self.running = running
        self.clients = clients
        self.seed = seed
        self.result = Result()

    async def run(self, minutes: float) -> None:
        """All of it."""
        checks = self.result.checks
        async with self.running.up():
            warm = max(15.0, minutes * 60 * 0.2)
            _, before = await self._storm("warm-up", warm, None)
            began = await self._requests()
            ledger, after = await self._storm("storm", minutes * 60 - warm, before)
            ended = await self._requests()
            calm = await self._calm()
        written = read_log(self.running.log)
        stats = verdict.of_stats(began, ended, ledger)
        ends = verdict.of_the_end(self.running.exit_code, self.running.left_behind)
        checks += verdict.of_requests(ledger, written) + stats + calm
        checks += verdict.of_levels(before, after) + ends
        crashes = [
            path.read_text() for path in self.running.project.folder.glob("home/rpx/crash-*")
        ]
        checks.append(Check("failures of its own that rpx tells of", str(len(crashes)), crashes))
        for (kind, outcome), count in ledger.outcomes.items():
            self.result.outcomes[f"{kind}: {outcome.value}"] = count
        self.result.orders = ledger.orders

    async def _storm(self, name: str, seconds: float, before: Level | None) -> tuple[Ledger, Level]:
        """Traffic and trouble; what clients have seen, and what rpx holds when it is over."""
        ledger = Ledger()
        names = [f"{name}{number}" for number in range(self.clients)]
        clients = [Client(n, self.running.port, ledger, leaves=True) for n in names]
        trouble = Trouble(self.running, ledger, self.seed)
        say(f"{name}: {seconds:.0f} s of {len(clients)} clients", flush=True)
        async with trio.open_nursery() as nursery:
            for client in clients:
                nursery.start_soon(client.run)
            nursery.start_soon(trouble.run)
            until = trio.current_time() + seconds
            while trio.current_time() < until:
                await trio.sleep(min(15.0, max(0.0, until - trio.current_time())))
                self._tell(ledger)
            trouble.stop = True
            for client in clients:
                client.stop = True
        return ledger, await self.running.settled(before)

    def _tell(self, ledger: Ledger) -> None:
        megabytes = self.running.megabytes()
        self.result.memory.append(round(megabytes, 1))
        right, left = ledger.count(Outcome.RIGHT), ledger.count(Outcome.LEFT)
        odd = ledger.count() - right - left
        say(
            f"  {right:7,} right, {left:5,} left by us, {odd:4} others, {len(ledger.kills):3} kills"
            f", {megabytes:.1f} MB",
            flush=True,
        )

    async def _requests(self) -> dict[int, int]:
        return {port: int(row["requests"]) for port, row in (await self.running.stats()).items()}

    async def _calm(self) -> list[Check]:
        """Traffic that nobody disturbs: what `rpx stats` counts is exact."""
        before, ledger = await self.running.stats(), Ledger()
        say(f"calm: {CALM} requests of {self.clients} clients, or a few more", flush=True)
        async with trio.open_nursery() as nursery:
            for number in range(self.clients):
                client = Client(f"calm{number}", self.running.port, ledger, leaves=False)
                nursery.start_soon(client.run, CALM)
        await self.running.settled()
        return verdict.of_calm(before, await self.running.stats(), ledger)


def show(result: Result) -> None:
    """Print the tables."""
    kinds: dict[str, list[str]] = {}
    for name, count in sorted(result.outcomes.items()):
        kind, _, outcome = name.partition(": ")
        kinds.setdefault(kind, []).append(f"{count:,} {outcome}")
    say()
    for kind, counts in kinds.items():
        say(f"{kind:12} {', '.join(counts)}")
    say("trouble:     " + ", ".join(f"{count} × {name}" for name, count in result.orders.items()))
    say()
    for check in result.checks:
        say(f"{'WRONG' if check.wrong else 'fine ':5} {check.what}: {check.figure}")
        for piece in check.wrong[: verdict.MOST]:
            say(f"        {piece}")
        if len(check.wrong) > verdict.MOST:
            say(f"        and {len(check.wrong) - verdict.MOST} more")


def as_json(result: Result) -> dict[str, object]:
    """The result in plain types."""
    checks = [asdict(check) for check in result.checks]
    return {**vars(result), "checks": checks}


def main() -> int:
    """Run it once, in time, and clean up."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--json", type=Path, help="write the result into this file, too")
    told = parser.parse_args()
    # Ended by somebody's clock: clean up as after Ctrl-C, which trio knows how to take.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    folder = Path(tempfile.mkdtemp(prefix="rpx-soak-"))
    soak = Soak(Running(folder), told.clients, told.seed)
    say(f"soaking for {told.minutes:g} minutes with seed {told.seed} in {folder}", flush=True)

    async def bounded() -> None:
        with trio.fail_after(told.minutes * 60 + SLACK):
            await soak.run(told.minutes)

    try:
        trio.run(bounded)
    except* KeyboardInterrupt:
        say(f"interrupted; {folder} stays")
        code = 130
    else:
        code = concluded(soak.result, folder, told.json)
    return code


def concluded(result: Result, folder: Path, file: Path | None) -> int:
    """Show the result; the exit code."""
    show(result)
    wrong = any(check.wrong for check in result.checks)
    if file is not None:
        file.write_text(json.dumps({"wrong": wrong, **as_json(result)}, indent=1) + "\n")
    if wrong:
        say(f"\nthe output of rpx and the backends' log are in {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
