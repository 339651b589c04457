"""What is asked of a project as a whole: another configuration, other numbers of copies."""

from __future__ import annotations

import trio

from rpx.errors import RpxError
from rpx.hub.mailbox import ProjectOrder
from rpx.hub.registry import Registry
from rpx.model.answers import ChangeReport


async def carried_out(registry: Registry, order: ProjectOrder) -> ChangeReport:
    """Ask for `order`, and return what came of it once it is done.

    It is carried out also when whoever asked is cancelled. Raises: RpxError before anything is
    touched, or when too many others wait.
    """
    give(registry, order)
    await order.done.wait()
    return reported(order)


def give(registry: Registry, order: ProjectOrder) -> None:
    """Ask for `order`, and don't wait. Raises: RpxError when too many others wait."""
    try:
        registry.mailbox.give.send_nowait(order)
    except trio.WouldBlock:
        hint = "try again in a moment"
        raise RpxError("other changes of the project are still under way", hint=hint) from None


def reported(order: ProjectOrder) -> ChangeReport:
    """Return what `order`, which is planned or done, does. Raises: its error, an RpxError."""
    if order.error is not None:
        raise order.error
    assert order.report is not None  # noqa: S101 - whoever carries it out sets one of the two
    return order.report
