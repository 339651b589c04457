"""`rpx trust` and `rpx untrust`: the user's authority, and who is to know it."""

from __future__ import annotations

import click

from rpx.certificates.authority import (
    EXPOSED,
    Authority,
    load_authority,
    open_authority,
    replace_authority,
)
from rpx.certificates.files import authority_folder, home
from rpx.certificates.nss import can_edit, databases
from rpx.certificates.scope import check_allowed
from rpx.certificates.stores import Store, system_store
from rpx.certificates.trusted import stores
from rpx.cli.command import Command
from rpx.cli.output import say
from rpx.cli.steps import Steps
from rpx.errors import RpxError, UsageError


@click.command(
    "trust",
    cls=Command,
    examples="""\
rpx trust                       # let browsers and curl accept rpx's certificates
rpx trust --allow shop.dev      # an authority that may certify shop.dev and below, too
rpx trust --print-ca-path       # for programs with a list of their own: NODE_EXTRA_CA_CERTS
""",
)
@click.option(
    "--allow",
    "names",
    multiple=True,
    metavar="NAME",
    help="Make an authority that may also certify NAME and all below it; may be given again",
)
@click.option(
    "--print-ca-path",
    is_flag=True,
    help="Only print where the authority's certificate is",
)
def trust(names: tuple[str, ...], *, print_ca_path: bool) -> None:
    """Let this machine's programs trust your local certificate authority.

    It is made the first time, for you alone, and can certify names of this machine only. Only the
    step that changes the system's list needs root: on a terminal it is taken with sudo, elsewhere
    its command is printed.
    """
    wanted = [check_allowed(name) for name in names]
    if print_ca_path and names:
        raise UsageError("`--print-ca-path` changes nothing", hint="leave `--allow` out")
    before = load_authority(authority_folder())
    authority = _opened()
    if print_ca_path:
        click.echo(authority.path)
        return
    more = [name for name in wanted if not _covers(authority, name)]
    if more:
        authority = replace_authority(authority, (*authority.allowed, *more))
    if before is not None and before.fingerprint == authority.fingerprint:
        before = None
    _introduce(authority, before)
    steps = Steps()
    for store in stores():
        if before is not None:
            steps.take(f"{store.name}, the earlier authority", store.removing(before))
        _add(authority, store, steps)
    _complete(steps, again="rpx trust")
    if steps.taken:
        say("browsers that are open see it when they are started again")


def _opened() -> Authority:
    authority = open_authority(authority_folder())
    if authority.exposed:
        say(EXPOSED)
    return authority


def _add(authority: Authority, store: Store, steps: Steps) -> None:
    if store.trusts(authority):
        say(f"{store.name}: trusts it already")
    elif steps.take(store.name, store.adding(authority)):
        if not store.trusts(authority):
            raise RpxError(
                f"{store.name}: every step was taken, but the authority is not on its list",
                hint="see what the commands above say when you run them yourself",
            )
        say("  now it trusts the authority")


@click.command(
    "untrust",
    cls=Command,
    examples="""\
rpx untrust                     # take away what `rpx trust` has done
""",
)
def untrust() -> None:
    """Take the authority off every list that `rpx trust` has put it on.

    The authority itself stays: the next `rpx trust` makes the same one known again.
    """
    authority = load_authority(authority_folder())
    if authority is None:
        say("there is no authority yet, so nothing trusts it")
        return
    steps = Steps()
    for store in stores():
        found = store.removing(authority)
        if not found:
            say(f"{store.name}: does not have it")
        elif steps.take(store.name, found):
            say("  gone")
    _complete(steps, again="rpx untrust")
    say(f"the authority itself stays in {authority.folder}; remove that folder to be rid of it")


def _introduce(authority: Authority, before: Authority | None) -> None:
    """Say what it is; `before`: whose place it has just taken."""
    say(f"authority: {authority.name}, until {authority.ends:%-d %B %Y}")
    say(f"  certificate: {authority.path}")
    say(f"  may certify: {', '.join(authority.allowed)}; names with all below them")
    if before is not None:
        say("  it takes the place of an earlier one, whose key is gone; what that has certified is")
        say("  void: start running projects and browsers again")


def _complete(steps: Steps, *, again: str) -> None:
    """Say what was left out. Raises RpxError where that is a failure."""
    if not can_edit() and (left := databases(home())):
        say(f"warning: {', '.join(each.name for each in left)}: left as it is, without `certutil`")
        say(
            "  install it: libnss3-tools (Debian, Ubuntu), nss-tools (Fedora), nss (Arch, Homebrew)"
        )
    steps.complete(again)
    if system_store() is None:
        raise RpxError(
            "this system's list of authorities is in no place that rpx knows",
            hint="install ca-certificates; or add the file of `rpx trust --print-ca-path` by hand",
        )


def _covers(authority: Authority, name: str) -> bool:
    return name in authority.allowed or authority.permits(name)
