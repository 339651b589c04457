"""Regular expressions as they are written for paths, read into a tree.

They are what RE2 knows: no lookaround and no references back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from rpx.policy.expression_trees import (
    ANY,
    BadPattern,
    Chars,
    Edge,
    InTurn,
    Kept,
    OneOf,
    Repeated,
    Tree,
)

_DEEPEST: Final = 50
_ESCAPED: Final = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_AROUND: Final = {"?=": "lookahead", "?!": "lookahead", "?<=": "lookbehind", "?<!": "lookbehind"}
_OPENING = re.compile(r"\?(?:<=|<!|P?<([A-Za-z_]\w*)>|P[=>]|[a-zA-Z-]+[:)]|.|$)", re.ASCII)
_COUNT = re.compile(r"\{([0-9]{0,5})(?:(,)([0-9]{0,5}))?\}")


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    depth: int = 0
    folded: bool = False  # upper and lower case are the same
    names: list[str] = field(default_factory=list)

    def whole(self) -> Tree:
        if self.text.startswith("(?i)"):
            self.at, self.folded = 4, True
        self.next_is("^")  # it is matched from there anyway
        tree = self.choice()
        if self.at < len(self.text):
            raise BadPattern("has a `)` too many", "write `\\)` for a parenthesis itself")
        return tree

    def choice(self) -> Tree:
        choices = [self.in_turn()]
        while self.next_is("|"):
            choices.append(self.in_turn())
        return choices[0] if len(choices) == 1 else OneOf(tuple(choices))

    def in_turn(self) -> Tree:
        parts: list[Tree] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            start = self.at
            parts.append(self.repeated(self.single(), start))
        return parts[0] if len(parts) == 1 else InTurn(tuple(parts))

    def repeated(self, tree: Tree, start: int) -> Tree:
        bounds = self.bounds()
        if bounds is None:
            return tree
        lazy = self.next_is("?")
        written = self.text[start : self.at]
        if isinstance(tree, Edge) or self.bounds() is not None:
            raise BadPattern(
                f"repeats what can't be repeated: `{self.text[start : self.at]}`",
                "remove one of these characters, or put a `\\` before it",
            )
        return Repeated(tree, *bounds, lazy, written)

    def bounds(self) -> tuple[int, int | None] | None:
        """How often the last one is to be there, if anything says so."""
        match self.text[self.at : self.at + 1]:
            case "*":
                bounds: tuple[int, int | None] = (0, None)
            case "+":
                bounds = (1, None)
            case "?":
                bounds = (0, 1)
            case "{":
                return self.counted()
            case _:
                return None
        self.at += 1
        return bounds

    def counted(self) -> tuple[int, int | None]:
        match = _COUNT.match(self.text, self.at)
        if match is None or not (match[1] or match[3]):
            raise BadPattern("has a `{` that begins no count", "write `\\{` for a brace itself")
        least, most = int(match[1] or 0), int(match[3]) if match[3] else None
        if match[2] is None:
            most = least
        if most is not None and most < least:
            raise BadPattern(f"counts backwards: `{match[0]}`", "the smaller number comes first")
        self.at = match.end()
        return least, most

    def single(self) -> Tree:
        character = self.text[self.at]
        self.at += 1
        match character:
            case ".":
                return Chars(ANY)
            case "^":
                return Edge("A")
            case "$":
                return Edge("Z")
            case "[":
                return Chars(self.bracket())
            case "(":
                return self.group()
            case "\\":
                return self.escaped()
            case "*" | "+" | "?" | "{":
                raise BadPattern(
                    f"repeats nothing: `{character}`", f"write `\\{character}` for the character"
                )
            case _:
                pass
        return Chars(self.fold(_bit(character)))

    def group(self) -> Tree:
        opening = _OPENING.match(self.text, self.at)
        name = ""
        kept = opening is None
        if opening is not None:
            self.at = opening.end()
            kept = opening[1] is not None
            name = opening[1] or ""
            _judge_opening(opening[0], kept=kept)
        if kept:
            if name in self.names and name:
                raise BadPattern(f"has two groups called `{name}`", "give one another name")
            self.names.append(name)
        self.depth += 1
        if self.depth > _DEEPEST:
            raise BadPattern("has too many groups within groups", f"at most {_DEEPEST} are read")
        inner = self.choice()
        self.depth -= 1
        if not self.next_is(")"):
            raise BadPattern("has a `(` that nothing closes", "write `\\(` for the character")
        return Kept(inner, name) if kept else inner

    def escaped(self) -> Tree:
        character = self.text[self.at : self.at + 1]
        if character and character in "AZzbB":
            self.at += 1
            return Edge("Z" if character == "z" else character)  # type: ignore[arg-type] # one of them
        return Chars(self.fold(self.after_backslash()))

    def after_backslash(self) -> int:
        """The bytes that `\\d`, `\\.` or `\\x2f` means; also within brackets."""
        character = self.text[self.at : self.at + 1]
        self.at += 1
        if kind := _KINDS.get(character.lower(), 0):
            return kind if character.islower() else ANY ^ kind
        if character in _ESCAPED:
            return 1 << _ESCAPED[character]
        if character == "x" and re.fullmatch("[0-9A-Fa-f]{2}", self.text[self.at : self.at + 2]):
            self.at += 2
            return 1 << int(self.text[self.at - 2 : self.at], 16)
        if character.isdecimal():
            raise BadPattern(
                f"refers back to a group: `\\{character}`",
                "that can't be matched in linear time; write out what the group may be",
            )
        if not character or character.isalnum():
            raise BadPattern(f"has an unknown escape: `\\{character}`", "remove the `\\`")
        return _bit(character)

    def bracket(self) -> int:
        start = self.at
        negated = self.next_is("^")
        meant = 0
        first = True
        while first or not self.next_is("]"):
            if self.text.startswith("[:", self.at):
                raise BadPattern("has a named set: `[:…:]`", "write it as `[A-Za-z0-9]` or `\\w`")
            low = self.member()
            if self.text[self.at : self.at + 1] == "-" and self.text[self.at + 1 :][:1] != "]":
                self.at += 1
                low = _range(low, self.member(), self.text[start - 1 : self.at])
            meant |= low
            first = False
        meant = self.fold(meant)
        return ANY ^ meant if negated else meant

    def member(self) -> int:
        if self.at >= len(self.text):
            raise BadPattern("has a `[` that nothing closes", "write `\\[` for the character")
        self.at += 1
        if self.text[self.at - 1] == "\\":
            return 1 << 8 if self.next_is("b") else self.after_backslash()
        return _bit(self.text[self.at - 1])

    def next_is(self, character: str) -> bool:
        found = self.text.startswith(character, self.at)
        self.at += found
        return found

    def fold(self, meant: int) -> int:
        if self.folded:
            upper, lower = meant >> 0x41 & _LETTERS, meant >> 0x61 & _LETTERS
            meant |= upper << 0x61 | lower << 0x41
        return meant


def read(text: str) -> Tree:
    """The tree of an expression, and an error where it isn't one. Raises: BadPattern."""
    return _Reader(text).whole()


