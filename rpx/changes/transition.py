"""From the backends that run to those that are wanted, so that no request fails on the way.

`run` is the straight line. First, in one step, all that needs no process: who leaves is out of its
pool, who is new is in it, settings hold. Then processes: services side by side, the copies of one
one after the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import trio

from rpx.backend.fleet import Fleet
from rpx.control import orders
from rpx.control.outcome import Outcome
from rpx.errors import Exit
from rpx.hub.records import Backend
from rpx.hub.registry import Registry
from rpx.model.status import PoolSpec, State
from rpx.policy.reload import Changes, Pair

# Stopped by a user, or not started yet: its next start is somebody else's affair.
AS_IT_IS: Final = frozenset({State.STOPPED, State.WAITING})


class Transition:
    """One way from here to there. `wanted` are the labels of those that are to run."""

    def __init__(
        self,
        registry: Registry,
        fleet: Fleet,
        changes: Changes,
        pools: Mapping[str, PoolSpec],
        wanted: Collection[str],
    ) -> None:
        self._registry = registry
        self._fleet = fleet
        self._changes = changes
        self._pools = pools
        self._wanted = wanted
        self._standing: dict[str, Backend] = {}  # by the label of who will take their places
        self._outcomes: list[Outcome] = []

    async def run(self) -> list[Outcome]:
        """Return what became of everybody whose process was touched."""
        rolling = self._rolling()
        leaving, new = self._exchange()
        async with trio.open_nursery() as nursery:
            for backend in leaving:
                nursery.start_soon(self._end, backend)
            for backend in new:
                self._fleet.begin(backend, wanted=backend.spec.label in self._wanted)
                if backend.spec.label in self._wanted and not backend.external:
                    nursery.start_soon(self._join, backend)
            for pairs in rolling.values():
                nursery.start_soon(self._roll, pairs, nursery)
        order = {spec.label: place for place, spec in enumerate(self._changes.wanted)}
        return sorted(self._outcomes, key=lambda each: order.get(each.label, len(order)))

    def _rolling(self) -> dict[str, list[tuple[Backend, Pair]]]:
        """Return whose processes are to be replaced, by service."""
        services: dict[str, list[tuple[Backend, Pair]]] = defaultdict(list)
        for pair in self._changes.replaced:
            backend = self._registry.backends[pair.before.label]
            services[pair.after.name].append((backend, pair))
            if pair.moves and backend.in_rotation:
                self._standing[pair.after.label] = backend
        return services

    def _exchange(self) -> tuple[list[Backend], list[Backend]]:
        """Do all that needs no process; return who leaves and who is new."""
        registry, changes = self._registry, self._changes
        pairs = (*changes.kept, *changes.adjusted, *changes.replaced)
        specs = {
            registry.backends[pair.before.label]: pair.after
            for pair in pairs
            if pair.after.label not in self._standing
        }
        leaving = [registry.backends[spec.label] for spec in changes.removed]
        for backend in leaving:
            registry.retire(backend)
        registry.respec(specs)
        new = [registry.add(spec) for spec in changes.added]
        self._arrange()
        return leaving, new

    def _arrange(self) -> None:
        members: dict[str, list[Backend]] = {to: [] for to in self._pools}
        for spec in self._changes.wanted:
            if spec.host:
                stands = self._standing.get(spec.label)
                members[spec.host].append(stands or self._registry.backends[spec.label])
        order = [spec.label for spec in self._changes.wanted]
        self._registry.arrange(self._pools, members, order)

    async def _end(self, backend: Backend) -> None:
        label, pid = backend.spec.label, backend.pid
        await self._fleet.end(backend)
        was = f", stopped (it was pid {pid})" if pid else ""
        self._outcomes.append(Outcome(label, backend.state, pid, None, f"{label} removed{was}"))

    async def _join(self, backend: Backend) -> None:
        self._outcomes += await orders.start(self._registry, [backend.spec.label])

    async def _roll(self, pairs: Sequence[tuple[Backend, Pair]], nursery: trio.Nursery) -> None:
        """Replace the processes of one service; the first that doesn't come back ends it."""
        failed = ""
        for backend, pair in pairs:
            if failed:
                outcome = self._left(backend, pair, failed)
            elif self._standing.get(pair.after.label) is backend:
                outcome = await self._replace(backend, pair, nursery)
            else:
                outcome = await self._restart(backend)
            self._outcomes.append(outcome)
            if outcome.exit_code and not failed:
                failed = outcome.label

    async def _restart(self, backend: Backend) -> Outcome:
        """The address is one for both processes: the old one has to go before the new one comes."""
        label = backend.spec.label
        if backend.state in AS_IT_IS:
            text = f"{label} is {backend.state.value}: what is new holds from its next start"
            return Outcome(label, backend.shown, None, None, text)
        [outcome] = await orders.restart(self._registry, [label])
        return outcome

    async def _replace(self, old: Backend, pair: Pair, nursery: trio.Nursery) -> Outcome:
        """Let the new process become ready before the old one is drained."""
        new = self._registry.add(pair.after)
        self._fleet.begin(new)
        [outcome] = await orders.start(self._registry, [pair.after.label])
        if new.state is not State.READY:
            self._registry.retire(new)
            await self._fleet.end(new)
            text = f"{outcome.sentence}; {old.spec.label} goes on as it was"
            code = outcome.exit_code or Exit.FAILED
            return Outcome(old.spec.label, old.shown, old.pid, old.pid, text, code)
        del self._standing[pair.after.label]
        self._arrange()
        self._registry.retire(old)
        nursery.start_soon(self._end, old)
        return outcome

    def _left(self, backend: Backend, pair: Pair, failed: str) -> Outcome:
        """Leave it as it is, also in the registry: so the next reload sees what is still to do."""
        if pair.before.label == pair.after.label:
            self._registry.respec({backend: pair.before})
            self._arrange()
        label = backend.spec.label
        text = f"{label} left as it is, because {failed} did not come back"
        return Outcome(label, backend.shown, backend.pid, backend.pid, text, Exit.FAILED)
