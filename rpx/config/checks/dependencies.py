"""`depends_on`: names that exist, conditions that can come true, and no circles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rpx.config.checks.conflicts import Entry
from rpx.config.mistakes.explain import owner
from rpx.config.yaml.document import Document, Steps
from rpx.model.config import Dependency, ProcessEntry, Restart
from rpx.model.route import StaticFiles
from rpx.model.suggest import nearest

FEW = 10  # services of a circle that are named


@dataclass(frozen=True, slots=True)
class ServiceNode:
    """A proxy or process, where it is written, and its restart policy (None: never completes)."""

    name: str
    at: Steps
    depends_on: tuple[Dependency, ...]
    ours: bool
    restart: Restart | None = None
    autostart: bool = True


def services(
    entries: Iterable[Entry], processes: Iterable[tuple[Steps, ProcessEntry]]
) -> list[ServiceNode]:
    """Everything that may depend on something, and that something may depend on."""
    return [
        ServiceNode(
            name=entry.proxy.name,
            at=entry.at,
            depends_on=entry.proxy.depends_on,
            ours=any((entry.proxy.start, *(source.start for source in entry.proxy.sources)))
            or isinstance(entry.proxy.answerer, StaticFiles),  # which a oneshot may make
            autostart=entry.proxy.autostart,
        )
        for entry in entries
    ] + [
        ServiceNode(process.name, at, process.depends_on, ours=True, restart=process.start.restart)
        for at, process in processes
    ]


def report_dependencies(
    document: Document,
    services: Sequence[ServiceNode],
    names: Sequence[str],
    left_out: Collection[str],
) -> None:
    """Add all that is wrong with dependencies.

    `names`: also of those that are wrong elsewhere. `left_out`: of those whose profiles aren't
    active. As in Compose, nobody brings them along by depending on them.
    """
    here = {service.name for service in services}
    for service in services:
        idle = {"depends_on": bool(service.depends_on), "autostart": not service.autostart}
        for setting in [name for name, there in idle.items() if there and not service.ours]:
            document.report(
                f"`{setting}` of {owner(service.at, document)} changes nothing:"
                " rpx starts none of its backends",
                (*service.at, setting),
                "give it a `start`, or remove the line",
            )
        for dependency in service.depends_on:
            out = dependency.name in left_out and dependency.name not in here
            if out and dependency.required:
                document.report(
                    f"{owner(service.at, document)} depends on `{dependency.name}`,"
                    " whose profiles are not active",
                    _place(document, service, dependency.name),
                    "start it with `--profile`, or give both the same profiles",
                    key=True,
                )
            _check(document, service, dependency, services, names)
    _report_circles(document, services)


def _check(
    document: Document,
    service: ServiceNode,
    dependency: Dependency,
    services: Sequence[ServiceNode],
    names: Sequence[str],
) -> None:
    at, name = _place(document, service, dependency.name), dependency.name
    if name not in names:
        near = nearest(name, names)
        if not dependency.required and (not near or near == service.name):
            return  # a part of another file, perhaps
        others = ", ".join(f"`{other}`" for other in dict.fromkeys(names) if other != service.name)
        hint = f"it may name {others}" if others else "there is nothing else in this file"
        document.report(
            f"{owner(service.at, document)} depends on `{name}`, which is no proxy and no process",
            at,
            f"did you mean `{near}`?" if near and near != service.name else hint,
            key=True,
        )
    elif dependency.condition == "completed":
        for other in services:
            if other.name == name and (other.restart is None or other.restart.policy == "always"):
                document.report(
                    f"{owner(service.at, document)} waits until `{name}` has completed,"
                    f" and it never will: {_why_never(other)}",
                    at,
                    "use the condition `healthy` or `started`",
                    key=True,
                )
                return


def _why_never(other: ServiceNode) -> str:
    return "it is a proxy" if other.restart is None else "it is always restarted"


def _place(document: Document, service: ServiceNode, name: str) -> Steps:
    """Where the dependency is written: as a key, or in a list."""
    at = (*service.at, "depends_on")
    index = [dependency.name for dependency in service.depends_on].index(name)
    return next(((*at, step) for step in (name, index) if document.is_written((*at, step))), at)


def _report_circles(document: Document, services: Sequence[ServiceNode]) -> None:
    needs: dict[str, dict[str, ServiceNode]] = {}
    for service in services:
        edges = needs.setdefault(service.name, {})
        for dependency in service.depends_on:
            edges.setdefault(dependency.name, service)
    seen: set[frozenset[str]] = set()
    for circle in _circles(needs):
        if frozenset(circle) not in seen:
            seen.add(frozenset(circle))
            service = needs[circle[0]][circle[1 % len(circle)]]
            few = circle if len(circle) <= FEW else [*circle[:FEW], "…", circle[-1]]
            chain = " → ".join([*few, circle[0]])
            document.report(
                f"{owner(service.at, document)} waits for itself: {chain}",
                _place(document, service, circle[1 % len(circle)]),
                "remove one of these dependencies",
                key=True,
            )


def _circles(needs: Mapping[str, Mapping[str, ServiceNode]]) -> Iterator[list[str]]:
    """Each circle that a walk along the dependencies runs into, once for where it is entered."""
    done: set[str] = set()
    for first in needs:
        path: dict[str, Iterator[str]] = {}  # not a call for each: generated files go deep
        at: str | None = first
        while at is not None or path:
            if at is None:
                pass
            elif at in path:
                names = list(path)
                yield names[names.index(at) :]
            elif at not in done and at in needs:
                path[at] = iter(needs[at])
            last = next(reversed(path), None)
            at = next(path[last], None) if last is not None else None
            if at is None and last is not None:
                done.add(last)
                del path[last]
