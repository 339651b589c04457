"""What names a request to everybody who logs it: X-Request-Id, and traceparent (W3C Trace Context).

What a client brings is kept if it is sane, and made anew if not. Made ones are counted rather than
drawn by lot: that is a lookup and one join of bytes.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import count
from typing import Final

from rpx.http.grammar import find_field
from rpx.http.hops import without

NAMES: Final = frozenset((b"x-request-id", b"traceparent", b"tracestate"))
SANE_ID: Final = re.compile(rb"[0-9A-Za-z._~=+/:@-]{1,128}")

# W3C Trace Context §3.2: lower case, and neither id all zeros. Of version 00 nothing may follow, of
# a later one what this version does not know.
_IDS = rb"-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
_TRACE = re.compile(rb"00%b|(?!00|ff)[0-9a-f]{2}%b(?:-.*+)?" % (_IDS, _IDS))
_TRACE_LINES = frozenset((b"traceparent", b"tracestate"))
_ID_LINES = frozenset((b"x-request-id",))

HAS_ID: Final = 1
HAS_TRACE: Final = 2

_BITS = 12
_LOW = tuple(b"%03x" % number for number in range(1 << _BITS))
_MASK = len(_LOW) - 1


def judged_tags(found: Collection[bytes], block: bytes) -> tuple[bytes, int]:
    """Return the block without tags that are not sane, and which of the two it has (HAS_…).

    `found` are the names of fields that mean something, in lower case. A tracestate means nothing
    without its traceparent (§3.3.1.1... of the same document: it must not be sent on).
    """
    has = 0
    if b"x-request-id" in found:
        if SANE_ID.fullmatch(find_field(block, b"x-request-id") or b""):
            has |= HAS_ID
        else:
            block = without(block, _ID_LINES)
    if b"traceparent" in found and _TRACE.fullmatch(find_field(block, b"traceparent") or b""):
        return block, has | HAS_TRACE
    if not _TRACE_LINES.isdisjoint(found):
        block = without(block, _TRACE_LINES)
    return block, has


class Tags:
    """Makes the tags of one run. `next` counts requests."""

    __slots__ = ("_by_marks", "_high", "_run", "next")

    def __init__(self, run: bytes) -> None:
        """`run`: 16 bytes by chance, which tell this run from all others."""
        self._run = run.hex().encode()
        self.next = count(1).__next__
        self._high = -1
        self._by_marks: tuple[tuple[bytes, bytes, bytes], ...] = ()

    def lines(self, number: int, has: int) -> bytes:
        """The lines, each with its CRLF, that a request of this number lacks; `has` as above."""
        high = number >> _BITS
        if high != self._high:
            self._begin(high)
        first, middle, last = self._by_marks[has]
        low = _LOW[number & _MASK]
        if has == 0:
            return b"%b%b%b%b%b" % (first, low, middle, low, last)
        return b"%b%b%b" % (first, low, last) if has < HAS_ID + HAS_TRACE else b""

    def _begin(self, high: int) -> None:
        """Make all that is the same for the next 4096 numbers."""
        ids = b"X-Request-Id: %b-%x" % (self._run[:8], high)
        # §3.2.2.3: whoever is asked goes on with the trace; each trace has one span of ours, so
        # that the same id tells it apart in all of them. 01: it is recorded here.
        trace = b"traceparent: 00-%b%013x" % (self._run[:16], high)
        span = b"-%b-01\r\n" % self._run[16:]
        self._by_marks = (
            (ids, b"\r\n" + trace, span),
            (trace, b"", span),
            (ids, b"", b"\r\n"),
            (b"", b"", b""),
        )
        self._high = high

    def id_of(self, number: int) -> str:
        """The id of the request of this number, as its X-Request-Id has it if it brings none."""
        high, low = number >> _BITS, _LOW[number & _MASK]
        return f"{self._run[:8].decode()}-{high:x}{low.decode()}"

    def trace_of(self, number: int) -> str:
        """The trace id of the request of this number, if it brings none."""
        high, low = number >> _BITS, _LOW[number & _MASK]
        return f"{self._run[:16].decode()}{high:013x}{low.decode()}"

    def number_of(self, text: str) -> int | None:
        """The number of a request by its id, also without what stands for the run; None: no id."""
        run, dash, end = text.rpartition("-")
        if dash and run != self._run[:8].decode():
            return None
        try:
            return int(end, 16) if end.isalnum() else None
        except ValueError:
            return None

    @property
    def run(self) -> str:
        """What all ids of this run begin with."""
        return self._run[:8].decode()
