"""From the backends that run to those that are wanted, so that no request fails on the way.

`run` is the straight line. First, in one step, all that needs no process: who leaves is out of its
pool, who is new is in it, settings hold. Then processes: services side by side, the copies of one
one after the other, each after those that it depends on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import trio

from rpx.backend.fleet import Fleet
from rpx.errors import Exit
from rpx.hub.backend import Backend
from rpx.hub.endpoint import Endpoint
from rpx.hub.registry import Registry
from rpx.model.answers import Outcome
from rpx.model.config import PoolSpec
from rpx.model.specs import ProcessSpec, endpoints_of, processes_of
from rpx.model.status import Intent, State
from rpx.orders import verbs
from rpx.policy.depend import hopeless, sentence
from rpx.policy.reload_plan import Pair, ReloadPlan
from rpx.policy.sites import SiteSpec

# Stopped by a user, or not started yet: its next start is somebody else's affair.
AS_IT_IS: Final = frozenset({State.STOPPED, State.WAITING})
PRESSED: Final = 5.0  # seconds that processes still have to become ready when there is more to do
FOLLOWED: Final = 5.0  # seconds that what else a new process serves has to answer


@dataclass(slots=True, eq=False)
class Service:
    """One whose processes are replaced: when that is `done`, and why it has come to nothing."""

    done: trio.Event = field(default_factory=trio.Event)
    failed: str = ""


class Transition:
    """One way from here to there. `wanted` are the labels of those that are to run."""

    def __init__(
        self,
        registry: Registry,
        fleet: Fleet,
        plan: ReloadPlan,
        wanted: Collection[str],
        *,
        pools: Mapping[str, PoolSpec],
        sites: Mapping[str, SiteSpec],
        more: trio.Event,
    ) -> None:
        """`more`: there is another change to make, this one should come to an end."""
        self._registry = registry
        self._fleet = fleet
        self._plan = plan
        self._pools = pools
        self._sites = sites
        self._wanted = wanted
        self._more = more
        self._standing: dict[str, Backend] = {}  # by the label of who will take their places
        self._rolled: dict[str, Service] = {}  # also by the names of what else they serve
        self._outcomes: list[Outcome] = []

    async def run(self) -> list[Outcome]:
        """Return what became of everybody whose process was touched."""
        rolling = self._rolling()
        leaving, new = self._exchange()
        self._rolled = {name: Service() for name in rolling}
        for backend in self._registry.backends.values():
            process = backend.process
            if process is not None and (service := self._rolled.get(process.spec.name)):
                self._rolled.setdefault(backend.name, service)
        async with trio.open_nursery() as nursery:
            for backend in leaving:
                nursery.start_soon(self._end, backend)
            for backend in new:
                nursery.start_soon(self._join, backend)
            for name, pairs in rolling.items():
                nursery.start_soon(self._roll, name, pairs, nursery)
        order = {spec.label: place for place, spec in enumerate(self._plan.wanted)}
        return sorted(self._outcomes, key=lambda each: order.get(each.label, len(order)))

    def _rolling(self) -> dict[str, list[tuple[Backend, Pair]]]:
        """Return whose processes are to be replaced, by service."""
        services: dict[str, list[tuple[Backend, Pair]]] = defaultdict(list)
        for pair in self._plan.replaced:
            backend = self._registry.backends[pair.before.label]
            services[pair.after.name].append((backend, pair))
            if pair.moves and backend.in_rotation:
                for each in self._plan.along(pair):
                    stands = self._registry.backends[each.before.label]
                    self._standing[each.after.label] = stands
        return services

    def _exchange(self) -> tuple[list[Backend], list[Backend]]:
        """Do all that needs no process; return who leaves and who is new."""
        registry, plan = self._registry, self._plan
        specs = {
            registry.backends[pair.before.label]: pair.after
            for pair in (*plan.kept, *plan.adjusted, *plan.anew)
            if pair.after.label not in self._standing
        }
        leaving = [registry.backends[spec.label] for spec in plan.removed]
        for backend in leaving:
            registry.retire(backend)
        registry.respec(specs)
        new = [registry.add(spec) for spec in plan.added]
        self._arrange()
        return leaving, new

    def _arrange(self) -> None:
        members: dict[str, list[Endpoint]] = {to: [] for to in self._pools}
        for endpoint in endpoints_of(self._plan.wanted):
            stands = self._standing.get(endpoint.label)
            backend = stands or self._registry.backends[endpoint.label]
            members[endpoint.host] += [backend.endpoint] if backend.endpoint else []
        order = [spec.label for spec in self._plan.wanted]
        self._registry.arrange(self._pools, members, order, self._sites)

    async def _end(self, backend: Backend) -> None:
        label, pid = backend.label, backend.pid
        await self._fleet.end(backend)
        was = f", stopped (it was pid {pid})" if pid else ""
        self._outcomes.append(Outcome(label, backend.state, pid, None, f"{label} removed{was}"))

    async def _join(self, backend: Backend) -> None:
        label, wanted = backend.label, backend.label in self._wanted
        registry, process = self._registry, backend.own
        if process is None:
            self._fleet.begin(backend, wanted=wanted)
            return
        registry.start_after(process, self._rolled.keys())
        self._fleet.begin(backend, wanted=wanted)
        await self._others(process.spec)
        registry.start_after(process, ())
        registry.look_ahead(process)
        if not wanted:
            return
        if process.state is State.STOPPED and process.intent is Intent.DOWN:
            text = f"{label} was stopped before it could start"
            outcome = Outcome(label, backend.visible_state, None, None, text, Exit.FAILED)
        else:
            outcome = await self._within_bounds(verbs.start, backend)
        self._outcomes.append(outcome)

    async def _roll(
        self, name: str, pairs: Sequence[tuple[Backend, Pair]], nursery: trio.Nursery
    ) -> None:
        """Replace the processes of one service; the first that doesn't come back ends it."""
        process, *_ = processes_of(pair.after for _, pair in pairs)  # all start after the same
        failed = await self._others(process)
        if not failed and any(map(self._goes_first, pairs)):
            failed = await self._missing(process)
        for backend, pair in pairs:
            if failed:
                outcome = self._left(backend, pair, failed)
            elif self._standing.get(pair.after.label) is backend:
                outcome = await self._replace(backend, pair, nursery)
            else:
                outcome = await self._restart(backend, pair)
            self._outcomes.append(outcome)
            if outcome.exit_code and not failed:
                failed = f"{outcome.label} did not come back"
        self._rolled[name].failed = failed
        self._rolled[name].done.set()

    def _goes_first(self, what: tuple[Backend, Pair]) -> bool:
        """It works, and will have to go before the new process comes."""
        backend, pair = what
        return backend.state is State.READY and pair.after.label not in self._standing

    async def _others(self, spec: ProcessSpec) -> str:
        """Wait for those of a change that it depends on; return what has become of them in vain."""
        names = [each.name for each in spec.depends_on if each.name in self._rolled]
        for name in names:
            await self._rolled[name].done.wait()
        return next(filter(None, (self._rolled[name].failed for name in names)), "")

    async def _missing(self, spec: ProcessSpec) -> str:
        """Wait for all that it depends on; return what will not come, or not in time."""
        registry = self._registry
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._press, nursery.cancel_scope)
            with trio.move_on_after(verbs.READY_WITHIN):
                while (missing := registry.obstacles(spec)) and not hopeless(missing):
                    await registry.changed.wait()
            nursery.cancel_scope.cancel(reason="they are there, or it is over")
        missing = registry.obstacles(spec)
        return f"it would wait {sentence(missing)}" if missing else ""

    async def _restart(self, backend: Backend, pair: Pair) -> Outcome:
        """The address is one for both processes: the old one has to go before the new one comes.

        If that doesn't work, and the old one did, it is there again.
        """
        label, process = backend.label, backend.own
        assert process is not None  # noqa: S101 - it is to be replaced
        if backend.state in AS_IT_IS:
            text = f"{label} is {backend.state.value}: what is new holds from its next start"
            return Outcome(label, backend.visible_state, None, None, text)
        trial = backend.state is State.READY and _same(pair)
        if trial:
            self._registry.want(process, Intent.TRIAL)
        try:
            outcome = await self._within_bounds(verbs.restart, backend)
            # One that only needs time may get it from the next change.
            final = backend.state is State.FAILED or not self._more.is_set()
            failed = outcome.exit_code and backend.state is not State.STOPPED
            if not (failed and final and trial):
                return outcome
            self._take_back(backend, pair)
            again = await self._within_bounds(verbs.restart, backend)
        finally:
            self._registry.end_trial(process)
        text = f"{outcome.sentence}; as it was: {again.sentence}"
        code = outcome.exit_code
        return replace(again, pid_before=outcome.pid_before, sentence=text, exit_code=code)

    async def _replace(self, old: Backend, pair: Pair, nursery: trio.Nursery) -> Outcome:
        """Let the new process become ready before the old one is drained."""
        new = self._registry.add(pair.after)
        self._fleet.begin(new)
        outcome = await self._within_bounds(verbs.start, new)
        if new.state is not State.READY:
            self._registry.retire(new)
            await self._fleet.end(new)
            text = f"{outcome.sentence}; {old.label} goes on as it was"
            code = outcome.exit_code or Exit.FAILED
            return Outcome(old.label, old.visible_state, old.pid, old.pid, text, code)
        along = self._plan.along(pair)
        await self._follow(along[1:])
        going = [self._standing.pop(each.after.label) for each in along]
        self._arrange()
        for each in going:
            self._registry.retire(each)
            nursery.start_soon(self._end, each)
        return outcome

    async def _follow(self, pairs: Sequence[Pair]) -> None:
        """Let what else the new process serves become ready, too; in vain it may be for a while."""
        registry, new = self._registry, []
        for pair in pairs:
            before = registry.endpoint(pair.before.label)
            new.append(registry.add(pair.after, paused=before.paused))
        self._arrange()
        for backend in new:
            self._fleet.begin(backend)
        with trio.move_on_after(FOLLOWED):
            while not all(backend.state is State.READY for backend in new):
                await registry.changed.wait()

    def _left(self, backend: Backend, pair: Pair, failed: str) -> Outcome:
        """Leave it as it is, also in the registry: so the next reload sees what is still to do."""
        if _same(pair):
            self._take_back(backend, pair)
        label = backend.label
        text = f"{label} left as it is, because {failed}"
        return Outcome(label, backend.visible_state, backend.pid, backend.pid, text, Exit.FAILED)

    def _take_back(self, backend: Backend, pair: Pair) -> None:
        self._registry.respec({backend: pair.before})
        self._arrange()

    async def _within_bounds(self, verb: verbs.Verb, backend: Backend) -> Outcome:
        """Give an order and wait for what comes of it, as long as there is time."""
        label, before = backend.label, backend.pid
        found: list[Outcome] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._press, nursery.cancel_scope)
            found += await verb(self._registry, [label])
            nursery.cancel_scope.cancel(reason="there is an outcome")
        if found:
            return found[0]
        state = backend.visible_state
        text = f"{label} not ready ({state.value}) when there was another change to make"
        return Outcome(label, state, before, backend.pid, text, Exit.TIMEOUT)

    async def _press(self, wait: trio.CancelScope) -> None:
        await self._more.wait()
        await trio.sleep(PRESSED)
        wait.cancel(reason="there is another change to make")


def _same(pair: Pair) -> bool:
    """It has the name and the host that it had, so that it can be again what it was."""
    before, after = pair.before, pair.after
    return (before.label, before.host) == (after.label, after.host)
