"""`rpx trust` as a part of setup: whether there is anything left for it to do."""

from __future__ import annotations

import datetime as dt
from typing import Final

from rpx.certificates.authority import load_authority
from rpx.certificates.authority_files import authority_folder
from rpx.certificates.stores import system_store
from rpx.certificates.trusted import stores
from rpx.errors import RpxError
from rpx.programs import Step
from rpx.setup.part import Part

NAME: Final = "trust"
TITLE: Final = "certificates"
ITSELF: Final = "rpx"  # the program of steps that are taken in this process


def trusted_authority() -> Part:
    """What lets browsers and other programs accept rpx's certificates."""
    try:
        authority = load_authority(authority_folder())
    except RpxError as error:
        return Part(NAME, TITLE, "the authority can't be used", problem=error.problems[0])
    if system_store() is None:
        note = "this system's list of authorities is in no place that rpx knows: install"
        return Part(NAME, TITLE, "not set up", notes=(f"{note} ca-certificates, then `rpx trust`",))
    adding = "each of its commands is shown as it is run, sudo where the system's list is changed"
    lists = list(stores())
    if authority is None:
        now = "no certificate authority yet: https is refused by browsers"
        why = f"one is made, and put on the list of {_listed([each.name for each in lists])}"
        return Part(NAME, TITLE, now, (Step(f"{why}; {adding}", (ITSELF, "trust")),))
    early, ended = authority.is_early(), authority.ends < dt.datetime.now(dt.UTC)
    if early or ended or not authority.is_limited:
        why = f"one that is of use takes its place; {adding}"
        now = "the certificate authority is not one that programs should trust"
        return Part(NAME, TITLE, now, (Step(why, (ITSELF, "trust")),))
    without = [each.name for each in lists if not each.trusts(authority)]
    if not without:
        return Part(NAME, TITLE, f"{authority.name} is on all lists")
    why = f"it is put on the list of {_listed(without)}; {adding}"
    now = f"{authority.name} is not trusted by all"
    return Part(NAME, TITLE, now, (Step(why, (ITSELF, "trust")),))


def withdrawn_authority() -> Part:
    """What takes it off every list."""
    has = [each.name for each in stores() if each.entries()]
    if not has:
        return Part(NAME, TITLE, "nothing to take back: no list has an authority of yours")
    why = f"it is taken off the list of {_listed(has)}; each command is shown as it is run"
    now = "an authority of yours is trusted"
    return Part(NAME, TITLE, now, (Step(why, (ITSELF, "untrust")),))


def _listed(names: list[str]) -> str:
    return ", ".join(names) if names else "this system"
