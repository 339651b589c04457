"""Proxies and routes that let every page of the web act for whoever is logged in.

It is what some back ends are developed with, and more than most people mean.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpx.model.config import Config
from rpx.model.route import Cors


def open_to_all(config: Config) -> Iterator[str]:
    """A sentence for each `cors` that has `credentials` and the origin `*`."""
    for proxy in config.proxies:
        routes = (route for route in proxy.routes if route.treatment.cors != proxy.treatment.cors)
        places = [(f"proxy `{proxy.name}`", proxy.treatment.cors)]
        places += [(f"route `{route.name}`", route.treatment.cors) for route in routes]
        for place, cors in places:
            if _is_open(cors):
                yield (
                    f"`cors` of {place} lets every page of the web act for whoever is logged in:"
                    " `credentials` with the origin `*`; without `origins` they are the project's"
                    " hosts and localhost"
                )


def _is_open(cors: Cors | None) -> bool:
    return cors is not None and cors.credentials and "*" in (cors.origins or ())
