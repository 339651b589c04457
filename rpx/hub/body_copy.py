"""What is kept of a body that passes: its beginning."""

from __future__ import annotations


class BodyCopy:
    """The beginning of a body: at most `most` bytes; `size` is of all that has come by."""

    __slots__ = ("_most", "data", "size")

    def __init__(self, most: int) -> None:
        self._most = most
        self.data = b""  # one piece mostly: a list for it would be one more object to collect
        self.size = 0

    @property
    def wants(self) -> bool:
        """More is to be kept of what comes."""
        return self.size < self._most

    @property
    def kept(self) -> int:
        """How many bytes are."""
        return len(self.data)

    def take(self, piece: bytes) -> None:
        """Keep a piece, or as much of it as is wanted."""
        left = self._most - self.size
        self.size += len(piece)
        if left > 0:
            self.data += bytes(piece[:left])
