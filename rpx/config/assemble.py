"""A Document to a frozen Config: each setting is judged by itself, then all of them together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from rpx.config.build import Builder, report_own_of_each
from rpx.config.build_routes import (
    RoutesBuilder,
    answerers_of,
    names_of_routes,
    places_of_routes,
    treatments_of,
)
from rpx.config.checks.between_routes import report_routes
from rpx.config.checks.commands_of_checks import report_commands_of_checks
from rpx.config.checks.conflicts import Entry, agreed, report_conflicts
from rpx.config.checks.dependencies import report_dependencies, services
from rpx.config.checks.oneshots import after_oneshots, oneshots
from rpx.config.checks.own_certificates import report_certificates
from rpx.config.checks.port_conflicts import report_port_conflicts
from rpx.config.checks.profiles import Selection, active_profiles, is_active, report_nothing_left
from rpx.config.checks.realms import moved
from rpx.config.mistakes.explain import check, check_parts
from rpx.config.settings.pool_settings import DefaultsWritten
from rpx.config.settings.proxy import ProxyWritten
from rpx.config.settings.route_entry import default_route_name
from rpx.config.settings.start_settings import ProcessField, ProcessWritten
from rpx.config.settings.top_level import ProjectWritten, TopWritten, only_proxy
from rpx.config.variables.env_files import EnvFiles
from rpx.config.yaml.document import Document, Steps
from rpx.model.config import Config, ProcessEntry, ProxyEntry

T = TypeVar("T")

_PROXY = TypeAdapter(ProxyWritten)
_PROCESS: TypeAdapter[ProcessWritten] = TypeAdapter(ProcessField)


@dataclass(frozen=True, slots=True)
class _Whole:
    """All that runs or is routed to, as far as it could be read, with where it is written."""

    entries: tuple[Entry, ...]
    processes: tuple[tuple[Steps, ProcessEntry], ...]

    @property
    def services(self) -> list[ProxyEntry | ProcessEntry]:
        """The proxies and processes themselves."""
        return [
            *(entry.proxy for entry in self.entries),
            *(process for _, process in self.processes),
        ]

    def asked_for(self, asked: Selection, environ: Mapping[str, str]) -> _Whole:
        """What belongs to a run. Raises: UsageError for a profile that nothing belongs to."""
        profiles = active_profiles(asked, self.services, environ)
        return _Whole(
            tuple(each for each in self.entries if is_active(each.proxy, profiles)),
            tuple(each for each in self.processes if is_active(each[1], profiles)),
        )


def config_of(document: Document, files: EnvFiles, asked: Selection, realm: str) -> Config:
    """The Config that is written in a document, as far as it is `asked` for, in a `realm`.

    Raises: ConfigError with all that is wrong, UsageError for a profile that does not exist.
    """
    named: list[Path] = []
    context: dict[str, Any] = {"root": files.root, "named": named}
    top, faulty = check_parts(TopWritten, document, context)
    whole = _services(document, files, top, context)
    run = whole.asked_for(asked, files.environ)
    left_out = {each.name for each in whole.services} - {each.name for each in run.services}
    report_conflicts(document, run.entries, [p.name for _, p in run.processes], _own_ports(top))
    report_port_conflicts(document, run.entries, run.processes, _own_ports(top))
    names = _names(document, whole.entries)
    report_dependencies(document, services(run.entries, run.processes), names, left_out)
    read = {entry.at for entry in whole.entries}
    report_routes(
        document,
        whole.entries,
        run.entries,
        [name for name, _, _ in _processes(document)],
        unread={
            at: _name(value)
            for at, value in _proxies(document)
            if isinstance(value, dict) and at not in read
        },
    )
    proxies = [entry.proxy for entry in run.entries]
    if "defaults" not in faulty and not document.incomplete:  # else there is no word about
        # differences: what entries have is not known
        proxies = moved(document, agreed(document, run.entries), run.entries, realm)
        report_certificates(document, run.entries, proxies, realm)
        report_commands_of_checks(document, run.entries, proxies, run.processes)
    document.raise_if_wrong()
    if not run.services:
        _report_nothing(document, whole)
    document.raise_if_wrong()
    settings = {"name": _folder_name(files.root)} | top.written_for(Config)
    settings |= {
        "realm": realm,
        "root": files.root,
        "env_files": tuple(dict.fromkeys(files.looked_at)),
        "named": tuple(dict.fromkeys(named)),
        "proxies": tuple(proxies),
        "processes": tuple(process for _, process in run.processes),
    }
    return Config(**settings)


def _services(
    document: Document, files: EnvFiles, top: ProjectWritten, context: dict[str, Any]
) -> _Whole:
    """Every proxy and process that is right in itself."""
    outer = {**files.dotenv, **files.read(top.env_file, ())}
    report_own_of_each(document, top.env or {})
    proxies, processes = _proxies(document), _processes(document)
    first = oneshots(document)
    late = after_oneshots(
        [
            *((at, _name(value), value) for at, value in proxies),
            *((at, name, value) for at, name, value in _routes(proxies)),
            *((at, name, value) for name, at, value in processes),
        ],
        first,
    )

    def checked(kind: TypeAdapter[T], value: object, at: Steps) -> T | None:
        after = any(each[: len(at)] == at for each in late)  # of a proxy, also one of its routes
        return check(kind, value, at, document, {**context, "late": after})

    written = [(at, found) for at, value in proxies if (found := checked(_PROXY, value, at))]
    builder = Builder(
        document,
        files,
        outer,
        top.env or {},
        defaults=top.defaults or DefaultsWritten(),
        https=top.https,
        oneshots=first,
        shared=_shared_hosts(found.to[0] for _, found in written),
        late=late,
    )
    named = [(at, found, builder.name_of(found)) for at, found in written]
    names = names_of_routes(named, [name for name, _, _ in processes])
    places = places_of_routes(named)
    routing = RoutesBuilder(
        builder,
        names,
        places,
        answerers_of(named, names, places),
        treatments_of(named, builder.defaults),
    )
    return _Whole(
        tuple(entry for at, found in written for entry in routing.entries(found, at)),
        tuple(
            (at, builder.process(name, process, at))
            for name, at, value in processes
            if (process := checked(_PROCESS, value, at))
        ),
    )


def _shared_hosts(routes: Iterable[str]) -> frozenset[str]:
    """The hosts whose paths go to several pools."""
    hosts = Counter(to.partition("/")[0] for to in set(routes))
    return frozenset(host for host, routes in hosts.items() if routes > 1)


def _own_ports(top: ProjectWritten) -> dict[Steps, int | None]:
    """The ports on which rpx itself is to listen, by where they are written."""
    return {
        ("listen", "http_port"): top.listen.http_port if top.listen else None,
        ("listen", "https_port"): top.listen.https_port if top.listen else None,
        ("metrics", "port"): top.metrics.port if top.metrics else None,
    }


def _report_nothing(document: Document, whole: _Whole) -> None:
    """Say why there is nothing to do."""
    if whole.services:
        report_nothing_left(document, whole.services)
        return
    document.report(
        f"{document.label} has no `proxies` and no `processes`: there is nothing to do",
        (),
        "add a proxy, for example `proxies: [{from: localhost:3000, to: api.localhost}]`",
    )


def _proxies(document: Document) -> list[tuple[Steps, object]]:
    """Each proxy as written, and where: in the list, or the only one at top level."""
    values = document.values
    alone = only_proxy(values)
    if alone and "proxies" in values:
        names = ", ".join(f"`{key}`" for key in alone)
        document.report(
            f"`proxies` stands beside the settings of a single proxy: {names}",
            ("proxies",),
            "move them into an entry of `proxies`; what holds for all belongs in `defaults`",
            key=True,
        )
    elif alone:
        return [((), alone)]
    entries = values.get("proxies")
    if not isinstance(entries, list):
        return []
    return [(("proxies", index), entry) for index, entry in enumerate(entries)]


def _processes(document: Document) -> list[tuple[str, Steps, object]]:
    processes = document.values.get("processes")
    if not isinstance(processes, dict):
        return []
    return [(name, ("processes", name), value) for name, value in processes.items()]


def _routes(proxies: Iterable[tuple[Steps, object]]) -> Iterator[tuple[Steps, str, object]]:
    """Each route as written: where, what it is probably called, and what it says."""
    for at, value in proxies:
        routes = value.get("routes") if isinstance(value, dict) else None
        for index, route in enumerate(routes if isinstance(routes, list) else []):
            if isinstance(route, dict):
                name = route.get("name") or default_route_name(_name(value), route, index + 1)
                yield (*at, "routes", index), str(name), route


def _names(document: Document, entries: Iterable[Entry]) -> list[str]:
    """What others may depend on, also where something is wrong with it."""
    names = {entry.at: entry.proxy.name for entry in entries}
    for at, value in _proxies(document):
        if isinstance(value, dict):
            names.setdefault(at, _name(value))
    for at, name, value in _routes(_proxies(document)):
        if isinstance(value, dict) and value.keys() & {"from", "start"}:
            names.setdefault(at, name)
    return [*(name for name, _, _ in _processes(document)), *names.values()]


def _name(value: object) -> str:
    """What a proxy is probably called; that its name may be longer is known only later."""
    given = value if isinstance(value, dict) else {}
    to = given.get("to")
    first = to[0] if isinstance(to, list) and to else to
    return str(given.get("name") or str(first).lower().split(".")[0])


def _folder_name(root: Path) -> str:
    """The folder's name as far as it can be a name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", root.name).strip("-_")[:63].strip("-_") or "project"
