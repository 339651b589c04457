"""The last lines of one backend, bounded by number and by bytes."""

from __future__ import annotations

from collections import deque

from rpx.model.status import Line

MAX_LINES = 2_000
MAX_BYTES = 1 << 20  # of text: a backend that prints 64 KiB lines keeps sixteen of them


class LineRing:
    """Append at one end; the other end falls off. `total` counts all lines there ever were."""

    __slots__ = ("_bytes", "_lines", "total")

    def __init__(self) -> None:
        self._lines: deque[Line] = deque()
        self._bytes = 0
        self.total = 0

    def append(self, line: Line) -> None:
        """Keep `line`, and let go of what no longer fits."""
        self._lines.append(line)
        self._bytes += len(line.text)
        self.total += 1
        while len(self._lines) > MAX_LINES or self._bytes > MAX_BYTES:
            self._bytes -= len(self._lines.popleft().text)

    def tail(self, count: int | None = None) -> list[Line]:
        """Return the last `count` lines, oldest first; None: all that are kept."""
        lines = list(self._lines)
        return lines if count is None else lines[max(0, len(lines) - count) :]
