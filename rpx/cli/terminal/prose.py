"""Sentences of a document, for a terminal: code is painted, lines break between words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import click

from rpx.model.breadth import breadth

WHOLE: Final = 32  # columns up to which code is not broken, so that it can be copied

_LINK: Final = re.compile(r"\[((?:`[^`]*`|[^\]`])+)\]\(([^)\s]+)\)")
_PART: Final = re.compile(
    r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)|(?P<bold>\*\*)|\\(?P<sign>\W)|[^`*\\]+|.", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a word, or a whole one: code, bold, or neither."""

    text: str
    code: bool = False
    bold: bool = False

    def painted(self) -> str:
        """With the escape sequences of a terminal, in which code has no marks of its own."""
        if not self.code and not self.bold:
            return self.text
        return click.style(self.text, fg="cyan" if self.code else None, bold=self.bold or None)


Word = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Prose:
    """Words in a row. `colour`: they are painted, and code has no backticks."""

    words: tuple[Word, ...]
    colour: bool

    @property
    def longest(self) -> int:
        """Columns of the longest word."""
        return max(map(_wide, self.words), default=0)

    @property
    def length(self) -> int:
        """Columns of all in one line."""
        return sum(map(_wide, self.words)) + max(len(self.words) - 1, 0)

    def lines(self, width: int) -> list[tuple[str, int]]:
        """As many lines as it takes, each with its columns. A longer word has a line of its own."""
        filled: list[list[Word]] = [[]]
        used = 0
        for word in self.words:
            wide = _wide(word)
            if filled[-1] and used + 1 + wide > width:
                filled.append([])
                used = 0
            used += wide + bool(filled[-1])
            filled[-1].append(word)
        return [self._line(each) for each in filled]

    def _line(self, words: Sequence[Word]) -> tuple[str, int]:
        shown = [
            "".join(piece.painted() if self.colour else piece.text for piece in word)
            for word in words
        ]
        return " ".join(shown), sum(map(_wide, words)) + max(len(words) - 1, 0)


def prose(markdown: str, *, colour: bool, bold: bool = False) -> Prose:
    """Read one paragraph, heading or cell. Of a link its text stays, and its address on the web."""
    words: list[Word] = []
    word: list[Piece] = []
    for piece in _pieces(_LINK.sub(_link, markdown), colour=colour, bold=bold):
        first, *more = piece.text.split(" ") if _is_broken(piece) else [piece.text]
        word += [Piece(first, piece.code, piece.bold)] if first else []
        for part in more:
            words += [tuple(word)] if word else []
            word = [Piece(part, piece.code, piece.bold)] if part else []
    words += [tuple(word)] if word else []
    return Prose(tuple(words), colour)


def _is_broken(piece: Piece) -> bool:
    return not piece.code or breadth(piece.text) > WHOLE


def _link(found: re.Match[str]) -> str:
    text, target = found[1], found[2]
    return f"{text} ({target})" if "://" in target and target not in text else text


def _pieces(markdown: str, *, colour: bool, bold: bool) -> Iterator[Piece]:
    plain = ""
    for found in _PART.finditer(" ".join(markdown.split())):
        if found.group("code") is None and found.group("bold") is None:
            plain += found.group("sign") or found[0]
            continue
        if plain:
            yield Piece(plain, bold=bold)
        plain = ""
        if found.group("code") is not None:
            code = found.group("code").strip()
            yield Piece(code if colour else f"`{code}`", code=True, bold=bold)
        else:
            bold = not bold
    if plain:
        yield Piece(plain, bold=bold)


def _wide(word: Word) -> int:
    return sum(breadth(piece.text) for piece in word)
