"""The last lines of one speaker, bounded by number and by bytes."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from rpx.model.status import Line, Printed

MAX_LINES = 2_000
MAX_BYTES = 1 << 20  # of text: a backend that prints 64 KiB lines keeps sixteen of them


class LineRing:
    """Append at one end; the other end falls off, chunk by chunk."""

    __slots__ = ("_bytes", "_chunks", "_fallen", "_lines", "passing")

    def __init__(self) -> None:
        self._chunks: deque[tuple[int, Printed]] = deque()  # with the number of their lines
        self._lines = 0
        self._bytes = 0
        self._fallen = False
        self.passing: Printed | None = None  # a line that has no end yet

    def append(self, printed: Printed) -> None:
        """Keep a chunk, and let go of those without which there are still enough lines."""
        self.passing = None
        count = printed.text.count(b"\n")
        self._chunks.append((count, printed))
        self._lines += count
        self._bytes += len(printed.text)
        oldest, chunk = self._chunks[0]
        while self._lines - oldest >= MAX_LINES or (
            self._bytes > MAX_BYTES and len(self._chunks) > 1
        ):
            self._chunks.popleft()
            self._fallen = True
            self._lines -= oldest
            self._bytes -= len(chunk.text)
            oldest, chunk = self._chunks[0]

    def chunks(self, count: int = MAX_LINES, since: float = 0.0) -> list[Printed]:
        """Return the last `count` lines, none from before `since` (epoch), oldest first."""
        found: list[Printed] = []
        if self.passing is not None and count > 0 and self.passing.at >= since:
            found.append(self.passing)
            count -= 1
        for lines, printed in reversed(self._chunks):
            if count <= 0 or printed.at < since:
                break
            if lines > count:
                last = b"\n".join(printed.text.split(b"\n")[-count - 1 :])
                printed = replace(printed, text=last)  # noqa: PLW2901 - the same, cut
            found.append(printed)
            count -= lines
        return found[::-1]

    def tail(self, count: int = MAX_LINES) -> list[Line]:
        """Return the last `count` lines one by one, oldest first."""
        return [
            Line(printed.label, printed.at, text)
            for printed in self.chunks(count)
            for text in printed.text.split(b"\n")[:-1]
        ]

    @property
    def full(self) -> bool:
        """Lines may have fallen off."""
        return self._fallen

    @property
    def latest(self) -> float:
        """When the last chunk came, in seconds since the epoch; 0 if there is none."""
        if self.passing is not None:
            return self.passing.at
        return self._chunks[-1][1].at if self._chunks else 0.0
