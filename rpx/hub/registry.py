"""The only mutable object that tasks share: every backend, every pool, who is in rotation.

It is made of parts, each a class on top of the one before: what it tells (`hub.news`), who belongs
to the project (`hub.members`), who gets requests (`hub.rotation`), what happens to processes
(`hub.moves`). Here is what observers see of it.

Its methods are sync, therefore atomic under trio, and each leaves it consistent.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Mapping

from rpx.hub.backend import Backend
from rpx.hub.counts import Counts
from rpx.hub.mailbox import Mailbox, ProjectOrder
from rpx.hub.moves import Moves
from rpx.hub.process import shown_command
from rpx.hub.request_ring import RequestRing
from rpx.hub.site import Site
from rpx.hub.tally import by_address, by_host
from rpx.model.config import PoolSpec
from rpx.model.figures import Figures
from rpx.model.ports import Ports
from rpx.model.specs import BackendSpec
from rpx.model.status import Snapshot
from rpx.policy.plan import internal_url_of, page_at, url_of
from rpx.policy.sites import SiteSpec, fixed_part

Clock = Callable[[], float]


class Registry(Moves):
    """All backends by label, all pools by what stands in `to`; the buses for their news."""

    def __init__(
        self,
        specs: Iterable[BackendSpec],
        pools: Mapping[str, PoolSpec],
        sites: Mapping[str, SiteSpec] | None = None,
        *,
        clock: Clock,
        steady: Clock | None = None,
        ports: Ports,
        chance: Callable[[], float] = random.random,
        key: bytes = b"",
    ) -> None:
        """`pools` are by `to`, and `sites` what hosts lead to (None: each pool is one); `clock`
        gives seconds since the epoch; `steady` goes on evenly, also while that is set (None: it is
        the same); `ports` are where rpx listens; `chance` gives numbers from 0 up to 1; `key` is
        that of sticky cookies.
        """
        super().__init__(clock, steady or clock, chance, key)
        self.requests = RequestRing(clock, os.urandom(16))
        self.ports = ports  # replaced when rpx begins to listen for TLS, or without
        for spec in specs:
            self.add(spec)
        there = [each.endpoint for each in self.backends.values() if each.endpoint is not None]
        hosts = {to: [each for each in there if each.spec.host == to] for to in pools}
        self.arrange(pools, hosts, sites=sites)
        self.unrouted = Counts()  # of requests that belong to no host of ours
        self.mailbox = Mailbox[ProjectOrder].new()  # what is asked of the project as a whole

    # ---- what a observer sees

    def snapshot(self) -> list[Snapshot]:
        """Return a row for each backend, in listed order."""
        return [self._row(backend) for backend in self.backends.values()]

    def goodbyes(self) -> list[Snapshot]:
        """Return a row for each backend that is leaving."""
        return [self._row(backend) for backend in self.leaving]

    def _row(self, backend: Backend) -> Snapshot:
        spec, process = backend.spec, backend.process
        weight = spec.endpoint.weight if spec.endpoint is not None else 1
        return Snapshot(
            name=spec.name,
            label=spec.label,
            replica=spec.replica,
            backend=str(spec.address) if spec.address else None,
            port=backend.port,
            external=process is None,
            served_by="" if backend.own is not None else spec.server,
            state=backend.visible_state,
            pid=process.pid if process else None,
            restarts=process.restarts if process else 0,
            since=self.since(backend),
            in_rotation=backend.in_rotation and weight > 0,
            weight=weight,
            in_flight=backend.in_flight,
            last_error=backend.last_error,
            url=self.url(spec.host) if spec.host else None,
            command=shown_command(process.spec.start) if process else None,
            internal_url=internal_url_of(spec.name, spec.host, self.ports) if spec.host else None,
            waiting_for=backend.obstacles,
            ports=spec.ports,
            place=spec.host or None,
            other_urls=self.other_urls(spec.host),
        )

    def other_urls(self, to: str) -> tuple[str, ...]:
        """Return the URLs of the other hosts of what `to` leads to."""
        site = self.sites.get(to)
        return tuple(map(self.url, site.spec.reached[1:])) if site is not None else ()

    def url(self, place: str) -> str:
        """Return the URL under which clients reach a host, a path of one, or a route's place."""
        there = self.sites.get(place) or self.pools.get(place) or self._site_at(place)
        tls = there is not None and there.https is not None  # None: a backend is still leaving
        return url_of(place, self.ports.of(tls=tls), tls=tls)

    def page(self, place: str) -> str:
        """Return that URL as a browser can open it: of any host (`*`) it is localhost's."""
        return page_at(self.url(place))

    def _site_at(self, place: str) -> Site | None:
        host = fixed_part(place).partition("/")[0]
        return next((site for site in self.sites.values() if host in site.hosts), None)

    def internal_urls(self) -> dict[str, str]:
        """Return host → URL by which programs of this machine reach it: none of a host without."""
        specs = [backend.spec for backend in self.backends.values() if backend.spec.host]
        found = {each.host: internal_url_of(each.name, each.host, self.ports) for each in specs}
        return {host: url for host, url in found.items() if url is not None}

    def stats(self) -> dict[str, dict[str, Figures]]:
        """Return host → `host:port` → figures; also route → who answers → figures, where that isn't
        a pool of its own.

        `rpx` has those of what rpx has answered itself or still holds, where there is such.
        """
        return by_host(self.pools, self.sites.values())

    def stats_by_address(self) -> dict[str, Figures]:
        """Return `host:port` → figures, added up where a backend serves several hosts."""
        return by_address(self.pools.values())
