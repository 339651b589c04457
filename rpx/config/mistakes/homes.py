"""Where else a setting may stand: the schema walked from a place, up and down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rpx.config.settings.places import MODELS, model_at, settings_of
from rpx.config.settings.pool_settings import DefaultsWritten
from rpx.config.settings.proxy import ProxyWritten
from rpx.config.settings.source import SourceWritten
from rpx.config.settings.start_settings import ProcessWritten
from rpx.config.settings.top_level import ONE_PROXY, TopWritten
from rpx.config.settings.written import Written
from rpx.config.yaml.document import Steps

_DEEPEST = 3  # levels below a place
_TOP = "the top level of the file"
_MOST = 3  # homes that are worth naming
_LISTS = {"proxies", "processes", "defaults", "from", "routes"}  # or what stands for all

Model = type[Written]


class _Home(NamedTuple):
    up: int  # levels from the place up
    path: tuple[str, ...]  # and from there down
    model: Model


def homes(steps: Steps, setting: str, values: Mapping[str, object]) -> str:
    """Where `setting` belongs that stands in the mapping at `steps` by mistake, as the end of a
    sentence: "in `start`", "in a proxy or a process"; `` where it belongs nowhere near.

    `values` is the whole document: whether it is about one proxy or has a list of them.
    """
    alone = "proxies" not in values and bool(values.keys() & set(ONE_PROXY))
    chain = _chain(steps)
    found = [
        _Home(up, path, model)
        for up, ancestor in enumerate(reversed(chain))
        for path, model in _below(ancestor, alone=alone, deep=0)
        if (up or path) and setting in _settings(model, alone=alone)
    ]
    if len(chain) > 1:
        found = _near(found, len(chain) - 1)
    elif alone and "processes" not in values:
        found = [home for home in found if home.path[:1] != ("processes",)]
    found.sort(key=_rarity)
    *names, last = list(dict.fromkeys(_named(home, setting) for home in found))[:_MOST] or [""]
    if not names:
        return f"at {_TOP}" if last == _TOP else last and f"in {last}"
    return f"in {', '.join(names)} or {last}"


def _rarity(home: _Home) -> bool:
    """What is rather not meant comes last."""
    return home.path[:1] in {("processes",), ("defaults",)} or home.path[-1:] == ("env_file",)


def _near(found: list[_Home], levels: int) -> list[_Home]:
    """What is near is meant; the top of a file, so many levels up, is near to all of it."""
    at_top = [home for home in found if home.up == levels and home.path]
    if len({home.model for home in at_top} - {DefaultsWritten}) > 1:
        found = [home for home in found if home not in at_top]
    found = [home for home in found if home.path[:1] != ("defaults",)]
    least = min((home.up + len(home.path) for home in found), default=0)
    near = [home for home in found if home.up + len(home.path) == least]
    return near or [home for home in at_top if home.path[:1] != ("defaults",)]


def _settings(model: Model, *, alone: bool) -> tuple[str, ...]:
    """The settings that make sense there: beside `proxies` those of a single proxy don't."""
    known = settings_of(model)
    if model is TopWritten and not alone:
        return tuple(name for name in known if name not in ONE_PROXY)
    return known


def _chain(steps: Steps) -> list[Model]:
    """The models from the top to the mapping at `steps`."""
    chain: list[Model] = []
    for end in range(len(steps) + 1):
        model = model_at(steps[:end])
        if model is not None and model not in chain[-1:]:  # an entry of a list has the list's
            chain.append(model)
    return chain


def _below(model: Model, *, alone: bool, deep: int) -> Iterator[tuple[tuple[str, ...], Model]]:
    """The model itself and those of the mappings below it, with the way there."""
    yield (), model
    if deep == _DEEPEST:
        return
    for name in _settings(model, alone=alone):
        child = _child(name, alone=alone)
        # What `defaults` has stands in the proxies, too, and is rather meant to.
        if child is not None and (model is not DefaultsWritten or deep == 0):
            for path, below in _below(child, alone=alone, deep=deep + 1):
                yield (name, *path), below


def _child(name: str, *, alone: bool) -> Model | None:
    match name:
        case "proxies":
            return None if alone else ProxyWritten
        case "processes":
            return ProcessWritten
        case _:
            return MODELS.get(name)


def _named(home: _Home, setting: str) -> str:
    if not home.path:
        if home.model is TopWritten:
            return _TOP
        if home.model is ProxyWritten:
            return "the proxy" if setting == "to" else "the proxy, beside `to`"
        if home.model is SourceWritten:
            return "the entry of `from`"
        names = [name for name, model in MODELS.items() if model is home.model]
        return f"`{names[0]}`" if names else "the process"
    *before, last = home.path
    text = {
        "proxies": "a proxy",
        "processes": "a process",
        "from": "an entry of `from`",
        "routes": "a route",
    }.get(last, f"`{last}`")
    above = [name for name in before if name not in _LISTS]
    return f"{text} of `{above[-1]}`" if above else text
