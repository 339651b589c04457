"""`rpx untrust`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from rpx.certificates.authority import Authority, load_authority
from rpx.certificates.authority_files import authority_folder
from rpx.certificates.stores import Store, StoreEntry
from rpx.certificates.trusted import stores
from rpx.cli.command import Command
from rpx.cli.helpers.steps import Steps
from rpx.cli.helpers.trust_lists import complete, unseen_lists
from rpx.cli.terminal.output import say
from rpx.errors import RpxError


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
    make_untrusted(Steps())


def make_untrusted(steps: Steps) -> None:
    """Take the authority off every list. Raises: RpxError where not all could be done."""
    authority = _readable()
    unseen = unseen_lists()
    found = [(store, store.entries()) for store in stores() if store.name not in unseen]
    left = [each for store, has in found for each in _withdraw(authority, store, has, steps)]
    complete(steps, again="rpx untrust", adding=False)
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
    authority: Authority | None, store: Store, entries: Sequence[StoreEntry], steps: Steps
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
