"""`rpx trust`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

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
from rpx.certificates.authority_files import authority_folder
from rpx.certificates.scope import check_allowed
from rpx.certificates.stores import Store, system_store
from rpx.certificates.trusted import stores
from rpx.cli.command import Command
from rpx.cli.helpers.steps import Steps, as_root
from rpx.cli.helpers.trust_lists import complete
from rpx.cli.terminal.output import say
from rpx.config.settings.host_names import as_browsers_ask
from rpx.errors import RpxError, UsageError
from rpx.runs.api_client import ApiClient
from rpx.runs.lease import Lease, all_running


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
    if print_ca_path and names:
        raise UsageError("`--print-ca-path` changes nothing", hint="leave `--allow` out")
    if print_ca_path:
        click.echo(_opened().path)
        return
    make_trusted([check_allowed(as_browsers_ask(name) or name) for name in names], Steps())


def make_trusted(wanted: Sequence[str], steps: Steps) -> None:
    """Put the authority on every list; `wanted` are names that it is to certify besides.

    Raises: RpxError where not all could be done.
    """
    before = load_authority(authority_folder())
    authority = _opened()
    more = [name for name in wanted if not _covers(authority, name)]
    if more or not authority.is_limited or authority.is_early():
        authority = _replaced(authority, more)
    if before is not None and before.fingerprint == authority.fingerprint:
        before = None
    _introduce(authority, before)
    for store in stores():
        _add(authority, store, steps)
        earlier = [each for each in store.entries() if before and each.label == before.label]
        steps.take(f"{store.name}, the earlier authority", store.removing(earlier))
    if before is not None:
        reload_running()
    complete(steps, again="rpx trust")
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
        return any(str(row.url).startswith("https:") for row in ApiClient(lease).ps(routes=True))
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


def _covers(authority: Authority, name: str) -> bool:
    return name in authority.allowed or authority.permits(name)
