"""`rpx trust` and `rpx untrust`: the user's authority, and who is to know it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

import click

from rpx.certificates.authority import (
    EXPOSED,
    Authority,
    draft_authority,
    keep,
    kept,
    load_authority,
    open_authority,
)
from rpx.certificates.files import authority_folder, home
from rpx.certificates.nss import PACKAGES, can_edit, databases
from rpx.certificates.policies import firefox_is_here
from rpx.certificates.scope import check_allowed
from rpx.certificates.stores import Entry, Store, system_store, unmanaged
from rpx.certificates.trusted import firefox_policies, has_profile, stores
from rpx.certificates.windows import COMMAND, WINDOWS, under_windows
from rpx.cli.command import Command
from rpx.cli.helpers.steps import Steps, as_root
from rpx.cli.terminal.output import say
from rpx.errors import RpxError, UsageError
from rpx.runs.client import Client
from rpx.runs.lease import Lease, all_running

NOWHERE: Final = "this system's list of authorities is in no place that rpx knows"


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
    help="Make an authority that may also certify NAME and every name below it; may be given"
    " several times",
)
@click.option(
    "--print-ca-path",
    is_flag=True,
    help="Only print where the authority's certificate is",
)
def trust(names: tuple[str, ...], *, print_ca_path: bool) -> None:
    """Let this machine's programs trust your local certificate authority.

    The first `rpx trust` makes the authority, for you alone; it can certify names of this machine
    only. Changing the list of the system takes root: on a terminal rpx does that step with sudo,
    elsewhere it prints the command.
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
    if more or not authority.is_limited or authority.is_early():
        authority = _replaced(authority, more)
    if before is not None and before.fingerprint == authority.fingerprint:
        before = None
    _introduce(authority, before)
    steps = Steps()
    for store in stores():
        _add(authority, store, steps)
        earlier = [each for each in store.entries() if before and each.label == before.label]
        steps.take(f"{store.name}, the earlier authority", store.removing(earlier))
    if before is not None:
        reload_running()
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
        return
    adding = store.adding(authority)
    if adding and steps.take(store.name, adding):
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
    """Take every authority of yours off the lists that `rpx trust` has put it on.

    They are found by their names there, whether their keys are still here or not. The authority
    itself stays: the next `rpx trust` makes the same one known again.
    """
    authority = _readable()
    steps, unseen = Steps(), _unseen()
    found = [(store, store.entries()) for store in stores() if store.name not in unseen]
    left = [each for store, has in found for each in _withdraw(authority, store, has, steps)]
    _complete(steps, again="rpx untrust", adding=False)
    if left:
        raise RpxError(
            f"still trusted, though every step was taken: {'; '.join(left)}",
            hint="see what the commands above say when you run them yourself",
        )
    if authority is not None:
        say(f"the authority itself stays in {authority.folder}; remove that folder to be rid of it")
    elif not unseen and not any(has for _, has in found):
        say("there is no authority, and nothing trusts one of yours")


def _withdraw(
    authority: Authority | None, store: Store, entries: Sequence[Entry], steps: Steps
) -> list[str]:
    """Take what is the user's off a list; what it trusts nevertheless."""
    if not entries:
        say(f"{store.name}: does not have it")
        if authority and store.trusts(authority):
            return [f"{authority.name} in {store.name}, under a name that rpx has not given"]
    elif steps.take(store.name, store.removing(entries)):
        there = {entry.label for entry in store.entries()}
        say(f"  {'not ' if there else ''}gone")
        return [f"{name} in {store.name}" for name in sorted(there)]
    return []


def _readable() -> Authority | None:
    """The authority, if there is one; a damaged one is on the lists by its name all the same."""
    try:
        return load_authority(authority_folder())
    except RpxError as error:
        say(f"warning: {error.problems[0].what}")
        return None


def _replaced(old: Authority, more: list[str]) -> Authority:
    """An authority of today that may certify more names, in the place of `old`.

    First the step is taken that may be impossible: where root can't be had, `old` stays as it is.
    Raises: RpxError then, if more names are what was asked for.
    """
    allowed, system = kept(old), system_store()
    with draft_authority(old, (*allowed, *more)) as draft:
        if system is None or not system.trusts(old) or _known(draft, system):
            _say_why(old, [name for name in old.allowed if name not in allowed])
            return keep(draft, old)
    words = ("trust", *(word for name in more for word in ("--allow", name)))
    told = "the new authority could not be put on the system's list; the earlier one stays"
    hint = f"`{as_root(*words)}`, or `{shlex.join(('rpx', *words))}` on a terminal"
    if more:
        raise RpxError(told, hint=hint)
    say(f"warning: {told}\n  hint: {hint}")
    return old


def _say_why(old: Authority, gone: list[str]) -> None:
    """Say why another one takes its place, where nobody has asked for that."""
    if old.is_early():
        when = f"{old.begins:%-d %B %Y}"
        say(f"no program accepts the earlier authority before {when}; a new one takes its place")
    if old.is_limited:
        return
    say(
        "the root's key of the earlier authority is on this machine: with it, a thief could certify"
        " any site for programs that ignore a root's limits, as Java. A new one replaces it"
    )
    if gone:
        options = " ".join(f"--allow {name}" for name in gone)
        say(
            f"  it may not certify {', '.join(gone)}, which are names of other machines;"
            f" `rpx trust {options}` makes one that may"
        )


def _known(draft: Authority, system: Store) -> bool:
    """Put a draft on the system's list. Where that can't be done all is as it was."""
    steps = Steps()
    if steps.take(system.name, system.adding(draft)) and system.trusts(draft):
        return True
    left = [entry for entry in system.entries() if entry.label == draft.label]
    Steps().take(f"{system.name}, as it was", system.removing(left))
    return False


def reload_running() -> None:
    """Say which running projects show certificates of an authority that nobody trusts any more."""
    running = [lease for lease in all_running() if _is_secured(lease)]
    if running:
        say("running projects show certificates of the earlier authority until they are reloaded:")
    for lease in running:
        say(f"  {lease.name}: rpx reload -f {shlex.quote(str(lease.config))}")


def _is_secured(lease: Lease) -> bool:
    try:
        return any(str(row.url).startswith("https:") for row in Client(lease).ps())
    except RpxError:
        return False


def _introduce(authority: Authority, before: Authority | None) -> None:
    """Say what it is; `before`: whose place it has just taken."""
    say(f"authority: {authority.name}, until {authority.ends:%-d %B %Y}")
    say(f"  certificate: {authority.path}")
    say(f"  may certify: {', '.join(authority.allowed)}; names with all below them")
    if before is not None:
        say(
            "  it takes the place of an earlier one, whose key is gone and whose certificates are"
            " void: reload running projects, and start browsers again"
        )


def _unseen() -> list[str]:
    """The lists of browsers that can't be looked at."""
    there = [each for each in databases(home()) if each.exists]
    return [each.name for each in there if not (can_edit() and each.is_readable())]


def _complete(steps: Steps, *, again: str, adding: bool = True) -> None:
    """Say what was left out. Raises: RpxError where that is a failure."""
    unseen = _unseen()
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


def _covers(authority: Authority, name: str) -> bool:
    return name in authority.allowed or authority.permits(name)
