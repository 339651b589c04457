"""Names and hosts that two sources of one folder give to different things: one of them gives way.

A web server's site that is called like a process of a Procfile is not the same service: it runs
nothing, and stays under another name. A host that somebody has written belongs to where they wrote
it; one that was made up here, `FOLDER.localhost`, gets a label before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rpx.moving.draft import Draft, DraftService, Written
from rpx.moving.service_names import fresh
from rpx.moving.starter import host_label


def keep_apart(drafts: Sequence[Draft]) -> None:
    """Give other names and hosts to what would be taken for something else."""
    taken: set[str] = set()
    for number, draft in enumerate(drafts):
        others = taken | {name for other in drafts[number + 1 :] for name in other.services}
        _rename(draft, taken, others - draft.services.keys())
        taken |= draft.services.keys() | {route["name"] for route in _named_routes(draft)}
    written = {
        host
        for draft in drafts
        if not draft.is_guess
        for service in draft.services.values()
        if runs_nothing(service)
        for host in hosts_of(service)
    }
    for draft in drafts:
        for service in draft.services.values():
            if not runs_nothing(service) and service.is_proxy:
                _yield_hosts(service, written)


def runs_nothing(service: DraftService) -> bool:
    """Whether it is a site alone, whose backends somebody else starts."""
    return service.is_proxy and "start" not in service.settings


def hosts_of(service: DraftService) -> list[str]:
    """The hosts of a proxy."""
    to = service.settings.get("to", [])
    return list(to) if isinstance(to, list) else [to]


def _rename(draft: Draft, sites: set[str], routes: set[str]) -> None:
    """Sites whose names are in `sites`, and routes whose names are in `routes`, get others."""
    renamed: dict[str, str] = {}
    for service in list(draft.services.values()):
        if service.name in sites and runs_nothing(service):
            name = fresh(f"{service.name}-site", sites | draft.services.keys())
            renamed[service.name] = name
            del draft.services[service.name]
            service.name = name
            rest = {word: said for word, said in service.settings.items() if word != "name"}
            service.settings = {"to": rest.pop("to"), "name": name, **rest}
            draft.services[name] = service
    for route in _named_routes(draft):
        if route["name"] in routes | sites:
            name = fresh(f"{route['name']}-route", routes | sites | draft.services.keys())
            renamed[route["name"]] = name
            route["name"] = name
    for route in _routes(draft):
        if "proxy" in route:
            route["proxy"] = renamed.get(route["proxy"], route["proxy"])


def _yield_hosts(service: DraftService, written: set[str]) -> None:
    hosts = hosts_of(service)
    other = [f"{host_label(service.name)}.{host}" if host in written else host for host in hosts]
    if other != hosts:
        service.settings["to"] = other[0] if len(other) == 1 else other


def _routes(draft: Draft) -> Iterator[Written]:
    for service in draft.services.values():
        yield from service.settings.get("routes", ())


def _named_routes(draft: Draft) -> Iterator[Written]:
    return (route for route in _routes(draft) if "name" in route)
