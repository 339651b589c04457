"""Every list of authorities that rpx knows on this machine, and whether the user's is on one."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from rpx.certificates.authority import Authority
from rpx.certificates.authority_files import home
from rpx.certificates.nss import can_edit, databases
from rpx.certificates.policies import Policies, firefox_is_here
from rpx.certificates.stores import Store, SystemStore, system_store


def stores() -> Iterator[Store]:
    """The system's list, then those of browsers, as far as they can be looked at."""
    system = system_store()
    if system is not None:
        yield system
    if can_edit():
        yield from databases(home())
    if policies := firefox_policies(system):
        yield policies


def firefox_policies(system: Store | None) -> Policies | None:
    """Firefox's policies, where it has to be told by these, or has been."""
    if sys.platform == "darwin" or not isinstance(system, SystemStore):
        return None
    policies = Policies(system)
    needed = firefox_is_here() and not has_profile()
    return policies if needed or policies.entries() else None


def has_profile() -> bool:
    """Whether the user's Firefox has a profile yet: it makes one when it is first started."""
    return any(each.browser == "Firefox" for each in databases(home()))


def is_trusted(authority: Authority) -> bool:
    """Whether anybody trusts it: a tenth of a second, if only browsers do or nobody."""
    return any(store.trusts(authority) for store in stores())
