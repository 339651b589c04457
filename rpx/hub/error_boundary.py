"""An error boundary: one sibling may fail without taking the others along.

Each connection, each stream of one, each backend's life and each observer's subscription has one.
Anywhere else an unexpected exception is a bug and ends rpx, children included.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVarTuple

Args = TypeVarTuple("Args")


async def contain_errors(
    report: Callable[[ExceptionGroup[Exception]], None],
    work: Callable[[*Args], Awaitable[None]],
    *args: *Args,
) -> None:
    """Run `work`; hand ordinary errors to `report`, let cancellation and Ctrl-C through."""
    try:
        await work(*args)
    except* Exception as group:  # noqa: BLE001 - what nobody expected is what it is for
        report(group)
