"""Where the frames of a WebSocket end, and the frame that says goodbye (RFC 6455 §5)."""

from __future__ import annotations

GOING_AWAY = 1001  # §7.4.1
MANY = 256  # frames
_CLOSE = 8  # §5.2, the opcode
_LAST_CLOSE = 0x80 | _CLOSE
_MASKED = 0x80


class Frames:
    """Follows one direction of a WebSocket without keeping any of it. `count`: how many frames
    there have been. `many`: the last piece had so many that it took long.

    `between`: what has been followed so far ends where a frame ends, so that a frame of somebody
    else may come next. `closed`: and the last of them was a Close.
    """

    __slots__ = (
        "_extra",
        "_first",
        "_head",
        "_left",
        "_longest",
        "_low",
        "between",
        "count",
        "many",
    )

    def __init__(self, *, masked: bool) -> None:
        """`masked`: from the client (§5.3)."""
        # A small frame's second byte is its size and this bit; the frame is so much longer.
        self._low = _MASKED if masked else 0
        self._extra = 2 + 4 - _MASKED if masked else 2
        self._longest = 2 + 4 + 125 if masked else 2 + 125
        self._first = 0  # byte of the last frame
        self._head = b""  # the beginning of a header
        self._left = 0  # bytes of the present frame still to come
        self.between = True
        self.many = False
        self.count = 0

    @property
    def closed(self) -> bool:
        """Nothing may follow in this direction."""
        return self.between and self._first & 0x0F == _CLOSE

    def follow(self, data: bytes) -> None:
        """Go on to the end of `data`."""
        size = len(data)
        if self.between:
            # Nearly always: one small frame, whole.
            if 1 < size <= self._longest and data[1] + self._extra == size:
                self.count += 1
                if data[0] == _LAST_CLOSE:
                    self._first = _LAST_CLOSE
                return
        elif size < self._left:  # within a large one
            self._left -= size
            return
        at = frames = 0
        while at < size:
            if self.between:
                at, small = self._skip(data, at)
                frames += small
            if at < size:
                at = self.frame_end(data, at)
                frames += 1
        self.many = frames > MANY

    def _skip(self, data: bytes, at: int) -> tuple[int, int]:
        """Go on over small frames, of which a read may hold thousands; return where they end, and
        how many there are.
        """
        low, extra, size = self._low, self._extra, len(data)
        high = low + 126
        count, last = 0, -1
        while at + 1 < size and low <= data[at + 1] < high:
            end = at + data[at + 1] + extra
            if end > size:
                break
            last, at = at, end
            count += 1
        if last >= 0:
            self._first = data[last]
        self.count += count
        return at, count

    def frame_end(self, data: bytes, at: int = 0) -> int:
        """Go on from data[at] to the end of the present frame or of `data`; return where it is."""
        if not self._left:
            had = len(self._head)
            head = self._head + data[at : at + 14 - had]
            sizes = _sizes(head)
            if sizes is None:
                self._head, self.between = head, False
                return len(data)
            self._head, self._first = b"", head[0]
            self.count += 1
            at += sizes[0] - had
            self._left = sizes[1]
        end = min(at + self._left, len(data))
        self._left -= end - at
        self.between = not self._left
        return end


def _sizes(head: bytes) -> tuple[int, int] | None:
    """How long a frame's header and its payload are; None when more bytes are needed."""
    if len(head) < 2:
        return None
    size = head[1] & ~_MASKED
    length = {126: 2, 127: 8}.get(size, 0)  # bytes of the extended length
    whole = 2 + length + (4 if head[1] & _MASKED else 0)
    if len(head) < whole:
        return None
    return whole, int.from_bytes(head[2 : 2 + length], "big") if length else size


def close_frame(code: int, mask: bytes = b"") -> bytes:
    """A Close with that code; `mask`: four bytes, on the way to the backend (§5.3)."""
    plain = code.to_bytes(2, "big")
    if not mask:
        return bytes((_LAST_CLOSE, 2)) + plain
    hidden = bytes(a ^ b for a, b in zip(plain, mask, strict=False))
    return bytes((_LAST_CLOSE, _MASKED | 2)) + mask + hidden
