"""Names and hosts in an rpx.yaml that is to be."""

from __future__ import annotations

import re
from collections.abc import Container

from rpx.moving.draft import Draft
from rpx.moving.starter import host_label

_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


def name_of(text: str, otherwise: str = "service") -> str:
    """A name that rpx.yaml takes: letters, digits, `-` and `_`."""
    return _UNFIT.sub("-", text).strip("-") or otherwise


def fresh(name: str, taken: Container[str]) -> str:
    """That name, with a number behind it where somebody has it."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found


def give_hosts(draft: Draft, project: str) -> None:
    """Write `to` for proxies that have none yet.

    `web`, or the only proxy, is `PROJECT.localhost`; `api` beside it is `api.PROJECT.localhost`:
    all projects of a machine share their names, and `web.localhost` would be the first one's.
    """
    waiting = [service for service in draft.services.values() if service.settings.get("to") == ""]
    all_proxies = [service for service in draft.services.values() if service.is_proxy]
    main = next((each for each in waiting if each.name == "web"), None)
    if main is None and len(all_proxies) == 1 and waiting:
        main = waiting[0]
    for service in waiting:
        host = f"{host_label(project)}.localhost"
        if service is not main:
            host = f"{host_label(service.name)}.{host}"
        service.settings["to"] = host
        if service.name != host.partition(".")[0]:
            service.settings["name"] = service.name
            _second(service.settings, "name")


def _second(settings: dict[str, object], word: str) -> None:
    """Put a word behind the first one."""
    rest = dict(settings)
    first = next(iter(rest))
    settings.clear()
    settings[first] = rest.pop(first)
    settings[word] = rest.pop(word)
    settings.update(rest)
