"""From what runs to what is wanted: who is added, removed, replaced, adjusted, left alone."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rpx.model.address import Address
from rpx.model.config import Config, Start
from rpx.model.container import Container
from rpx.model.late import marked, tells_an_address
from rpx.model.specs import BackendSpec, EndpointSpec, ProcessSpec, endpoints_of
from rpx.policy.site_changes import SiteChange, site_changes

# Settings of the project that hold at once, and those that need another run.
AT_ONCE: Final = ("realm", "verbose", "timeouts", "limits", "requests", "reload")
NEXT_RUN: Final = ("name", "listen", "metrics", "logs", "containers", "dashboard")
# Settings of a service whose change needs another process: the running one can't take it up.
PER_PROCESS: Final = frozenset(
    {"name", "to", "https", "address", "command", "cwd", "oneshot", "stdin", "tty", "user", "ports"}
    | Container.model_fields.keys() - {"stop_signal"}
)
ENV: Final = "env "  # and the name of the variable
# The order in which these are told, before all that is said in `start`.
TOLD: Final = "name weight health_check depends_on address to https change_origin"
FIRST: Final = {name: place for place, name in enumerate(TOLD.split())}
NEXT_START: Final = frozenset(
    {"ready", "stop_command", "stop_signal", "stop_signal_to", "stop_grace_period"}
)


@dataclass(frozen=True, slots=True)
class Pair:
    """One backend as it is and as it is to be. `differs`: the settings, as rpx.yaml names them.

    It `moves` where its process gets a label and addresses of its own: then both can run for a
    while, and what else the process serves moves with it.
    """

    before: BackendSpec
    after: BackendSpec
    differs: tuple[str, ...] = ()
    moves: bool = False

    @property
    def elsewhere(self) -> bool:
        """It gets an address of its own."""
        return _place(self.before) != _place(self.after)


@dataclass(frozen=True, slots=True)
class ReloadPlan:
    """The way from one set of backends to another, the `wanted`, and all other settings.

    The processes of those `replaced` must be; where one moves, those `following` are what else it
    serves. Those `adjusted` only look different to rpx. The rest is `kept`, though it may have
    lines or numbers of its own that are new.
    """

    added: tuple[BackendSpec, ...]
    removed: tuple[BackendSpec, ...]
    replaced: tuple[Pair, ...]
    following: tuple[Pair, ...]
    adjusted: tuple[Pair, ...]
    kept: tuple[Pair, ...]
    wanted: tuple[BackendSpec, ...]
    sites: tuple[SiteChange, ...]
    settings: tuple[str, ...]
    next_run: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """There is nothing to do."""
        return not (
            self.added
            or self.removed
            or self.replaced
            or self.adjusted
            or self.sites
            or self.settings
        )

    def along(self, pair: Pair) -> list[Pair]:
        """Return a pair whose process is replaced, and those that follow it."""
        label = pair.after.label
        return [pair, *(each for each in self.following if each.after.server == label)]

    @property
    def anew(self) -> list[Pair]:
        """All those whose process is another one then, each with those that follow it."""
        return [each for pair in self.replaced for each in self.along(pair)]


def compare(
    running: Sequence[BackendSpec],
    wanted: Sequence[BackendSpec],
    before: Config,
    after: Config,
    *,
    tls: bool,
) -> ReloadPlan:
    """Return the way from the backends that run to those that are wanted, touching the fewest.

    `before` and `after` have the settings that are not about a single backend; `tls` is as for
    `in_effect`.
    """
    removed, added, pairs = _matched(running, wanted)
    known = [Pair(old, new, _differences(old, new)) for old, new in pairs]
    replaced = [pair for pair in known if _needs_another_process(pair)]
    adjusted = tuple(pair for pair in known if pair.differs and pair not in replaced)
    replaced = [replace(pair, moves=_can_move(pair, running, wanted)) for pair in replaced]
    following = _following([pair for pair in replaced if pair.moves], removed, added, wanted)
    return ReloadPlan(
        added=tuple(added),
        removed=tuple(removed),
        replaced=tuple(replaced),
        following=tuple(following),
        adjusted=adjusted,
        kept=tuple(pair for pair in known if not pair.differs),
        wanted=tuple(wanted),
        sites=site_changes(before.proxies, after.proxies),
        settings=tuple(_unequal(before, after, AT_ONCE)),
        next_run=tuple(_unequal(in_effect(before, after, tls=tls), after, NEXT_RUN)),
    )


def in_effect(before: Config, after: Config, *, tls: bool) -> Config:
    """Return what a run has after a change from `before`: NEXT_RUN is still as it was, but for
    ports as long as nothing listens there. `tls`: that something does for TLS, since a host has
    had it.
    """
    still = {name: getattr(before, name) for name in NEXT_RUN}
    free = {"https_port": after.listen.https_port} if not tls else {}
    if not before.is_served:
        free["http_port"] = after.listen.http_port
    still["listen"] = before.listen.model_copy(update=free)
    return after.model_copy(update=still)


def at_port(spec: BackendSpec, port: int) -> BackendSpec:
    """Return the same copy of a service at another port."""
    endpoint, process = spec.endpoint, spec.process
    # Only ports of copies are chosen.
    assert endpoint is not None and process is not None  # noqa: S101, PT018
    assert isinstance(endpoint.address, Address)  # noqa: S101
    address = replace(endpoint.address, port=port)
    origin = address.origin.encode() if endpoint.change_origin else b""
    endpoint = replace(endpoint, address=address, change_origin=origin)
    endpoint = replace(endpoint, process=endpoint.label)
    environment = tuple(
        (name, str(port) if name == "PORT" else text) for name, text in process.environment
    )
    process = replace(process, label=endpoint.label, address=address, environment=environment)
    return BackendSpec(endpoint, process)


# ---- who is who


def _matched(
    running: Sequence[BackendSpec], wanted: Sequence[BackendSpec]
) -> tuple[list[BackendSpec], list[BackendSpec], list[tuple[BackendSpec, BackendSpec]]]:
    """Return those without a counterpart, old and new, and the pairs: by the first rule that fits.

    The last two rules are for copies at other addresses: each takes over from one that goes.
    """
    labels = {spec.label for spec in wanted}
    rules: tuple[Callable[[BackendSpec], Hashable], ...] = (
        lambda spec: (_kind(spec), spec.label, _place(spec)),
        lambda spec: (_kind(spec), _place(spec)) if spec.endpoint else id(spec),
        lambda spec: spec.label if spec.process else id(spec),
        lambda spec: spec.name if spec.process and spec.endpoint else id(spec),
        lambda spec: spec.host if spec.process and spec.endpoint else id(spec),
    )
    pairs: list[tuple[BackendSpec, BackendSpec]] = []
    old, new = list(running), list(wanted)
    for rule in rules:
        waiting: dict[Hashable, deque[BackendSpec]] = defaultdict(deque)
        for spec in old:
            if rule not in rules[-2:] or spec.label not in labels:  # its name is another's by now
                waiting[rule(spec)].append(spec)
        found = [(queue.popleft(), spec) for spec in new if (queue := waiting[rule(spec)])]
        done = {id(spec) for pair in found for spec in pair}
        pairs += found
        old = [spec for spec in old if id(spec) not in done]
        new = [spec for spec in new if id(spec) not in done]
    return old, new, pairs


def _kind(spec: BackendSpec) -> str:
    if spec.process is not None:
        return "ours"
    return "shared" if spec.server else "external"


def _place(spec: BackendSpec) -> Hashable:
    """Return what only one process can have; of one that isn't ours all that there is to know."""
    address = spec.address
    if spec.process is None or not isinstance(address, Address):
        return address
    return address.port


