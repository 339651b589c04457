"""The tool `do`: orders to a running project, each with what came of it."""

from __future__ import annotations

from rpx.agents.tool_answers import DoAnswer
from rpx.agents.tool_inputs import DoInput
from rpx.agents.which_project import Where
from rpx.errors import Exit, RpxError, UsageError
from rpx.model.answers import ChangeReport, Outcome, Ps
from rpx.model.status import AT_REST, State
from rpx.runs.api_client import ApiClient

_VERBS = {"pause": "pause-backend", "resume": "resume-backend"}
_DOWN = frozenset(state.value for state in AT_REST)
_MAY_BE_STARTED = (State.STOPPED.value, State.FAILED.value)


def do(asked: DoInput, where: Where) -> DoAnswer:
    """Carry out an order, and wait for what comes of it. Raises: RpxError."""
    _check(asked)
    client = where.client(asked.project)
    match asked.action:
        case "kill":
            return _kill(asked, client)
        case "reload":
            return _changed(client.reload(lambda _: None, dry_run=asked.dry_run))
        case "scale":
            report = client.scale(asked.copies, lambda _: None, dry_run=asked.dry_run)
            return _changed(report)
        case action:
            names = asked.names or _all(client, action)
            return _answer(client.order(_VERBS.get(action, action), names))


def _check(asked: DoInput) -> None:
    """Raise UsageError for what an action does not take: it would be done without a word."""
    takes = {"scale": {"copies", "dry_run"}, "reload": {"dry_run"}}
    takes |= {"kill": {"names", "signal", "down_for", "stays_down"}}
    own = {"names", "copies", "signal", "down_for", "stays_down", "dry_run"}
    if wrong := sorted((asked.model_fields_set & own) - takes.get(asked.action, {"names"})):
        named = ", ".join(f"`{name}`" for name in wrong)
        raise UsageError(f"`{asked.action}` takes no {named}", hint="leave it out")
    if asked.action == "scale" and not asked.copies:
        raise UsageError("`copies` is missing", hint='for example {"api": 3}')
    if asked.action in {"stop", "pause", "resume", "kill"} and not asked.names:
        raise UsageError(f"`{asked.action}` needs `names`", hint="`status` has the labels")
    if asked.action == "kill" and len(asked.names) > 1:
        raise UsageError("`kill` hits one backend", hint="call it for each")
    if asked.stays_down and asked.down_for:
        raise UsageError("`down_for` and `stays_down` exclude each other")


def _all(client: ApiClient, action: str) -> list[str]:
    """Whom `start` and `restart` mean without names: those to whom it makes a difference."""
    own = [row for row in client.ps() if row.own]
    found = [row.label for row in own if _concerns(action, row)]
    if not found:
        raise RpxError(f"there is nothing to {action}", hint="`status` shows the states")
    return found


def _concerns(action: str, row: Ps) -> bool:
    return row.state in _MAY_BE_STARTED if action == "start" else row.state not in _DOWN


def _kill(asked: DoInput, client: ApiClient) -> DoAnswer:
    killed = client.kill_backend(
        asked.names[0],
        signal=asked.signal,
        down_for=asked.down_for,
        restart=not asked.stays_down,
    )
    return DoAnswer(done=True, killed=killed)


def _changed(report: ChangeReport) -> DoAnswer:
    outcomes = report.outcomes or ()
    answer = _answer(outcomes)
    return DoAnswer(
        done=answer.done and report.outcomes is not None,
        sentences=(*report.sentences, *report.advice),
        outcomes=outcomes,
        plan=report.plan,
        next=answer.next if report.outcomes is not None else "nothing was done: `dry_run`",
    )


def _answer(outcomes: tuple[Outcome, ...] | list[Outcome]) -> DoAnswer:
    failed = [each.label for each in outcomes if each.exit_code != Exit.FINE]
    return DoAnswer(
        done=not failed,
        outcomes=tuple(outcomes),
        next=f"`why` {failed[0]}, `logs` of {failed[0]}" if failed else "",
    )
