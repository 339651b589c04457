"""Routes beside each other, and beside proxies: names, where they lead, who is treated how."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from rpx.config.checks.conflicts import Entry
from rpx.config.mistakes.explain import owner
from rpx.config.settings.on_the_way import TreatmentWritten
from rpx.config.yaml.document import Document, Steps
from rpx.model.config import Config, ProxyEntry
from rpx.model.route import Conditions, Route
from rpx.model.status import OWN_WORDS
from rpx.model.suggest import did_you_mean
from rpx.policy.path_patterns import read_pattern
from rpx.policy.route_cover import Covering, begins_with, covers


def report_routes(
    document: Document,
    entries: Sequence[Entry],
    run: Collection[Entry],
    processes: Iterable[str],
    unread: Mapping[Steps, str],
) -> None:
    """Add all that is wrong between routes. `run`: those of the entries that belong to the run;
    `unread`: where others stand, in which something is wrong, and what they are called.
    """
    _leads_nowhere(document, entries, run, unread)
    _one_name_for_two(document, entries, processes)
    _disagree(document, [entry for entry in run if entry.proxy.reached])


def _written(document: Document, proxy: Steps) -> Iterator[tuple[Steps, object]]:
    routes = document.value((*proxy, "routes"))
    for index in range(len(routes) if isinstance(routes, list) else 0):
        at = (*proxy, "routes", index)
        yield at, document.value(at)


def _leads_nowhere(
    document: Document,
    entries: Sequence[Entry],
    run: Collection[Entry],
    unread: Mapping[Steps, str],
) -> None:
    answering = {entry.proxy.name for entry in entries if _answers(entry.proxy)}
    answering.update(unread.values())
    silent = {entry.proxy.name for entry in entries} - answering
    here = {entry.proxy.name for entry in run}.union(unread.values())
    names = {entry.at: entry.proxy.name for entry in run} | dict(unread)
    for proxy, own in sorted(names.items()):
        for at, route in _written(document, proxy):
            name = route.get("proxy") if isinstance(route, dict) else None
            if not isinstance(name, str) or name in answering & here:
                continue
            said = f"{owner(at, document)} leads to `{name}`"
            if name in answering:
                document.report(
                    f"{said}, whose profiles are not active",
                    (*at, "proxy"),
                    "start it with `--profile`, or give both proxies the same profiles",
                )
            elif name in silent:
                document.report(
                    f"{said}, which has no backends",
                    (*at, "proxy"),
                    "name one that has a `from` or a `start`",
                )
            else:
                others = ", ".join(f"`{each}`" for each in sorted(answering - {own}))
                known = f"it may name {others}" if others else "there is no other proxy"
                document.report(
                    f"{said}, which is no proxy",
                    (*at, "proxy"),
                    did_you_mean(name, answering).rstrip() or known,
                )


def _answers(proxy: ProxyEntry) -> bool:
    return bool(proxy.sources or proxy.replicas or proxy.answerer)


def _one_name_for_two(
    document: Document, entries: Sequence[Entry], processes: Iterable[str]
) -> None:
    """Names that were written for routes; others are made so that they are free."""
    taken: dict[str, Steps] = {name: ("processes", name) for name in processes}
    for entry in entries:
        if entry.proxy.reached:
            own = (*entry.at, "name")
            taken.setdefault(
                entry.proxy.name, own if entry.at and document.is_written(own) else entry.at
            )
    for entry in entries:
        for at, route in _written(document, entry.at):
            name = route.get("name") if isinstance(route, dict) else None
            if not isinstance(name, str):
                continue
            if name == OWN_WORDS:
                document.report(
                    f"a route can't be called `{OWN_WORDS}`: what rpx itself says has that name",
                    (*at, "name"),
                    "give it another `name`",
                )
            first = taken.setdefault(name, (*at, "name"))
            if first != (*at, "name"):
                document.report(
                    f"{owner(at, document)} has a name that is taken, `{name}`: see"
                    f" {document.where(first, key=first[0] == 'processes')}",
                    (*at, "name"),
                    "give one of them another `name`",
                )


def _disagree(document: Document, entries: Sequence[Entry]) -> None:
    """Entries with the same `to` are one proxy to clients."""
    said: dict[tuple[str, str], Steps] = {}
    answers: dict[str, tuple[Steps, bool]] = {}
    for entry in entries:
        to = entry.proxy.to
        for setting in TreatmentWritten.model_fields:
            at = (*entry.at, setting)
            if document.is_written(at):
                first = said.setdefault((to, setting), at)
                if document.value(first) != document.value(at):
                    document.report(
                        f"the entries for `{to}` disagree about `{setting}`:"
                        f" here and at {document.where(first)}",
                        at,
                        "clients meet one proxy; write it in one of them, or the same in each",
                    )
        if _answers(entry.proxy):
            other, pooled = answers.setdefault(to, (entry.at, entry.proxy.answerer is None))
            if other != entry.at and not (pooled and entry.proxy.answerer is None):
                document.report(
                    f"two entries answer for `{to}`: this one and the one at"
                    f" {document.where(other)}",
                    entry.at,
                    "keep one of them; only backends form a pool",
                )


def never_taken(config: Config) -> Iterator[str]:
    """A sentence for each route that no request can come to."""
    earlier: dict[str, Covering[Route]] = {}
    reached = [to for proxy in config.proxies if proxy.reached for to in (proxy.to, *proxy.also)]
    for proxy in config.proxies:
        before = earlier.setdefault(proxy.to, Covering())
        for route in proxy.routes:
            outside = _outside(proxy, route)
            if (first := before.first(route.conditions)) is not None:
                yield (
                    f"route `{route.name}` ({route.where}) never gets a request: `{first.name}`"
                    f" ({first.where}) comes before it, and takes all that it is for"
                )
            elif deeper := _taken_by_deeper(proxy, route, reached):
                yield (
                    f"route `{route.name}` ({route.where}) never gets a request: `{deeper}` is a"
                    " `to` of its own, and the longest one has what is below it"
                )
            elif outside:
                yield (
                    f"route `{route.name}` ({route.where}) never gets a request: its proxy has only"
                    f" what begins with {outside}, and paths of routes are written in full"
                )
            before.add(route.conditions, route)


def _outside(proxy: ProxyEntry, route: Route) -> str:
    """The path of the proxy's `to` where no path of the route is below; "" where one may be."""
    paths = [f"/{path}" if path else "" for _, _, path in _parted(proxy)]
    patterns = [read_pattern(text) for text in route.conditions.paths]
    if not patterns or any(begins_with(p, path) for p in patterns for path in paths):
        return ""
    return paths[0]


def _taken_by_deeper(proxy: ProxyEntry, route: Route, reached: Iterable[str]) -> str:
    """The `to` below that of the proxy which has all that the route is for; "" where none has."""
    for to in reached:
        host, _, path = to.partition("/")
        below = len(path) > len(proxy.to.partition("/")[2]) and not proxy.also
        if (
            host == proxy.host
            and below
            and covers(Conditions(paths=(f"/{path}/*",)), route.conditions)
        ):
            return to
    return ""


def _parted(proxy: ProxyEntry) -> Iterator[tuple[str, str, str]]:
    return (to.partition("/") for to in (proxy.to, *proxy.also))
