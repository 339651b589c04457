"""Bytes to a terminal: prefixes, colours, and writing that blocks nobody."""

from __future__ import annotations

import os
import select
from collections.abc import Iterable, Sequence
from typing import Final

import click

from rpx.model.escapes import on_a_terminal
from rpx.model.status import OWN_WORDS

PLAIN: Final = ("cyan", "yellow", "green", "magenta", "blue")
PALETTE: Final = (*PLAIN, *(f"bright_{colour}" for colour in PLAIN))
REQUEST: Final = b"[rpx] Request "  # so begins a line about one


class Layout:
    """`label | text`, the labels padded to the longest, each service in its colour."""

    def __init__(self, labels: Sequence[tuple[str, str]], *, colour: bool) -> None:
        """`labels` are pairs of a service's name and a backend's label."""
        self._colour = colour
        self._width = max([len(OWN_WORDS), *(len(label) for _, label in labels)])
        self._names = list(dict.fromkeys(name for name, _ in labels))
        self._prefixes: dict[str, bytes] = {}
        self._own = self._prefix(OWN_WORDS, "white")

    def output(self, label: str, text: bytes) -> bytes:
        """Lines that somebody printed, each with its newline.

        Of what is no text, only colours go to the screen, and none where they aren't wanted.
        """
        if label == OWN_WORDS:
            if text.startswith(REQUEST) and text.count(b"\n" + REQUEST) == text.count(b"\n") - 1:
                return text  # there may be many of them
            lines = text.decode("utf-8", "surrogateescape").split("\n")[:-1]
            return b"".join(map(self.own, lines))
        text = on_a_terminal(text, colour=self._colour)
        prefix = self._prefixes.get(label) or self._known(label)
        return prefix + text[:-1].replace(b"\n", b"\n" + prefix) + b"\n"

    def own(self, sentence: str) -> bytes:
        """A line of rpx itself. One about a request stands alone: scripts look for it."""
        text = sentence.encode("utf-8", "surrogateescape")
        if text.startswith(REQUEST):
            return text + b"\n"
        text = on_a_terminal(text, colour=False)  # another version's, in a file of long ago
        if self._colour and sentence.startswith("error:"):
            text = click.style(text.decode(errors="replace"), fg="red", bold=True).encode()
        return b"%b%b\n" % (self._own, text)

    def _known(self, label: str) -> bytes:
        name = label.partition(":")[0]
        if name not in self._names:
            self._names.append(name)
        colour = PALETTE[self._names.index(name) % len(PALETTE)]
        self._prefixes[label] = self._prefix(label, colour)
        return self._prefixes[label]

    def _prefix(self, label: str, colour: str) -> bytes:
        text = f"{label:<{self._width}} |"
        if self._colour:
            text = click.style(text, fg=colour, bold=label == OWN_WORDS)
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
