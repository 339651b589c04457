"""What is asked of a project as a whole: another configuration, other numbers of copies."""

from __future__ import annotations

import trio

from rpx.errors import RpxError
from rpx.hub.mailbox import Change
from rpx.hub.registry import Registry
from rpx.model.answers import ChangeReport


async def carried_out(registry: Registry, change: Change) -> ChangeReport:
    """Ask for `change`, and return what came of it once it is done.

    It is carried out also when whoever asked is cancelled. Raises: RpxError before anything is
    touched, or when too many others wait.
    """
    give(registry, change)
    await change.done.wait()
    return reported(change)


def give(registry: Registry, change: Change) -> None:
    """Ask for `change`, and don't wait. Raises: RpxError when too many others wait."""
    try:
        registry.mailbox.give.send_nowait(change)
    except trio.WouldBlock:
        hint = "try again in a moment"
        raise RpxError("other changes of the project are still under way", hint=hint) from None


def reported(change: Change) -> ChangeReport:
    """Return what `change`, which is planned or done, does. Raises: its error, an RpxError."""
    if change.error is not None:
        raise change.error
    assert change.report is not None  # noqa: S101 - whoever carries it out sets one of the two
    return change.report