# ---- what is different


def _differences(before: BackendSpec, after: BackendSpec) -> tuple[str, ...]:
    """Return the settings that differ; numbers and lines that only rpx knows don't count."""
    found = list(_unequal(before, after, ("name",)))
    if before.endpoint is not None and after.endpoint is not None:
        found += _of_endpoints(before.endpoint, after.endpoint)
    if before.process is not None and after.process is not None:
        found += _of_processes(before.process, after.process, same_host=before.host == after.host)
    return tuple(sorted(found, key=lambda name: FIRST.get(name, len(FIRST))))


def _of_endpoints(before: EndpointSpec, after: EndpointSpec) -> Iterator[str]:
    yield from _unequal(before, after, ("weight", "health_check"))
    if before.address != after.address and not (before.port_chosen and after.port_chosen):
        yield "address"
    if before.host != after.host:
        yield "to"
    if bool(before.change_origin) is not bool(after.change_origin):
        yield "change_origin"


def _of_processes(before: ProcessSpec, after: ProcessSpec, *, same_host: bool) -> Iterator[str]:
    yield from _unequal(before, after, ("depends_on", "autostart"))
    if before.address is None and after.address is None:  # else its address says so
        yield from _unequal(before, after, ("health_check",))
    if same_host and _url(before) != _url(after):
        yield "https"
    apart = ("env", "env_later", "where", "container")
    named = [name for name in Start.model_fields if name not in apart]
    yield from _unequal(before.start, after.start, named)
    yield from _of_containers(before.start.container, after.start.container)
    old, new = before.start.env, after.start.env
    if (later := after.start.env_later) is not None and later is before.start.env_later:
        old = new  # the same configuration: what runs has read its files since that was loaded
    yield from (f"{ENV}{name}" for name in sorted({*old, *new}) if _of(old, name) != _of(new, name))
    yield from _told(before, after)


