"""What a change of a running project comes to, in words and as a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rpx.model.answers import ChangePlan, ChangeReport, Differs
from rpx.policy.reload_plan import NEXT_START, Pair, ReloadPlan
from rpx.policy.site_changes import ADDED, REMOVED, ROUTES, SiteChange

MOST_ROUTES: Final = 5  # that a line tells of

# When a setting holds that doesn't at once.
WHEN: Final = dict.fromkeys(NEXT_START, "from its next start") | {"autostart": "from the next run"}


def sentences(plan: ReloadPlan) -> list[str]:
    """Say what there is to do, a line for each."""
    lines = [f"add {spec.label}" for spec in plan.added]
    lines += [f"remove {spec.label}" for spec in plan.removed]
    lines += [_replacement(pair) for pair in plan.anew]
    lines += [f"change {_whom(pair)}: {_list(pair.differs)}" for pair in plan.adjusted]
    lines += [_of_site(change) for change in plan.sites]
    if plan.settings:
        lines.append(f"change {_list(plan.settings)}")
    if untouched := len(plan.kept):
        lines.append(f"leave {untouched} backend{'s' if untouched > 1 else ''} alone")
    return lines if not plan.nothing else ["nothing to change"]


def advice(plan: ReloadPlan) -> list[str]:
    """Say what will not be done now."""
    if not plan.next_run:
        return []
    names = " and ".join(f"`{name}`" for name in plan.next_run)
    return [f"{names} can't change while rpx runs: `rpx down`, then `rpx up`"]


def report(plan: ReloadPlan) -> ChangeReport:
    """Return the same as a value."""
    moves = [pair for pair in plan.anew if pair.moves]
    restarts = [pair for pair in plan.replaced if not pair.moves]
    return ChangeReport(
        plan=ChangePlan(
            add=tuple(spec.label for spec in plan.added),
            remove=tuple(spec.label for spec in plan.removed),
            replace=tuple(map(_differs, moves)),
            restart=tuple(map(_differs, restarts)),
            change=tuple(map(_differs, plan.adjusted)),
            untouched=tuple(pair.after.label for pair in plan.kept),
            hosts={change.to: change.differs for change in plan.sites},
            routes={change.to: change.routes for change in plan.sites if change.routes},
            settings=plan.settings,
            next_run=plan.next_run,
        ),
        sentences=tuple(sentences(plan)),
        advice=tuple(advice(plan)),
    )


def _of_site(change: SiteChange) -> str:
    if change.differs in ((ADDED,), (REMOVED,)):
        return f"{'add' if change.differs == (ADDED,) else 'remove'} {change.to}"
    routes = "; ".join(change.routes[:MOST_ROUTES])
    if len(change.routes) > MOST_ROUTES:
        routes += f" and {len(change.routes) - MOST_ROUTES} more"
    names = [f"{ROUTES} ({routes})" if name == ROUTES else name for name in change.differs]
    return f"change {change.to}: {_list(names)}"


def _differs(pair: Pair) -> Differs:
    return Differs(pair.before.label, pair.after.label, pair.differs)


def _replacement(pair: Pair) -> str:
    if pair.moves:
        return f"replace {pair.before.label} by {pair.after.label}: {_list(pair.differs)}"
    return f"restart {_whom(pair)}: {_list(pair.differs)}"


def _whom(pair: Pair) -> str:
    old, new = pair.before.label, pair.after.label
    return new if old == new else f"{old}, now {new}"


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"{name} ({WHEN[name]})" if name in WHEN else name for name in names)
