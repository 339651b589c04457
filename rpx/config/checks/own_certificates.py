"""Certificates that somebody brings along: what is in them, and whether they fit their hosts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rpx.config.checks.conflicts import Entry
from rpx.config.yaml.document import Document, Steps
from rpx.model.config import ANY, ProxyEntry


def report_certificates(
    document: Document, entries: Sequence[Entry], proxies: Iterable[ProxyEntry], realm: str
) -> None:
    """Add what is wrong with them to the document's problems; `proxies` are those of `entries`, in
    a realm, where there is one.
    """
    hosts: dict[Steps, list[ProxyEntry]] = {}
    for entry, proxy in zip(entries, proxies, strict=True):
        https = proxy.pool.https
        if https and https.cert and not https.late:
            hosts.setdefault(_written(document, entry), []).append(proxy)
    if not hosts:
        return
    from rpx.certificates.own import faults  # noqa: PLC0415 - takes long to load

    for at, those in hosts.items():
        https = those[0].pool.https
        if https is None or https.cert is None or https.key is None:
            continue  # for the type checker: see above
        for fault in faults(https.cert, https.key, _named(those)):
            what = f"`{fault.file}` of `https` {fault.what}"
            hint = fault.hint
            if realm and fault.about_names:
                hint += f'; or leave the realm `{realm}` out of the hosts: `realm: ""`'
            document.report(what, (*at, fault.file), hint)


def _named(proxies: Iterable[ProxyEntry]) -> list[str]:
    """Their hosts but for `*`: who takes any has chosen which of them the files are for."""
    return [host for proxy in proxies for host in proxy.hosts if host != ANY]


def _written(document: Document, entry: Entry) -> Steps:
    own = (*entry.at, "https")
    return own if document.is_written((*own, "cert")) else ("https",)
