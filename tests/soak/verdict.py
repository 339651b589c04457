"""What must be true afterwards. Each check says what it compared, and has the evidence if not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.soak.ledger import Kill, Ledger, Outcome, Request, Written
from tests.soak.running import LAST_SEEN, Level

MORE_MEMORY = 6.0  # MB that rpx may grow by after the warm-up
NEAR = 1.0  # seconds around a kill in which a request may have been on its way to that process
MOST = 12  # pieces of evidence shown


@dataclass
class Check:
    """A row of the table."""

    what: str
    figure: str
    wrong: list[str] = field(default_factory=list)


def shown(request: Request, written: Written) -> str:
    """A request as evidence."""
    return (
        f"{request.ident} {request.kind} {request.method}: {request.outcome.value}, status "
        f"{request.status}, pid {request.pid}, from {request.began:.2f} to {request.ended:.2f} s, "
        f"sent whole: {request.sent_whole}, began at {written.began.get(request.ident, [])}, "
        f"executed at {written.executed.get(request.ident, [])}; {request.detail}"
    )


def _rows(requests: Iterable[Request], written: Written) -> list[str]:
    return [shown(request, written) for request in requests]


def of_requests(ledger: Ledger, written: Written) -> list[Check]:
    """What clients were promised."""
    hard = {kill.pid for kill in ledger.kills if kill.hard}
    ended = {kill.pid for kill in ledger.kills}
    odd = [request for request in ledger.odd if request.outcome is not Outcome.LEFT]
    wrong = [request for request in odd if request.outcome is Outcome.WRONG]
    broke = [request for request in odd if request.outcome is Outcome.BROKE_OFF]
    refused = [request for request in odd if request.outcome is Outcome.REFUSED]
    lost = [r for r in odd if r.outcome in {Outcome.LOST, Outcome.LATE}]
    excused = [r for r in refused if _excused(r, ledger.kills, hard, written)]
    twice = [r for r in ledger.posts.values() if len(written.executed.get(r.ident, ())) > 1]
    complete = [
        request
        for request in ledger.posts.values()
        if not request.sent_whole and request.outcome is Outcome.LEFT
        and written.executed.get(request.ident)
    ]  # fmt: skip
    right = [r for r in ledger.posts.values() if r.outcome is Outcome.RIGHT]
    unwritten = [r for r in right if not written.executed.get(r.ident)]
    unexplained = [
        request
        for request in broke
        if request.pid not in (ended if request.kind in {"events", "socket"} else hard)
    ]
    refusing = ledger.outcomes["connect", Outcome.NOT_TRIED]
    return [
        Check(
            "safe requests that never got their answer (a client repeats one that failed)",
            f"{len(ledger.given_up)} of {ledger.count()} requests, {ledger.repeats} repeated",
            _rows(ledger.given_up, written),
        ),
        Check(
            "requests that ended without an answer, or had none in time",
            str(len(lost)),
            _rows(lost, written),
        ),
        Check(
            "answers corrupted or mixed up",
            f"{len(wrong)} of {sum(ledger.answered.values())} answers",
            _rows(wrong, written),
        ),
        Check(
            "answers that broke off though their backend was not killed",
            f"{len(unexplained)} of {len(broke)} that broke off",
            _rows(unexplained, written),
        ),
        Check(
            "refusals without cause (only unsafe requests, sent to a process that was killed)",
            f"{len(refused) - len(excused)} of {len(refused)} refusals, "
            f"{sum(request.safe for request in refused)} of safe requests",
            _rows([r for r in refused if r not in excused], written),
        ),
        Check(
            "POSTs executed twice",
            f"{len(twice)} of {len(ledger.posts)}",
            _rows(twice, written),
        ),
        Check(
            "POSTs answered but not executed",
            f"{len(unwritten)} of {len(right)} answered",
            _rows(unwritten, written),
        ),
        Check(
            "POSTs executed though the client left before it had sent all",
            str(len(complete)),
            _rows(complete, written),
        ),
        Check("connections refused by rpx", str(refusing), ["see above"] * bool(refusing)),
        Check(
            "orders that failed",
            f"{len(ledger.failed_orders)} of {sum(ledger.orders.values())} troubles",
            ledger.failed_orders,
        ),
    ]  # fmt: skip


def _excused(request: Request, kills: list[Kill], hard: set[int], written: Written) -> bool:
    """A 502 is right for what can't be sent twice, when the process that had it was killed."""
    if request.status != 502 or request.safe:
        return False
    began = written.began.get(request.ident, [])
    if began:
        return any(pid in hard for pid in began)
    return any(
        kill.hard and kill.began - NEAR < request.ended and request.began < kill.ended + NEAR
        for kill in kills
    )


