"""Bytes to a terminal: prefixes, colours, and writing that blocks nobody."""

from __future__ import annotations

import os
import re
import select
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import click

from rpx.cli.terminal.table import wrapped
from rpx.model.breadth import breadth
from rpx.model.escapes import on_a_terminal
from rpx.model.status import OWN_WORDS

PLAIN: Final = ("cyan", "yellow", "green", "magenta", "blue")
PALETTE: Final = (*PLAIN, *(f"bright_{colour}" for colour in PLAIN))
REQUEST: Final = b"[rpx] Request "  # so begins a line about one


SHARE: Final = 3  # of a window, a third of it is for labels at most
LEAST: Final = 12  # columns that a label may take in any window: `api…er:28001`
# What rpx says that is worth a colour, beside its errors. The words are those of cli.sentences.
_STYLES: Final = (
    (re.compile("error:"), {"fg": "red", "bold": True}),
    (re.compile("warning:"), {"fg": "yellow"}),
    (
        re.compile(r"\S+ (?:exited with status (?!0\b)|killed by|unhealthy|not ready within)"),
        {"fg": "red"},
    ),
    (re.compile(r"\S+ is up at "), {"fg": "green"}),
)


class Layout:
    """`label | text`, the labels padded to the longest, each service in its colour."""

    def __init__(self, labels: Sequence[tuple[str, str]], *, colour: bool) -> None:
        """`labels` are pairs of a service's name and a backend's label."""
        self._colour = colour
        self._longest = max([len(OWN_WORDS), *(breadth(label) for _, label in labels)])
        self._names = list(dict.fromkeys(name for name, _ in labels))
        self._columns: int | None = 0
        self.fit(None)

    def fit(self, columns: int | None) -> None:
        """Go by a window of so many columns from now on; None: labels take what they need."""
        if columns == self._columns:
            return
        self._columns = columns
        self._most = 10_000 if columns is None else max(LEAST, columns // SHARE)
        self._prefixes: dict[str, bytes] = {}
        self._own = self._prefix(OWN_WORDS)
        self._beside = min(self._longest, self._most) + len(" | ")

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
        shown = text.decode("utf-8", "replace")
        lines = wrapped(shown, self._columns - self._beside) if self._columns else [shown]
        style = next((style for pattern, style in _STYLES if pattern.match(sentence)), None)
        if self._colour and style is not None:
            lines = [click.style(line, **style) for line in lines]
        return b"".join(b"%b%b\n" % (self._own, line.encode()) for line in lines)

    def _known(self, label: str) -> bytes:
        name = label.partition(":")[0]
        if name not in self._names:
            self._names.append(name)
        colour = PALETTE[self._names.index(name) % len(PALETTE)]
        self._prefixes[label] = self._prefix(label, colour)
        return self._prefixes[label]

    def _prefix(self, label: str, colour: str | None = None) -> bytes:
        """That of rpx itself has no colour of its own: it is seen on every background."""
        label = _shortened(label, self._most)
        text = f"{label}{' ' * (min(self._longest, self._most) - breadth(label))} |"
        if self._colour:
            text = click.style(text, fg=colour, bold=True if colour is None else None)
        return f"{text} ".encode()


def _shortened(label: str, most: int) -> str:
    """Without the middle of its name where it is too long; the port is what tells copies apart."""
    if breadth(label) <= most:
        return label
    name, colon, port = label.partition(":")
    begin, end = name, ""
    while breadth(f"{begin}{end}{colon}{port}") >= most and len(begin) > 1:
        if begin == name:
            begin, end = name[: (len(name) + 1) // 2], name[(len(name) + 1) // 2 :]
        elif len(begin) > len(end):
            begin = begin[:-1]
        else:
            end = end[1:]
    return f"{begin}…{end}{colon}{port}"


class Screen:
    """A file descriptor to write to from a worker thread."""

    def __init__(self, fd: int, deserted: Callable[[], None] = lambda: None) -> None:
        """`deserted` is called when the reader of a pipe has gone."""
        self._fd = fd
        self._deserted = deserted

    def write(self, chunks: Iterable[bytes]) -> bool:
        """Write everything; False when nobody will ever read it. Blocks as long as it takes."""
        view = memoryview(b"".join(chunks))
        while view:
            try:
                view = view[os.write(self._fd, view) :]
            except BlockingIOError:  # somebody who shares the terminal has set it so
                select.select([], [self._fd], [])
            except BrokenPipeError:
                self._deserted()
                return False
            except OSError:  # EIO: the terminal is gone, and SIGHUP is on its way
                return False
        return True
