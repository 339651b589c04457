"""The hosts of a project in its realm; all other checks are about hosts as they are written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from rpx.config.checks.conflicts import Entry
from rpx.config.settings.host_names import LONGEST_HOST
from rpx.config.yaml.document import Document
from rpx.model.config import ANY, Config, ProxyEntry
from rpx.model.route import ToPool
from rpx.policy.nearness import address_of, is_nobodys
from rpx.policy.realm import any_in_realm, in_realm

# Nobody can register a name below these either (RFC 6761, RFC 8375), or networks have them to
# themselves.
_NETWORKS: Final = frozenset(
    {"arpa", "corp", "example", "home", "intranet", "invalid", "lan", "localdomain", "private"}
)


def moved(
    document: Document, proxies: Sequence[ProxyEntry], entries: Sequence[Entry], realm: str
) -> list[ProxyEntry]:
    """These proxies, of `entries`, with their hosts in a realm; "" leaves them as they are.

    A host that is too long for a name there is added to the document's problems.
    """
    if not realm:
        return list(proxies)
    taken = {in_realm(host, realm) for proxy in proxies for host in proxy.hosts if host != ANY}
    for entry, proxy in zip(entries, proxies, strict=True):
        for index, to in enumerate((proxy.to, *proxy.also) if proxy.reached else ()):
            host = in_realm(to.partition("/")[0], realm)
            if len(host) > LONGEST_HOST:
                document.report(
                    f"`to` is too long for a host in the realm `{realm}`:"
                    f" {len(host)} characters, and a name of DNS has {LONGEST_HOST}",
                    (*entry.at, "to", index),
                    "shorten it, or the realm: `realm: NAME`",
                )
    there = [_moved(proxy, realm, taken) for proxy in proxies]
    pools = {proxy.to: moved.to for proxy, moved in zip(proxies, there, strict=True)}
    return [_with_pools(proxy, pools) for proxy in there]


def _with_pools(proxy: ProxyEntry, pools: Mapping[str, str]) -> ProxyEntry:
    """The same, whose routes lead to pools by their new `to`."""
    routes = tuple(
        route.model_copy(update={"answerer": _there(route.answerer, pools)})
        if isinstance(route.answerer, ToPool)
        else route
        for route in proxy.routes
    )
    return proxy.model_copy(update={"routes": routes}) if routes else proxy


def _there(to: ToPool, pools: Mapping[str, str]) -> ToPool:
    return ToPool(pool=pools.get(to.pool, to.pool))  # else it is of another profile: an error


def _moved(proxy: ProxyEntry, realm: str, taken: Collection[str]) -> ProxyEntry:
    if not proxy.reached:
        host, rest = proxy.host, proxy.to[len(proxy.host) :]
        there_too = in_realm("localhost" if host == ANY else host, realm)
        return proxy.model_copy(update={"to": there_too + rest})
    there: list[str] = []
    for to in (proxy.to, *proxy.also):
        if to.partition("/")[0] == ANY:
            there += any_in_realm(to, realm, taken)
        else:
            there.append(in_realm(to, realm))
    if not there:  # `*`, where others have all that is left of it
        return proxy.model_copy(update={"reached": False})
    return proxy.model_copy(update={"to": there[0], "also": tuple(there[1:])})


def names_of_others(config: Config) -> Iterator[str]:
    """A sentence for each host that may be a name of somebody else's in the realm."""
    for host in config.hosts if config.realm else ():
        if not (is_nobodys(host) or address_of(host) or host.rpartition(".")[2] in _NETWORKS):
            yield (
                f"{host}, as a host is called in the realm `{config.realm}`, may be somebody else's"
                ' name: `realm: ""` leaves hosts as they are written'
            )
