"""Looking at a running project again and again, until it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from rpx.errors import NotRunning, RpxError, TookTooLong

T = TypeVar("T")
EVERY: Final = 1.0  # seconds


def poll(
    look: Callable[[], T],
    show: Callable[[T, T | None, float], None],
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Look every second and show it, until the project has ended.

    `show` gets what there is, what there was before (None the first time), and the seconds between.
    """
    now: T | None = look()
    before: T | None = None
    looked, passed = time.monotonic(), 0.0
    while now is not None:
        show(now, before, passed)
        wait(max(0.0, looked + EVERY - time.monotonic()))
        before, began = now, looked
        now, looked = _still(look), time.monotonic()
        passed = looked - began


def _still(look: Callable[[], T]) -> T | None:
    """What there is; None when the project has ended since the last time."""
    for last in (False, True):
        try:
            return look()
        except NotRunning:
            return None
        except TookTooLong:
            raise
        except RpxError:  # the connection broke: it is ending, or something is wrong with it
            if last:
                raise
    return None
