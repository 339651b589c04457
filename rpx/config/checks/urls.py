"""Variables that tell where proxies answer, where two proxies would have the same one."""

from __future__ import annotations

from collections.abc import Iterator

from rpx.model.config import Config
from rpx.model.late import public_url_variable, url_variable


def one_variable_for_two(config: Config) -> Iterator[str]:
    """A sentence for each such variable: which proxy's URL it is, and whose it is not."""
    names = dict.fromkeys(proxy.name for proxy in config.proxies if "*" not in proxy.to)
    has: dict[str, str] = {}
    for name in names:
        first = has.setdefault(url_variable(name), name)
        if first != name:
            yield _sentence(url_variable(name), first, f"not that of `{name}`")
    for name in names:
        variable = public_url_variable(name)
        if variable in has:
            yield _sentence(variable, has[variable], f"not the public one of `{name}`")


def _sentence(variable: str, whose: str, not_whose: str) -> str:
    return f"`{variable}` is the URL of `{whose}`, {not_whose}; give one of them another `name`"
