"""A wall between siblings: one may fail without taking the others along.

Each connection and each stream of one, each backend's life and each face's subscription has one.
Anywhere else an unexpected exception is a bug and ends rpx, children included.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVarTuple

Args = TypeVarTuple("Args")


async def walled(
    report: Callable[[ExceptionGroup[Exception]], None],
    work: Callable[[*Args], Awaitable[None]],
    *args: *Args,
) -> None:
    """Run `work`; hand ordinary errors to `report`, let cancellation and Ctrl-C through."""
    try:
        await work(*args)
    except* Exception as group:  # noqa: BLE001 - catching what nobody expected is what a wall is for
        report(group)
