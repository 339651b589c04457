"""No garbage collections while modules are loaded: what they define stays to the end.

Each module brings thousands of objects, and so collections begin that look at all of those before,
again and again, and find nothing: a quarter of the start of `rpx up`. What was loaded is then kept
apart, and no later collection stops requests for as long as looking at it takes.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import within this what a process that is ours needs."""
    gc.disable()
    try:
        yield
    finally:
        loaded()


def loaded() -> None:
    """Collect from here on, and leave out what is there already, if it was loaded without."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
