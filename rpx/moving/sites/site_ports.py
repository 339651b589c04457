"""The ports that sites listen at: rpx has one for each of http and https."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rpx.moving.draft import Draft, Written
from rpx.moving.remarks import Origin


@dataclass(frozen=True, slots=True)
class SitePorts:
    """The ports of a site, without TLS and with it, and where it stands."""

    plain: list[int]
    tls: list[int]
    origin: Origin


def ports_on_top(draft: Draft, sites: Sequence[SitePorts]) -> tuple[int | None, int | None]:
    """Write `listen` where a port isn't the usual one. Return the two that are kept."""
    plain = _main([port for each in sites for port in each.plain], 80)
    tls = _main([port for each in sites for port in each.tls], 443)
    listen: Written = {}
    if plain not in {None, 80}:
        listen["http_port"] = plain
    if tls not in {None, 443}:
        listen["https_port"] = tls
    if listen:
        draft.top["listen"] = listen
        first = next(each for each in sites if {*listen.values()} & {*each.plain, *each.tls})
        why = f"is {', '.join(f'`{word}: {port}`' for word, port in listen.items())}"
        draft.carried("", "listen", why, first.origin)
    return plain, tls


def _main(ports: list[int], usual: int) -> int | None:
    """The usual port, else that of most sites."""
    if usual in ports or not ports:
        return usual if ports else None
    return max(sorted(set(ports)), key=ports.count)
