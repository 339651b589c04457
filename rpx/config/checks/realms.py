"""The hosts of a project in its realm; all other checks are about hosts as they are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rpx.config.checks.conflicts import Entry
from rpx.config.settings.host_names import LONGEST_HOST
from rpx.config.yaml.document import Document
from rpx.model.config import ProxyEntry
from rpx.policy.realm import in_realm


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
