"""Other numbers of copies than the configuration says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rpx.errors import UsageError
from rpx.model.config import Config
from rpx.policy.naming import like

MOST: Final = 100  # copies, as in rpx.yaml


def scaled(config: Config, scale: Mapping[str, int]) -> Config:
    """Return `config` with so many copies of each service that is named.

    Raises: UsageError where the number of copies is not for rpx to choose.
    """
    for name, count in scale.items():
        _check(config, name, count)
    proxies = tuple(
        proxy.model_copy(update={"replicas": scale[proxy.name]})
        if proxy.name in scale and proxy.replicas
        else proxy
        for proxy in config.proxies
    )
    return config.model_copy(update={"proxies": proxies})


def still_meant(scale: Mapping[str, int], before: Config, after: Config) -> dict[str, int]:
    """Return what is left of `scale` when `after` takes the place of `before`.

    The last word counts: a number that is new in the file is later than what was asked for.
    """
    old, new = _replicas(before), _replicas(after)
    return {name: count for name, count in scale.items() if name in new and old[name] == new[name]}


def _replicas(config: Config) -> dict[str, int]:
    return {proxy.name: proxy.replicas for proxy in config.proxies if proxy.replicas}


def _check(config: Config, name: str, count: int) -> None:
    entries = [proxy for proxy in config.proxies if proxy.name == name]
    scalable = _replicas(config)
    if not entries and name not in {process.name for process in config.processes}:
        known = ", ".join(scalable) or "none"
        raise UsageError(
            f"there is no service `{name}` here",
            hint=f"{like(name, scalable)}rpx can add and remove copies of {known}",
        )
    if not entries:
        raise UsageError(
            f"`{name}` is a process: there is one of it",
            hint="what is to have copies is an entry of `proxies`, with a `start` and `replicas`",
        )
    if name not in scalable:
        raise UsageError(
            f"`{name}` has the addresses of its `from`: rpx can't add any",
            hint="add an address to `from` and `rpx reload`; or leave `from` out and write"
            " `replicas`, then rpx chooses ports",
        )
    if count > 1 and any(entry.start and entry.start.ports for entry in entries):
        raise UsageError(
            f"`{name}` has `ports`, which only one process can have",
            hint="take them out of its `start`, and `rpx reload`",
        )
    if len(entries) > 1:
        raise UsageError(
            f"`{name}` has {len(entries)} entries in rpx.yaml: it isn't clear which is meant",
            hint="change their `replicas`, then `rpx reload`",
        )
    if not 1 <= count <= MOST:
        raise UsageError(
            f"`{name}` can have 1 to {MOST} copies, not {count}",
            hint=f"`rpx stop {name}` stops all of them",
        )