def _told(before: ProcessSpec, after: ProcessSpec) -> Iterator[str]:
    """Return where others are by now, as far as a process is known to ask for it."""
    old, new = dict(before.environment), dict(after.environment)
    start = after.start
    command = start.command if isinstance(start.command, str) else " ".join(start.command)
    asked = {name for text in start.env.values() if text for name in marked(text)}
    for name in sorted(old.keys() | new.keys()):
        there = name in asked or re.search(rf"\b{name}\b", command)
        if there and tells_an_address(name) and old.get(name) != new.get(name):
            yield f"{ENV}{name}"


def _of_containers(before: Container | None, after: Container | None) -> Iterator[str]:
    if before is None or after is None:
        if before is not after:
            yield "image"
        return
    own = [name for name in Container.model_fields if name != "stop_signal"]  # a process's, too
    yield from _unequal(before, after, own)


def _url(process: ProcessSpec) -> str | None:
    return dict(process.environment).get("RPX_URL")


def _unequal(before: object, after: object, names: Iterable[str]) -> Iterator[str]:
    return (name for name in names if getattr(before, name) != getattr(after, name))


def _of(env: Mapping[str, str | None], name: str) -> tuple[bool, str | None]:
    return name in env, env.get(name)


def _needs_another_process(pair: Pair) -> bool:
    old, new = pair.before.process, pair.after.process
    # Of a route's path a process knows no more than its RPX_URL: what comes before all patterns.
    same_url = old is not None and new is not None and _url(old) == _url(new)
    known = PER_PROCESS - {"to"} if same_url else PER_PROCESS
    return new is not None and any(name in known or name.startswith(ENV) for name in pair.differs)


# ---- who can be there before the other one goes


def _can_move(pair: Pair, running: Sequence[BackendSpec], wanted: Sequence[BackendSpec]) -> bool:
    old, new = pair.before, pair.after
    indexed = any(each.by_index for each in endpoints_of((old, new)))
    if old.label == new.label or indexed:
        return False
    return not _ports(old, running) & _ports(new, wanted)


def _ports(spec: BackendSpec, specs: Sequence[BackendSpec]) -> set[Hashable]:
    """Return where its process listens, at all that it serves."""
    served = [each.address for each in endpoints_of(specs) if each.process == spec.server]
    return {address.port or address.place for address in served}


def _following(
    moving: Sequence[Pair],
    removed: list[BackendSpec],
    added: list[BackendSpec],
    wanted: Sequence[BackendSpec],
) -> list[Pair]:
    """Return what else the processes that move serve. It is taken out of `removed` and `added`.

    Each host goes on at another address: it has one there already, by a label of its own.
    """
    labels = {spec.label for spec in wanted}
    before = {pair.after.label: pair.before.label for pair in moving}
    found = []
    for new in [spec for spec in added if spec.server in before]:
        for old in removed:
            served = (old.server, old.host) == (before[new.server], new.host)
            if served and old.label not in labels:
                found.append(Pair(old, new, _differences(old, new), moves=True))
                removed.remove(old)
                added.remove(new)
                break
    return found
