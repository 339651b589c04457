"""What has been counted, added up for those who look: by host, and by address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from rpx.hub.counts import Counts
from rpx.hub.endpoint import Pool
from rpx.hub.site import OWN, Site, Way
from rpx.model.figures import Figures


def by_host(pools: Mapping[str, Pool], sites: Iterable[Site] = ()) -> dict[str, dict[str, Figures]]:
    """Return host → `host:port` → figures; and of a way without a pool of its own, place → who
    answers → figures.
    """
    found = {host: _figures(pool) for host, pool in pools.items()}
    for way in without_backends(pools, sites):
        found[way.place] = {way.answered_by: way.counts.figures(0)}
    return found


def counts_by_place(
    pools: Mapping[str, Pool], sites: Iterable[Site] = ()
) -> Iterator[tuple[str, str, Counts]]:
    """Give place, who answers, and what was counted, for each pair that `by_host` has figures of
    but rpx itself.
    """
    for place, pool in pools.items():
        for backend in pool.backends:
            yield place, str(backend.spec.address), backend.counts
    for way in without_backends(pools, sites):
        yield way.place, way.answered_by, way.counts


def without_backends(pools: Mapping[str, Pool], sites: Iterable[Site]) -> Iterator[Way]:
    """Give the ways that have no backends of their own: of files, of fixed answers, of routes to
    the backends of another entry.
    """
    for site in sites:
        for way in site.all_ways:
            if way.place not in pools and (way.route is not None or way.pool is None):
                yield way


def by_address(pools: Iterable[Pool]) -> dict[str, Figures]:
    """Return `host:port` → figures, added up where a backend serves several hosts."""
    counts: dict[str, Counts] = {}
    in_flight: Counter[str] = Counter()
    for pool in pools:
        for backend in pool.backends:
            address = str(backend.spec.address)
            counts.setdefault(address, Counts()).add(backend.counts)
            in_flight[address] += backend.in_flight
    return {address: each.figures(in_flight[address]) for address, each in counts.items()}


def _figures(pool: Pool) -> dict[str, Figures]:
    rows = {str(b.spec.address): b.counts.figures(b.in_flight) for b in pool.backends}
    if pool.counts or pool.waiting:
        rows[OWN] = pool.counts.figures(pool.waiting)
    return rows
