"""An expression for paths as a tree of what it means, and as what `re` makes of it.

The tree is what is judged (linear_time.py) and what is compiled, so that both are certainly the
same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

ANY: Final = (1 << 256) - 1  # sets of bytes are numbers: bit n stands for byte n


class BadPattern(ValueError):
    """A pattern can't be used: the end of a sentence whose subject it is, and what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Chars:
    """One byte of a set."""

    meant: int


@dataclass(frozen=True, slots=True)
class Edge:
    """What takes no byte: `^` (`A`), `$` (`Z`), `b`, `B`."""

    kind: Literal["A", "Z", "b", "B"]


@dataclass(frozen=True, slots=True)
class InTurn:
    """One after the other."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several, the first that leads to a match."""

    choices: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A group whose text is kept, by its number and perhaps a name."""

    inner: Tree
    name: str


@dataclass(frozen=True, slots=True)
class Repeated:
    """`least` to `most` times (None: any number), as often as possible, or as rarely if `lazy`.

    `text` is how it is written.
    """

    inner: Tree
    least: int
    most: int | None
    lazy: bool
    text: str


Tree = Chars | Edge | InTurn | OneOf | Kept | Repeated


def names_of_groups(tree: Tree) -> list[str]:
    """The name of each group whose text is kept, in their order; "" where one has none."""
    match tree:
        case Kept(inner, name):
            return [name, *names_of_groups(inner)]
        case Repeated(inner):
            return names_of_groups(inner)
        case InTurn(parts) | OneOf(parts):
            return [name for part in parts for name in names_of_groups(part)]
        case _:
            return []


def beginning(tree: Tree) -> bytes:
    """What everything that matches certainly begins with."""
    return _beginning(tree)[0]


def _beginning(tree: Tree) -> tuple[bytes, bool]:
    """It, and whether that is all of it."""
    match tree:
        case Chars(meant) if meant.bit_count() == 1:
            return bytes([meant.bit_length() - 1]), True
        case Edge():
            return b"", True
        case Kept(inner, _):
            return _beginning(inner)
        case InTurn(parts):
            text = b""
            for part in parts:
                more, whole = _beginning(part)
                text += more
                if not whole:
                    return text, False
            return text, True
        case _:
            return b"", False


def compiled(tree: Tree) -> re.Pattern[bytes]:
    """The expression for all that the tree means, for `fullmatch`."""
    return re.compile(_source(tree), re.DOTALL)


def _source(tree: Tree) -> bytes:
    match tree:
        case Chars(meant):
            return _set(meant)
        case Edge(kind):
            return b"\\" + kind.encode()
        case Kept(inner, _):
            return b"(%b)" % _source(inner)
        case InTurn(parts):
            return b"".join(
                b"(?:%b)" % _source(p) if isinstance(p, OneOf) else _source(p) for p in parts
            )
        case OneOf(choices):
            return b"|".join(map(_source, choices))
        case Repeated(inner, least, most, lazy, _):
            bare = isinstance(inner, Chars | Kept)
            unit = _source(inner) if bare else b"(?:%b)" % _source(inner)
            last = b"" if most is None else b"%d" % most
            return b"%b{%d,%b}%b" % (unit, least, last, b"?" if lazy else b"")


def _set(meant: int) -> bytes:
    if meant == ANY:
        return b"."
    members = [n for n in range(256) if meant >> n & 1]
    if len(members) == 1:
        return re.escape(bytes(members))
    return b"[%b]" % b"".join(b"\\x%02x" % n for n in members) if members else b"(?!)"
