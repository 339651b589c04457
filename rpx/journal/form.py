"""How a line of output stands in a file: `<UTC time> <label> <text>`, as bytes.

The time is that of the chunk in which the line came, to the microsecond, and times of one width
sort as text: nothing needs to be converted to be compared.
"""

from __future__ import annotations

import time
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from rpx.model.status import Printed

WIDTH: Final = len("2026-11-25T20:33:15.860123Z")  # of the time


class JournalLine(NamedTuple):
    """One line as it was read from a file."""

    stamp: bytes
    label: str
    text: bytes

    @property
    def at(self) -> float:
        """Seconds since the epoch."""
        return stamped(self.stamp)


def stamp(at: float) -> bytes:
    """Seconds since the epoch as they stand in a file."""
    second, micro = divmod(round(at * 1e6), 1_000_000)
    return b"%b.%06dZ" % (_second(second), micro)


def stamped(stamp: bytes) -> float:
    """What stands in a file as seconds since the epoch."""
    return datetime.fromisoformat(stamp.decode()).timestamp()


def written(printed: Printed) -> bytes:
    """Lines of one chunk as they are written."""
    head = b"%b %b " % (stamp(printed.at), printed.label.encode())
    return head + printed.text[:-1].replace(b"\n", b"\n" + head) + b"\n"


def parsed(line: bytes) -> JournalLine | None:
    """A line without its newline; None if it is none of ours (a disk that was full has torn it)."""
    if line[WIDTH - 1 : WIDTH + 1] != b"Z " or line[4:5] != b"-":
        return None
    label, space, text = line[WIDTH + 1 :].partition(b" ")
    return JournalLine(line[:WIDTH], label.decode(errors="replace"), text) if space else None


@lru_cache(maxsize=4)
def _second(second: int) -> bytes:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