def of_stats(before: dict[int, int], after: dict[int, int], ledger: Ledger) -> list[Check]:
    """In the storm: `rpx stats` counts what was answered, and may count what clients have left."""
    counted = sum(after.values()) - sum(before.values())
    answered, left = sum(ledger.answered.values()), ledger.count(Outcome.LEFT)
    fits = answered <= counted <= answered + left
    figure = f"{answered} ≤ {counted} ≤ {answered} + {left}"
    what = "storm: answers of backends that clients saw ≤ `requests` ≤ those + requests left"
    return [Check(what, figure, [] if fits else [figure])]


def of_calm(
    before: dict[int, dict[str, float]], after: dict[int, dict[str, float]], ledger: Ledger
) -> list[Check]:
    """In the calm: every figure is exact, backend by backend."""
    checks = []
    for port in after:
        counted = int(after[port]["requests"] - before[port]["requests"])
        seen = ledger.answered[port]
        figure = f"{counted} = {seen}"
        what = f"calm: `requests` at :{port} = answers of it that clients saw"
        checks.append(Check(what, figure, [] if counted == seen else [figure]))
    errors = sum(int(after[port]["errors"] - before[port]["errors"]) for port in after)
    odd = ledger.count() - ledger.count(Outcome.RIGHT)
    evidence = [shown(request, Written()) for request in ledger.odd]
    what = "calm: `errors`, and requests that did not get their answer"
    wrong = [f"{errors} errors", *evidence] if errors or odd else []
    return [*checks, Check(what, f"{errors} and {odd} of {ledger.count()}", wrong)]


def of_levels(before: Level, after: Level) -> list[Check]:
    """What rpx holds is what it held before."""
    more, tasks = after.more_than(before)
    objects = {name: count for name, count in after.objects.items() if count > LAST_SEEN}
    held = {name: count for name, count in after.held.items() if count}
    growth = after.megabytes - before.megabytes
    memory = [f"more than {MORE_MEMORY:g} MB"] if growth > MORE_MEMORY else []
    descriptors, tasked = sum(before.descriptors.values()), sum(before.tasks.values())
    return [
        Check(
            "descriptors of the supervisor, before and after",
            f"{descriptors} → {sum(after.descriptors.values())}",
            [f"more of {dict(more)}"] if more.total() else [],
        ),
        Check("its TCP connections", str(after.tcp), ["some are left"] * bool(after.tcp)),
        Check(
            "its tasks, before and after",
            f"{tasked} → {sum(after.tasks.values())}",
            [f"more of {dict(tasks)}"] if tasks.total() else [],
        ),
        Check(
            "its connections, exchanges, uploads and wires (idle ones of the pools included)",
            str(after.objects),
            [str(objects)] if objects else [],
        ),
        Check(
            "requests in flight, lasting ones, and those that wait for a backend",
            str(sum(held.values())),
            [str(held)] if held else [],
        ),
        Check(
            "its memory, before and after",
            f"{before.megabytes:.1f} → {after.megabytes:.1f} MB ({growth:+.1f})",
            memory,
        ),
    ]


def of_the_end(exit_code: int | None, left_behind: list[str]) -> list[Check]:
    """Ctrl-C ends everything."""
    code = [] if exit_code == 130 else [f"not 130 but {exit_code}"]
    count = str(len(left_behind))
    return [
        Check("exit code of `rpx up` after Ctrl-C", str(exit_code), code),
        Check("processes left behind", count, left_behind),
    ]
