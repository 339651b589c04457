"""Every list of authorities that rpx knows on this machine, and whether the user's is on one."""

from __future__ import annotations

from collections.abc import Iterator

from rpx.certificates.authority import Authority
from rpx.certificates.files import home
from rpx.certificates.nss import can_edit, databases
from rpx.certificates.stores import Store, system_store


def stores() -> Iterator[Store]:
    """The system's list, then those of browsers, as far as they can be looked at."""
    system = system_store()
    if system is not None:
        yield system
    if can_edit():
        yield from databases(home())


def is_trusted(authority: Authority) -> bool:
    """Whether anybody trusts it: a tenth of a second, if only browsers do or nobody."""
    return any(store.trusts(authority) for store in stores())
