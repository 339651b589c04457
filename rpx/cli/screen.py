"""Bytes to a terminal: prefixes, colours, and writing that blocks nobody."""

from __future__ import annotations

import os
import re
import select
from collections.abc import Iterable, Sequence
from typing import Final

import click

RPX: Final = "rpx"
PLAIN: Final = ("cyan", "yellow", "green", "magenta", "blue")
PALETTE: Final = (*PLAIN, *(f"bright_{colour}" for colour in PLAIN))
RESET: Final = click.style("", reset=True).encode()

# CSI, OSC and the other strings, two-character sequences; at last an escape byte without a sense.
_ESCAPE = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?"
)


class Layout:
    """`label | text`, the labels padded to the longest, each service in its colour."""

    def __init__(self, labels: Sequence[tuple[str, str]], *, colour: bool) -> None:
        """`labels` are pairs of a service's name and a backend's label."""
        self._colour = colour
        width = max([len(RPX), *(len(label) for _, label in labels)])
        names = list(dict.fromkeys(name for name, _ in labels))
        self._prefixes = {
            label: self._prefix(label, width, PALETTE[names.index(name) % len(PALETTE)])
            for name, label in labels
        }
        self._own = self._prefix(RPX, width, "white")

    def output(self, label: str, text: bytes) -> bytes:
        """A line that a backend printed. Its colours end with it, or go where none are wanted."""
        if b"\x1b" in text:
            text = text + RESET if self._colour else _ESCAPE.sub(b"", text)
        return b"%b%b\n" % (self._prefixes[label], text)

    def own(self, sentence: str) -> bytes:
        """A line of rpx itself. The line about a request stands alone: scripts look for it."""
        text = sentence.encode("utf-8", "surrogateescape")
        if sentence.startswith("[rpx] "):
            return text + b"\n"
        if b"\x1b" in text:  # what a process printed before it failed
            text = _ESCAPE.sub(b"", text)
        if self._colour and sentence.startswith("error:"):
            text = click.style(text.decode(errors="replace"), fg="red", bold=True).encode()
        return b"%b%b\n" % (self._own, text)

    def _prefix(self, label: str, width: int, colour: str) -> bytes:
        text = f"{label:<{width}} |"
        if self._colour:
            text = click.style(text, fg=colour, bold=label == RPX)
        return f"{text} ".encode()


class Screen:
    """A file descriptor to write to from a worker thread."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def write(self, pieces: Iterable[bytes]) -> bool:
        """Write everything; False when nobody will ever read it. Blocks as long as it takes."""
        view = memoryview(b"".join(pieces))
        while view:
            try:
                view = view[os.write(self._fd, view) :]
            except BlockingIOError:  # somebody who shares the terminal has set it so
                select.select([], [self._fd], [])
            except OSError:  # EPIPE, EIO: the reader or the terminal is gone
                return False
        return True
