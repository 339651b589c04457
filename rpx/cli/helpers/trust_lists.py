"""The lists of authorities that `rpx trust` and `rpx untrust` change: what is left to be said."""

from __future__ import annotations

from typing import Final

from rpx.certificates.authority_files import home
from rpx.certificates.nss import PACKAGES, can_edit, databases
from rpx.certificates.policies import firefox_is_here
from rpx.certificates.stores import system_store, unmanaged
from rpx.certificates.trusted import firefox_policies, has_profile
from rpx.certificates.windows import COMMAND, WINDOWS, under_windows
from rpx.cli.helpers.steps import Steps
from rpx.cli.terminal.output import say
from rpx.errors import RpxError

NOWHERE: Final = "this system's list of authorities is in no place that rpx knows"


def unseen_lists() -> list[str]:
    """The lists of browsers that can't be looked at."""
    there = [each for each in databases(home()) if each.exists]
    return [each.name for each in there if not (can_edit() and each.is_readable())]


def complete(steps: Steps, *, again: str, adding: bool = True) -> None:
    """Say what was left out. Raises: RpxError where that is a failure."""
    unseen = unseen_lists()
    if unseen:
        why = "can't read it" if can_edit() else "is missing"
        say(f"warning: {', '.join(unseen)}: left as it is, since `certutil` {why}")
    elif adding and not can_edit():
        say("browsers: without `certutil` no list can be made for Chromium, Chrome and the like")
    if (unseen or adding) and not can_edit():
        say(f"  install it: {PACKAGES}")
    if adding:
        _say_of_firefox()
        if under_windows():
            say(f"{WINDOWS}\n  $ {COMMAND}")
    steps.complete(again)
    if system_store() is None:
        _without_a_system(adding=adding)


def _without_a_system(*, adding: bool) -> None:
    if adding:
        raise RpxError(
            NOWHERE,
            hint="install ca-certificates; or add the file of `rpx trust --print-ca-path` by hand",
        )
    if has := unmanaged():
        raise RpxError(
            f"{NOWHERE}, but {', '.join(map(str, has))} has authorities of yours",
            hint="take them away by hand: they are called rpx authority of USER@HOST",
        )
    say(f"{NOWHERE}: if you have added the certificate there by hand, take it away there")


def _say_of_firefox() -> None:
    """What about a Firefox that nothing was done for."""
    if not firefox_is_here() or has_profile():
        return
    policies = firefox_policies(system_store())
    if policies is None or policies.is_odd():
        say("Firefox has no profile yet: start it once, then `rpx trust` again")