def _judge_opening(opening: str, *, kept: bool) -> None:
    if kept or opening == "?:":
        return
    if opening in _AROUND:
        raise BadPattern(
            f"looks around itself: `({opening}`",
            f"a {_AROUND[opening]} can't be matched in linear time; put a route of its own for"
            " the others before this one",
        )
    raise BadPattern(
        f"has a group of an unknown kind: `({opening}`",
        "write `(…)`, `(?:…)` or `(?<name>…)`; `(?i)` may stand at the beginning",
    )


def _range(low: int, high: int, text: str) -> int:
    if low.bit_count() != 1 or high.bit_count() != 1 or high < low:
        raise BadPattern(f"has a range that is none: `{text}`", "write `\\-` for the character")
    return (high << 1) - low


def _bit(character: str) -> int:
    if not "!" <= character <= "~":
        raise BadPattern(
            f"holds a character that no path can: `{character}`",
            "write it percent-encoded, as %20 for a space",
        )
    return 1 << ord(character)


def _bits(characters: str) -> int:
    return sum(1 << ord(character) for character in set(characters))


_LETTERS: Final = (1 << 26) - 1
_DIGITS: Final = "0123456789"
_KINDS: Final = {
    "d": _bits(_DIGITS),
    "w": _bits(_DIGITS + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"),
    "s": _bits(" \t\n\r\f\v"),
}
