"""What is asked of a whole project: to read its file again, to run more copies or fewer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

import trio

from rpx.backend.fleet import Fleet
from rpx.backend.free_ports import Kept, choose_ports, keep_ports, spare_ports
from rpx.backend.preflight import check_commands, preflight
from rpx.changes.transition import Transition
from rpx.errors import RpxError, UsageError
from rpx.hub.mailbox import MAILBOX, ProjectOrder
from rpx.hub.registry import Registry
from rpx.model.answers import ChangeReport, Outcome
from rpx.model.config import Config
from rpx.model.ports import Ports
from rpx.model.specs import BackendSpec, endpoints_of, processes_of
from rpx.model.status import State
from rpx.policy.depend import after_oneshots, begun_unasked, with_dependencies
from rpx.policy.naming import names_of, select
from rpx.policy.plan import plan_backends, plan_pools, project_variables
from rpx.policy.realm_ports import chosen_for
from rpx.policy.reload_plan import ReloadPlan, at_port, compare, in_effect
from rpx.policy.reload_report import report
from rpx.policy.scaling import scaled, still_meant
from rpx.policy.service_ports import chosen_ports
from rpx.policy.sites import plan_sites
from rpx.runs.lease import project_with

Warn = Callable[[str], None]
Load = Callable[[Warn], Config]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run was asked for beside its configuration, and what holds for every later one.

    `load` reads the file again (None: there is none), in a thread; `names`: only these services
    run, and what they depend on; `scale` is copies by service; `ports` is where ports are kept.
    """

    load: Load | None = None
    names: Sequence[str] = ()
    scale: Mapping[str, int] = field(default_factory=dict)
    ports: Path | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a change is to come to: `target` is `config` with as many copies as `scale` says.

    `scaled` are services that somebody has asked for copies of.
    """

    config: Config
    scale: Mapping[str, int]
    scaled: Collection[str]
    target: Config


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that another configuration needs beside its backends is there.

    rpx goes by it once `commit` is called, and listens at `ports` then.
    """

    ports: Ports
    commit: Callable[[], None]


@dataclass(slots=True, eq=False)
class Turn:
    """The place of a change in the queue. `aim`: what it was to come to when it began to wait."""

    aim: tuple[Sequence[BackendSpec], Config] | None = None
    begun: trio.Event = field(default_factory=trio.Event)
    more: trio.Event = field(default_factory=trio.Event)  # somebody waits for something else


