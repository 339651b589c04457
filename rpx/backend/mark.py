"""A mark that processes bear from their start on, and that they can't take off.

It is a limit that Linux hands on from process to process and has had no use for since 2.4.25: so
many file locks. Unlike the environment it can be read of a process that has cleared that, or has
capabilities and shows it to nobody.
"""

from __future__ import annotations

import re
import resource
import sys

_LOCKS = 10  # RLIMIT_LOCKS, for which Python has no name
_WIDTH = 15  # bits of the number within a run
_INSTANCE = re.compile(r"([0-9a-f]{12})\.([0-9]+)")


def mark_of(instance: str) -> int | None:
    """Return the mark of an instance; None where there are none, or for one that bears none."""
    if sys.platform != "linux" or not (found := _INSTANCE.fullmatch(instance)):
        return None
    return int(found[1], 16) << _WIDTH | int(found[2]) % (1 << _WIDTH)


def run_of(mark: int) -> str:
    """Return the run id that is in a mark."""
    return f"{mark >> _WIDTH:012x}"


def mark_on(pid: int) -> int | None:
    """Return the mark that a process bears, or what stands in its place."""
    try:
        with open(f"/proc/{pid}/limits", "rb", buffering=0) as file:
            words = file.readall().partition(b"Max file locks")[2].split(None, 1)
    except OSError:
        return None
    return int(words[0]) if words and words[0].isdigit() else None


def put_on(mark: int | None) -> int | None:
    """Bear a mark from now on, and hand it to whom we start; return what was there before."""
    if mark is None:
        return None
    soft, hard = resource.getrlimit(_LOCKS)
    try:
        resource.setrlimit(_LOCKS, (mark, hard))
    except (OSError, ValueError):
        return None  # somebody has set a bound to it
    return soft
