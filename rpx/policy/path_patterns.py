"""Which paths a route means: `/a`, `/a/*`, `/users/:id`, `/*.png`, and `~` with an expression."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rpx.policy.expression_trees import BadPattern, beginning, compiled, names_of_groups
from rpx.policy.expressions import read
from rpx.policy.linear_time import judge

_NAMED = re.compile(r":([A-Za-z_][A-Za-z0-9_]*)")
_NOT_IN_PATHS = re.compile(r"[^!-~]")
_ESCAPES = re.compile(r"%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A pattern for the path of a request: as it came, before its query, byte for byte.

    text        as it was written
    segments    what a path begins with, in this order; None is any segment that isn't empty
    below       of those that begin so, all are meant; else just the one that has nothing more
    expression  what a path must match in full, where that isn't all of it; also finds `groups`
    decided     that is all of it: who has seen the segments need not look at the expression
    groups      what it leaves open: "1", "2" … are what `*` takes, and the groups of an
                expression; others have names. With each, which group of the expression it is
    """

    text: str
    segments: tuple[bytes | None, ...]
    below: bool
    expression: re.Pattern[bytes] | None
    decided: bool
    groups: tuple[tuple[str, int], ...]

    @property
    def names(self) -> list[str]:
        """What a template may name: "1", "2", "id"."""
        return [name for name, _ in self.groups]

    @property
    def stem(self) -> bytes:
        """What paths begin with, as far as nothing is left open: `/a` of `/a/*`; b"" of `/*`."""
        return b"".join(b"/" + each for each in _known(self.segments))

    def matches(self, path: bytes) -> bool:
        """Whether it means this path."""
        if self.expression is not None:
            return self.expression.fullmatch(path) is not None
        return path == self.stem or (self.below and path.startswith(self.stem + b"/"))

    def taken(self, path: bytes) -> Mapping[str, bytes]:
        """What the groups are in a path that it means; b"" where one took no part."""
        if self.expression is None:
            return {"1": path[len(self.stem) + 1 :]} if self.below else {}
        match = self.expression.fullmatch(path)
        return {name: (match and match[index]) or b"" for name, index in self.groups}


def read_pattern(text: str) -> PathPattern:
    """What `text` means. Raises: BadPattern."""
    if text.startswith("~"):
        return _expression(text)
    if not text.startswith("/"):
        raise BadPattern("does not begin with a `/`", _beginning_hint(text))
    if "?" in text or "#" in text:
        raise BadPattern(
            "has more than a path", "the query is a condition of its own: `query: {v: 2}`"
        )
    if strange := _NOT_IN_PATHS.search(text):
        raise BadPattern(
            f"holds a character that no path can: `{strange[0]}`",
            f"paths are compared as they come: write it as {_percent(strange[0])}",
        )
    if "**" in text:
        raise BadPattern(
            "has a `**`", "`/*` at the end means all below; elsewhere `*` is a segment"
        )
    return _segments(text)


def _expression(text: str) -> PathPattern:
    source = text[1:].lstrip(" ")
    if source.startswith("*"):
        raise BadPattern(
            "begins with nginx's `~*`",
            f"without regard to case is `~(?i){source[1:].lstrip()}`; it is matched from the"
            " beginning of the path to its end",
        )
    tree = read(source)
    judge(tree)
    stem = tuple(beginning(tree).split(b"/")[1:-1])
    numbered = list(enumerate(names_of_groups(tree), 1))
    groups = [(str(number), number) for number, _ in numbered]
    groups += [(name, number) for number, name in numbered if name]
    return PathPattern(text, stem, True, compiled(tree), False, tuple(groups))


def _segments(text: str) -> PathPattern:
    *parts, last = text.split("/")[1:]
    below = last == "*"
    if not below:
        parts.append(last)
    if all("*" not in part and not part.startswith(":") for part in parts):
        known = tuple(part.encode() for part in parts)
        return PathPattern(text, known, below, None, True, (("1", 1),) if below else ())
    names: list[str] = []
    source = "".join("/" + _segment(part, names) for part in parts)
    if below:
        names.append("")
        source += "(?:/(.*))?"
    numbers = iter(range(1, len(names) + 1))
    groups = tuple((name or str(next(numbers)), index) for index, name in enumerate(names, 1))
    if twice := next((name for name in names if name and names.count(name) > 1), None):
        raise BadPattern(f"has two segments called `:{twice}`", "give one of them another name")
    decided = all("*" not in part or part == "*" for part in parts)
    steps = tuple(None if "*" in part or part[:1] == ":" else part.encode() for part in parts)
    if not decided:
        steps, below = tuple(_known(steps)), True
    return PathPattern(text, steps, below, re.compile(source.encode()), decided, groups)


def _segment(part: str, names: list[str]) -> str:
    """The expression for a segment; what it calls its groups is added to `names`, "" for a `*`."""
    if part.startswith(":"):
        named = _NAMED.fullmatch(part)
        if named is None:
            raise BadPattern(
                f"has a name that is none: `{part}`",
                "`:id` is a whole segment: a letter, then letters, digits and _; an expression can"
                " name less: `~/users/(?<id>[0-9]+)\\.json`",
            )
        names.append(named[1])
        return "([^/]+)"
    if part == "*":
        names.append("")
        return "([^/]+)"
    *before, last = part.split("*")
    names += [""] * len(before)
    # Where the next literal comes first is as good as any later place, and nothing is tried again.
    first, *between = map(re.escape, before or [last])
    if not before:
        return first
    inner = "".join(f"(?>([^/]*?){each})" for each in between)
    return f"{first}{inner}([^/]*){re.escape(last)}"


def _known(segments: tuple[bytes | None, ...]) -> Iterator[bytes]:
    """The segments up to the first that may be any."""
    for each in segments:
        if each is None:
            return
        yield each


def _beginning_hint(text: str) -> str:
    if not text:
        return "leave it out for any path"
    if text.startswith("^"):
        return f"an expression has a `~` in front: `~{text}`"
    if text.startswith("*."):
        return f"files of one folder are `/{text}`, of all folders `~/.*\\{text[1:]}`"
    return f"write it as /{text}"


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