class Project:
    """Carries out one change after the other; looks and mistakes wait for none.

    `config` is as it was loaded, that of a change as soon as it is under way.
    """

    def __init__(
        self,
        registry: Registry,
        fleet: Fleet,
        config: Config,
        terms: Terms,
        prepared: Callable[[Config], AbstractAsyncContextManager[Prepared]],
        *,
        besides: Callable[[Config], Awaitable[list[str]]],
    ) -> None:
        """`prepared` prepares the rest of rpx for a configuration, until the block that it is used
        in ends; `besides` tells what else that changes.
        """
        self.config = config
        self.changed = trio.Event()  # replaced at every change
        self._registry = registry
        self._fleet = fleet
        self._terms = terms
        self._prepared = prepared
        self._besides = besides
        self._scale = terms.scale
        self._scaled: Collection[str] = frozenset()
        self._turns: list[Turn] = []  # the first is under way
        self._coming: Sequence[BackendSpec] | None = None  # who there will be after that

    @property
    def follows_file(self) -> bool:
        """A change of its files is an order to reload."""
        return self.config.reload == "auto" and self._terms.load is not None

    async def run(self) -> None:
        """Take orders until cancelled."""
        room = trio.Semaphore(MAILBOX)
        async with trio.open_nursery() as nursery:
            while True:
                await room.acquire()
                order = await self._registry.mailbox.orders.receive()
                turn = Turn()
                if not order.dry:
                    self._turns.append(turn)
                nursery.start_soon(self._take, order, turn, room)

    async def _take(self, order: ProjectOrder, turn: Turn, room: trio.Semaphore) -> None:
        order.taken.set()
        try:
            await self._carry_out(order, turn)
        except RpxError as error:
            order.error = error
            self._say(
                f"{_reason(order)}: that can't be done, everything stays as it is",
                str(error).splitlines(),
            )
        if not order.dry:
            self._turns.remove(turn)
        order.planned.set()
        order.done.set()
        if self._turns:
            self._turns[0].begun.set()
        room.release()

    async def _carry_out(self, order: ProjectOrder, turn: Turn) -> None:
        """Raises: RpxError before anything is touched."""
        if order.dry or self._turns[0] is not turn:
            wish = await self._wish(order)
            plan = await self._aim(wish, self._registry.ports, alone=not self._turns)
            order.report = _report(plan, await self._besides(wish.target))
            if order.dry:
                return
            turn.aim = plan.wanted, wish.target
            self._press()
            await turn.begun.wait()
        # Once more: what was read while it waited may be old.
        wish = await self._wish(order)
        more = await self._besides(wish.target)
        config = self._in_effect(wish.config)
        async with self._prepared(self._in_effect(wish.target)) as prepared:
            plan = await self._aim(wish, prepared.ports)  # which URLs have
            prepared.commit()
        order.report = _report(plan, more)
        order.planned.set()
        self._say(_reason(order), (*order.report.sentences, *order.report.advice))
        self.config, self._scale, self._scaled = config, wish.scale, wish.scaled
        outcomes = await self._go(wish, plan, turn.more)
        self.changed.set()
        self.changed = trio.Event()
        for outcome in outcomes:
            if outcome.exit_code:
                self._registry.say(outcome.sentence)
        order.report = replace(order.report, outcomes=tuple(outcomes))

    async def _wish(self, order: ProjectOrder) -> Wish:
        if order.scale is None:
            config = order.config or await self._read()
            scale = still_meant(self._scale, self.config, config)
        else:
            config = self.config
            scaled(config, order.scale)  # raises for one that is wrong, which comes to nothing
            scale = {**self._scale, **order.scale}
        return Wish(config, scale, {*self._scaled, *(order.scale or ())}, scaled(config, scale))

    def _press(self) -> None:
        """Bring the change under way to an end if somebody waits for something else."""
        now, *waiting = self._turns
        if self._coming is None:
            return
        for wanted, target in (turn.aim for turn in waiting if turn.aim):
            if not self._compare(wanted, target).nothing:
                now.more.set()

    async def _read(self) -> Config:
        if self._terms.load is None:
            raise UsageError(
                "this project has no rpx.yaml that could be read again",
                hint="it stands on the command line: end it, and start it with other flags",
            )
        warnings: list[str] = []
        config = await trio.to_thread.run_sync(self._terms.load, warnings.append)
        for text in warnings:
            self._registry.say(f"warning: {text}")
        return config

    async def _aim(self, wish: Wish, listening: Ports, *, alone: bool = True) -> ReloadPlan:
        """Return the way there, once it is known that it can be gone, where rpx is `listening`; not
        `alone`: beside another change, whose processes may still have ports.
        """
        running, target = _ports(self._there), wish.target
        file = self._terms.ports
        config = await trio.to_thread.run_sync(
            lambda: choose_ports(target, file, keep=False, running=running)
        )
        specs = plan_backends(config, listening)
        plan = self._compare(specs, target)
        # Copies whose ports rpx chooses get others: then the new ones can come before the old go.
        moving: dict[str, list[BackendSpec]] = defaultdict(list)
        for pair in plan.replaced:
            there = self._registry.backends.get(pair.before.label)  # None: it is about to come
            serves = there is None or there.in_rotation
            endpoint = pair.after.endpoint
            chosen = endpoint is not None and endpoint.port_chosen
            if chosen and pair.before.address == pair.after.address and serves:
                moving[pair.after.name].append(pair.after)
        if moving:
            extra = {name: len(copies) for name, copies in moving.items()}
            taken = _together(running, _ports(specs))
            spare = await trio.to_thread.run_sync(spare_ports, target, file, taken, extra)
            moved = {
                spec.label: at_port(spec, port)
                for name, copies in moving.items()
                for spec, port in zip(copies, spare[name], strict=True)
            }
            plan = self._compare([moved.get(spec.label, spec) for spec in specs], target)
        ours = self._wanted(plan.wanted, wish.scaled)
        await trio.to_thread.run_sync(_preflight, plan, ours, self._late(plan), alone)
        return plan

    def _late(self, plan: ReloadPlan) -> Collection[str]:
        """Return who comes after a oneshot that is still to run."""
        runs = {*(s.name for s in plan.added), *(p.after.name for p in plan.replaced)}
        there = self._registry.processes
        done = {each.spec.name for each in there if each.state is State.COMPLETED}
        return after_oneshots(processes_of(plan.wanted), done - runs)

    def _compare(self, wanted: Sequence[BackendSpec], target: Config) -> ReloadPlan:
        return compare(self._there, wanted, self.config, target, tls=self._secured)

    def _in_effect(self, config: Config) -> Config:
        return in_effect(self.config, config, tls=self._secured)

    @property
    def _secured(self) -> bool:
        """rpx listens for TLS, and does so to its end."""
        return bool(self._registry.ports.https)

    @property
    def _there(self) -> Sequence[BackendSpec]:
        """Who runs, or will when the change under way has come to its end."""
        if self._coming is not None:
            return self._coming
        return [backend.spec for backend in self._registry.backends.values()]

    async def _go(self, wish: Wish, plan: ReloadPlan, more: trio.Event) -> list[Outcome]:
        wanted = self._wanted(plan.wanted, wish.scaled)
        pools = plan_pools(wish.target.proxies)
        told = project_variables(wish.target, self._registry.ports)
        sites = plan_sites(wish.target.proxies, told)
        way = Transition(
            self._registry, self._fleet, plan, wanted, pools=pools, sites=sites, more=more
        )
        self._coming = plan.wanted
        self._press()
        try:
            outcomes = await way.run()
        finally:
            self._coming = None
        if ports := _ports(plan.wanted):
            await trio.to_thread.run_sync(keep_ports, self._terms.ports, ports)
        return outcomes

    def _wanted(self, specs: Sequence[BackendSpec], asked: Collection[str]) -> Collection[str]:
        """Return the labels of those that are to run."""
        names = [names_of(spec) for spec in specs]
        there = self._registry.backends.values()
        running = {backend.name for backend in there if backend.state is not State.STOPPED}
        named = {spec.label for spec in specs if spec.name in running.union(asked)}
        if not self._terms.names:
            named |= begun_unasked(specs)
        for name in self._terms.names:
            try:
                named |= {each.label for each in select(names, name)}
            except UsageError:
                pass  # it was there when rpx was started
        return with_dependencies(specs, named)

    def _say(self, head: str, lines: Sequence[str]) -> None:
        first, *rest = lines
        self._registry.say(f"{head}: {first}" if not rest else f"{head}:")
        for line in lines if rest else ():
            self._registry.say(f"  {line}".rstrip())


