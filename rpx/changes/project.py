"""What is asked of a whole project: to read its file again, to run more copies or fewer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import trio

from rpx.backend.fleet import Fleet
from rpx.backend.ports import Kept, keep_ports, settle_ports, spare_ports
from rpx.backend.preflight import check_commands, preflight
from rpx.changes.transition import Transition
from rpx.control.outcome import Outcome
from rpx.control.outcome import as_json as outcome_json
from rpx.errors import RpxError, UsageError
from rpx.hub.orders import Change
from rpx.hub.registry import Registry
from rpx.model.config import Config
from rpx.model.status import BackendSpec, State
from rpx.policy.depend import with_dependencies
from rpx.policy.naming import names_of, select
from rpx.policy.plan import plan, plan_pools
from rpx.policy.reload import Changes, advice, as_json, at_port, compare, sentences, settled
from rpx.policy.scale import scaled, still_meant

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


class Project:
    """Carries out one change after the other. `config` is as it was loaded."""

    def __init__(
        self,
        registry: Registry,
        fleet: Fleet,
        config: Config,
        terms: Terms,
        settle: Callable[[Config], Awaitable[None]],
    ) -> None:
        """`settle` lets the rest of rpx go by a configuration from now on."""
        self.config = config
        self.changed = trio.Event()  # replaced at every change
        self._registry = registry
        self._fleet = fleet
        self._terms = terms
        self._settle = settle
        self._scale = dict(terms.scale)
        self._tls = bool(config.secured)  # rpx listens for it, and does so to its end
        self._scaled: set[str] = set()  # services that somebody has asked for copies of

    @property
    def follows_file(self) -> bool:
        """A change of its files is an order to reload."""
        return self.config.reload == "auto" and self._terms.load is not None

    async def run(self) -> None:
        """Take orders until cancelled."""
        change = await self._registry.mailbox.orders.receive()
        while True:
            more = trio.Event()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._take, change, more)
                change = await self._registry.mailbox.orders.receive()
                more.set()

    async def _take(self, change: Change, more: trio.Event) -> None:
        change.taken.set()
        try:
            await self._carry_out(change, more)
        except RpxError as error:
            change.error = error
            self._say(
                f"{_reason(change)}: that can't be done, everything stays as it is",
                str(error).splitlines(),
            )
        change.done.set()

    async def _carry_out(self, change: Change, more: trio.Event) -> None:
        """Raises RpxError before anything is touched. `more`: somebody waits for the next one."""
        if change.scale is None:
            config = await self._read()
            scale = still_meant(self._scale, self.config, config)
        else:
            config = self.config
            scaled(config, change.scale)  # raises for one that is wrong, which comes to nothing
            scale = {**self._scale, **change.scale}
            if not change.dry:
                self._scaled |= change.scale.keys()
        target = scaled(config, scale)
        changes = await self._aim(target)
        change.answer = as_json(changes)
        if change.dry:
            return
        https_port = self._registry.https_port
        await self._settle(settled(self.config, target, tls=self._tls))
        if self._registry.https_port != https_port:  # it is listened to since: URLs have it
            changes = await self._aim(target)
        self._say(_reason(change), (*sentences(changes), *advice(changes)))
        outcomes = await self._go(target, changes, more)
        self.config, self._scale = settled(self.config, config, tls=self._tls), scale
        self._tls = self._tls or bool(config.secured)
        self.changed.set()
        self.changed = trio.Event()
        for outcome in outcomes:
            if outcome.exit_code:
                self._registry.say(outcome.sentence)
        change.answer["outcomes"] = [outcome_json(outcome) for outcome in outcomes]

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

    async def _aim(self, target: Config) -> Changes:
        """Return the way there, once it is known that it can be gone."""
        running = _ports(backend.spec for backend in self._registry.backends.values())
        file = self._terms.ports
        config = await trio.to_thread.run_sync(
            lambda: settle_ports(target, file, keep=False, running=running)
        )
        specs = plan(config, self._registry.port, self._registry.https_port)
        changes = self._compare(specs, target)
        # Copies whose ports rpx chooses get others: then the new ones can come before the old go.
        moving: dict[str, list[BackendSpec]] = defaultdict(list)
        for pair in changes.replaced:
            serves = self._registry.backends[pair.before.label].in_rotation
            if pair.after.port_chosen and pair.before.address == pair.after.address and serves:
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
            changes = self._compare([moved.get(spec.label, spec) for spec in specs], target)
        await trio.to_thread.run_sync(self._preflight, changes)
        return changes

    def _compare(self, wanted: Sequence[BackendSpec], target: Config) -> Changes:
        running = [backend.spec for backend in self._registry.backends.values()]
        return compare(running, wanted, self.config, target, tls=self._tls)

    def _preflight(self, changes: Changes) -> None:
        ours = self._wanted(changes.wanted)
        replaced = [pair for pair in changes.replaced if pair.after.label in ours]
        check_commands([pair.after for pair in replaced])
        new = [*changes.added, *(pair.after for pair in replaced if pair.elsewhere)]
        # An address that a process of ours serves already, or will, is taken by nobody else.
        ports = {spec.address.place for spec in changes.wanted if spec.start and spec.address}
        preflight(
            spec
            for spec in new
            if spec.label in ours
            and (spec.start or not spec.address or spec.address.place not in ports)
        )

    async def _go(self, target: Config, changes: Changes, more: trio.Event) -> list[Outcome]:
        wanted = self._wanted(changes.wanted)
        pools = plan_pools(target.proxies)
        way = Transition(self._registry, self._fleet, changes, pools, wanted, more=more)
        outcomes = await way.run()
        if ports := _ports(changes.wanted):
            await trio.to_thread.run_sync(keep_ports, self._terms.ports, ports)
        return outcomes

    def _wanted(self, specs: Sequence[BackendSpec]) -> Collection[str]:
        """Return the labels of those that are to run."""
        if not self._terms.names:
            return {spec.label for spec in specs}
        names = [names_of(spec) for spec in specs]
        there = self._registry.backends.values()
        running = {backend.spec.name for backend in there if backend.state is not State.STOPPED}
        named = {spec.label for spec in specs if spec.name in running | self._scaled}
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


def _ports(specs: Iterable[BackendSpec]) -> Kept:
    """Return the ports that rpx has chosen for copies, by service."""
    ports: Kept = defaultdict(list)
    for spec in specs:
        if spec.port_chosen and spec.address and spec.address.port:
            ports[spec.name].append(spec.address.port)
    return dict(ports)


def _together(first: Kept, second: Kept) -> Kept:
    names = {*first, *second}
    return {name: list(dict.fromkeys(first.get(name, []) + second.get(name, []))) for name in names}


def _reason(change: Change) -> str:
    if change.scale is None:
        return change.why or "reload"
    return "scale " + " ".join(f"{name}={count}" for name, count in change.scale.items())
