"""`python -m tests.fuzz`: look for messages that rpx reads in another way than it should.

    make fuzz                       2 minutes
    make fuzz SECONDS=600           longer
    python -m tests.fuzz --only chunks --seed 7

Ends with 1 and the shortest bytes when there is a finding.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz import h2_answers, h2_frames, hpack_blocks, messages, oracles
from tests.fuzz.messages import Case

say = print  # what it has to say goes to whoever has called it
ROUND = 800  # examples of a target before it is the next one's turn
TIMED = 60  # the same where each is slow
LARGE = 60_000  # bytes of a message that is to take long


@dataclass
class Target:
    """One oracle, the cases for it, and what has come of them."""

    name: str
    oracle: Callable[[Case], bool]
    cases: st.SearchStrategy[Case]
    round: int = ROUND
    examples: int = 0
    accepted: int = 0
    seconds: float = 0.0
    failed: Case | None = None
    what: str = ""


def targets() -> list[Target]:
    """Everything that is looked at."""
    large = messages.requests | messages.responses
    return [
        Target("request", oracles.request, messages.requests),
        Target("chunks", oracles.chunks, messages.chunks),
        Target("response", oracles.response, messages.responses),
        Target("forwarded", oracles.forwarded, messages.requests),
        Target("h2 frames", h2_frames.taken_alike, h2_frames.cases()),
        Target("h2 answers", h2_answers.taken_alike, h2_answers.cases()),
        Target("hpack", hpack_blocks.read_alike, hpack_blocks.cases()),
        Target("time of heads", oracles.slow_request, messages.blown(large, LARGE), TIMED),
        Target(
            "time of chunks", oracles.slow_chunks, messages.blown(messages.chunks, LARGE), TIMED
        ),
    ]


def judge(target: Target, case: Case) -> str:
    """What is wrong with the case, "" when nothing is."""
    try:
        target.oracle(case)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not be
        return f"{type(error).__name__}: {error}"
    return ""


def hunt(target: Target, number: int, deadline: float) -> None:
    """Try a round of cases; the first that fails is kept, as small as hypothesis can make it."""
    began = time.monotonic()

    @seed(number)
    @settings(
        max_examples=target.round,
        deadline=None,
        database=None,
        derandomize=False,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(target.cases)
    def look(case: Case) -> None:
        if time.monotonic() > deadline and target.failed is None:
            return
        target.examples += 1
        try:
            target.accepted += target.oracle(case)
        except Exception as error:
            best = target.failed
            if best is None or (len(case.raw), case) < (len(best.raw), best):
                target.failed, target.what = case, f"{type(error).__name__}: {error}"
            raise

    try:
        look()
    except Exception as error:  # noqa: BLE001 - as in judge
        if target.failed is None:
            target.what = f"{type(error).__name__}: {error}"  # not by a case: the fuzzer is broken
        elif target.round != TIMED:  # what takes long is long
            target.failed = shortest(target, target.failed)
            target.what = judge(target, target.failed) or f"{target.what}; not every time"
    target.seconds += time.monotonic() - began


def shortest(target: Target, case: Case) -> Case:
    """Leave bytes out as long as it goes wrong in the same way."""
    kind = judge(target, case)[:30]
    for chop in (0, 1, 2):
        simpler = case._replace(chop=chop)
        if judge(target, simpler)[:30] == kind:
            case = simpler
            break
    size = len(case.raw) // 2
    deadline = time.monotonic() + 10
    while size and time.monotonic() < deadline:
        at = 0
        while at < len(case.raw):
            shorter = case._replace(raw=case.raw[:at] + case.raw[at + size :])
            if judge(target, shorter)[:30] == kind:
                case = shorter
            else:
                at += size
        size //= 2
    return case


def report(target: Target) -> None:
    """Say what was found."""
    say(f"\n{target.name}: {target.what}")
    if target.failed is not None:
        raw, chop, variant = target.failed
        shown = repr(raw) if len(raw) < 2000 else f"{raw[:1000]!r} … {raw[-200:]!r}"
        say(f"  {shown}\n  {len(raw)} bytes, chop={chop}, variant={variant}")


def main() -> int:
    """Fuzz until the time is over."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--only", help="one target, by its name", default="")
    told = parser.parse_args()
    hunted = [target for target in targets() if told.only in ("", target.name)]
    if not hunted:
        parser.error(f"--only is one of: {', '.join(target.name for target in targets())}")
    say(f"fuzzing for {told.seconds:g} s with seed {told.seed}", flush=True)
    deadline = time.monotonic() + told.seconds
    number = told.seed
    while time.monotonic() < deadline:
        waiting = [target for target in hunted if not target.what]
        if not waiting:
            break
        # By time, not by turns: they cost differently, and each is to get the same.
        hunt(min(waiting, key=lambda target: target.seconds), number, deadline)
        number += 1
    say(f"{'target':16} {'examples':>10} {'accepted':>10} {'seconds':>8}")
    for target in hunted:
        say(
            f"{target.name:16} {target.examples:10,} {target.accepted:10,} {target.seconds:8.0f}"
            f"  {'a finding' if target.what else 'fine'}"
        )
    found = [target for target in hunted if target.what]
    for target in found:
        report(target)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
