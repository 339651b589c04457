"""What a file names, for who is typing one of the names: at once, and without a word about what is
wrong with it. `load.py` is for everybody else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import yaml

_LARGEST = 256 * 1024
_PORT = re.compile(r"(?:[^,\s]*:)?([0-9]{1,5})")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Glance:
    """Names in the order of the file. `labels` are those of single backends as far as their ports
    are written, `started` what rpx runs, `scaled` what has copies, `proxies` have their hosts.
    """

    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    started: tuple[str, ...] = ()
    scaled: tuple[str, ...] = ()
    proxies: tuple[tuple[str, str], ...] = ()
    hosts: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


def glance(path: Path) -> Glance:
    """The names in a file; those that are to be filled in with variables are left out."""
    try:
        with path.open("rb") as file:
            values = yaml.load(file.read(_LARGEST), _Loader)  # noqa: S506 - one of the safe ones
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return Glance()
    return _names(values) if isinstance(values, dict) else Glance()


def _names(top: dict[Any, Any]) -> Glance:
    listed = top.get("proxies")
    alone = {key: each for key, each in top.items() if key != "name"} if "to" in top else None
    entries = [each for each in (listed if isinstance(listed, list) else [alone]) if _is(each)]
    shared = Counter(_hosts(each)[0].partition("/")[0] for each in entries if _hosts(each))
    named = [(_name(each, shared), each) for each in entries if _hosts(each)]
    routes = [
        (f"{name}-{_words(_first(route.get('path')))}".rstrip("-"), route)
        if "name" not in route
        else (str(route["name"]), route)
        for name, each in named
        for route in _list(each.get("routes"))
        if _is(route)
    ]
    written = top.get("processes")
    processes = _processes(written) if _is(written) else []
    pools = [*named, *((name, each) for name, each in routes if {"from", "start"} & each.keys())]
    every = [*pools, *processes]
    starting = [name for name, each in pools if "start" in each or _starts(each)]
    return Glance(
        names=_told(name for name, _ in [*named, *routes, *processes]),
        labels=_told([*_labels(pools), *(name for name, _ in processes)]),
        started=_told([*starting, *(name for name, _ in processes)]),
        scaled=_told(name for name, each in pools if "start" in each and "from" not in each),
        proxies=tuple((name, _hosts(each)[0]) for name, each in named),
        hosts=_told(host.partition("/")[0] for _, each in named for host in _hosts(each)),
        profiles=_told(
            str(profile)
            for _, each in every
            if _is(each)
            for profile in _list(each.get("profiles"))
        ),
    )


def _processes(written: dict[Any, Any]) -> list[tuple[str, Any]]:
    """Their names and what they say; a name such as `on` is no text to this reader of YAML."""
    return [(str(n), each) for n, each in written.items() if type(n) in {str, int}]


def _is(value: object) -> TypeGuard[dict[Any, Any]]:
    return isinstance(value, dict)


def _list(value: object) -> list[Any]:
    """One of something that may be a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _first(value: object) -> str:
    return str(next(iter(_list(value)), ""))


def _told(names: Iterable[str]) -> tuple[str, ...]:
    """Each once, and none that says only when it is filled in what it is."""
    return tuple(dict.fromkeys(name for name in names if name and "$" not in name))


def _hosts(entry: dict[Any, Any]) -> list[str]:
    return [str(each).lower() for each in _list(entry.get("to"))]


def _name(entry: dict[Any, Any], shared: Counter[str]) -> str:
    """As rpx calls a proxy that says nothing of it, but for letters that are not ASCII."""
    if "name" in entry:
        return str(entry["name"])
    host, _, path = _hosts(entry)[0].partition("/")
    label = "any" if host == "*" else host.removeprefix("*.").split(".")[0]
    return _words(f"{label}/{path}" if shared[host] > 1 else label)


def _words(text: str) -> str:
    return "-".join(re.findall(r"[A-Za-z0-9_]+", text))


def _starts(entry: dict[Any, Any]) -> bool:
    return any(_is(each) and "start" in each for each in _list(entry.get("from")))


def _labels(pools: Iterable[tuple[str, dict[Any, Any]]]) -> Iterator[str]:
    for name, entry in pools:
        texts = (
            str(part.get("address", "") if _is(part) else part)
            for each in _list(entry.get("from"))
            for part in (each.split(",") if isinstance(each, str) else (each,))
        )
        ports = [found[1] for text in texts if (found := _PORT.fullmatch(text.strip()))]
        yield from (f"{name}:{port}" for port in ports)
        if not ports:
            yield name
