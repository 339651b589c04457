"""Redirects to a path that is redirected by the same again: browsers give up after some twenty."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rpx.model.config import Config
from rpx.model.route import Conditions, Redirect, Route
from rpx.policy.path_patterns import read_pattern

_PART = re.compile(r"\$(?:\$|\w+|\{\w+\})")


def endless_redirects(config: Config) -> Iterator[str]:
    """A sentence for each that certainly is one."""
    for proxy in config.proxies:
        for route in proxy.routes:
            if (
                isinstance(route.answerer, Redirect)
                and _taker(proxy.routes, route.answerer) is route
            ):
                yield _sentence(f"route `{route.name}` ({route.where})", route.answerer)
        if isinstance(proxy.answerer, Redirect) and _taker(proxy.routes, proxy.answerer) is None:
            yield _sentence(f"proxy `{proxy.name}`", proxy.answerer)


def _taker(routes: Sequence[Route], redirect: Redirect) -> Route | str | None:
    """The route that takes the path where clients are sent, None: it is what none takes.

    A text where that isn't certain: the place is elsewhere, or a route asks for more than a path.
    """
    if not redirect.to.startswith("/"):
        return "elsewhere"
    path = _PART.sub("x", re.split("[?#]", redirect.to, maxsplit=1)[0]).encode()
    for route in routes:
        asked = route.conditions
        if asked.paths and not any(read_pattern(text).matches(path) for text in asked.paths):
            continue
        return route if asked == Conditions(paths=asked.paths) else "perhaps"
    return None


def _sentence(who: str, redirect: Redirect) -> str:
    return f"{who} redirects to {redirect.to}, which it redirects again, and so on for ever"
