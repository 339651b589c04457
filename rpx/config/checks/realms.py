"""The hosts of a project in its realm; all other checks are about hosts as they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rpx.config.checks.conflicts import Entry
from rpx.config.settings.host_names import LONGEST_HOST
from rpx.config.yaml.document import Document
from rpx.model.config import Config, ProxyEntry
from rpx.policy.nearness import address_of, is_nobodys
from rpx.policy.realm import in_realm

# Nobody can register a name below these either (RFC 6761, RFC 8375), or networks have them to
# themselves.
_NETWORKS: Final = frozenset(
    {"arpa", "corp", "example", "home", "intranet", "invalid", "lan", "localdomain", "private"}
)


def moved(
    document: Document, proxies: Iterable[ProxyEntry], entries: Sequence[Entry], realm: str
) -> list[ProxyEntry]:
    """These proxies, of `entries`, with their hosts in a realm; "" leaves them as they are.

    A host that is too long for a name there is added to the document's problems.
    """
    there = [
        proxy.model_copy(update={"to": in_realm(proxy.to, realm)}) if realm else proxy
        for proxy in proxies
    ]
    for entry, proxy in zip(entries, there, strict=True):
        if len(proxy.host) > LONGEST_HOST:
            document.report(
                f"`to` is too long for a host in the realm `{realm}`:"
                f" {len(proxy.host)} characters, and a name of DNS has {LONGEST_HOST}",
                (*entry.at, "to"),
                "shorten it, or the realm: `realm: NAME`",
            )
    return there


def names_of_others(config: Config) -> Iterator[str]:
    """A sentence for each host that may be a name of somebody else's in the realm."""
    hosts = dict.fromkeys(proxy.host for proxy in config.proxies if config.realm)
    for host in hosts:
        if not (is_nobodys(host) or address_of(host) or host.rpartition(".")[2] in _NETWORKS):
            yield (
                f"{host}, as a host is called in the realm `{config.realm}`, may be somebody else's"
                ' name: `realm: ""` leaves hosts as they are written'
            )