def _preflight(plan: ReloadPlan, ours: Collection[str], late: Collection[str], alone: bool) -> None:
    """Not `alone`: the ports of who is new may be taken by who is about to go."""
    replaced = [pair for pair in plan.replaced if pair.after.label in ours]
    check_commands(processes_of(pair.after for pair in replaced), late)
    moving = [each.after for pair in replaced if pair.elsewhere for each in plan.along(pair)]
    new = [*(spec for spec in plan.added if spec.label in ours), *moving]
    if alone:
        preflight(new, late, project_with)
    else:
        check_commands(processes_of(new), late)


def _ports(specs: Collection[BackendSpec]) -> Kept:
    """Return the ports that rpx has chosen for copies, by service, and in the place of others."""
    ports: Kept = defaultdict(list, chosen_for(specs) | chosen_ports(processes_of(specs)))
    for endpoint in endpoints_of(specs):
        if endpoint.port_chosen and endpoint.address.port:
            ports[endpoint.name].append(endpoint.address.port)
    return dict(ports)


def _together(first: Kept, second: Kept) -> Kept:
    names = {*first, *second}
    return {name: list(dict.fromkeys(first.get(name, []) + second.get(name, []))) for name in names}


def _report(plan: ReloadPlan, more: Sequence[str]) -> ChangeReport:
    """Return what is to be done; `more` are sentences of what is in no configuration."""
    found = report(plan)
    return replace(found, sentences=(*more, *(() if more and plan.nothing else found.sentences)))


def _reason(order: ProjectOrder) -> str:
    if order.scale is None:
        return order.why or "reload"
    return "scale " + " ".join(f"{name}={count}" for name, count in order.scale.items())
