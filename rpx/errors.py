"""The one way rpx says that something is wrong: what, where, what to do next, and an exit code.

And how it repeats what others have written: a command line, a name, a folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

BRIEF = 200  # characters of a command line: with a class path it may have thirty thousand

# Control characters but tab and newline, what turns the direction of reading, and bytes that are no
# text (lone surrogates).
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""Return the text of others with `\x1b` where it has an escape byte: it moves no cursor."""
    return text if text.isprintable() else _UNSEEN.sub(_named, text)


def brief(text: str) -> str:
    """Return a command line on one line, with `…` where it is longer than people read."""
    line = " ".join(text.split())
    return line if len(line) <= BRIEF else f"{line[: BRIEF - 1]}…"


def _named(character: re.Match[str]) -> str:
    number = ord(character[0])
    if 0xDC80 <= number <= 0xDCFF:  # PEP 383
        number -= 0xDC00
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


class Exit(IntEnum):
    """Exit codes of every command (docs/commands.md)."""

    FINE = 0
    FAILED = 1
    USAGE = 2  # bad usage or configuration
    NOT_RUNNING = 3
    TIMEOUT = 124


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `where` is `file:line:column`, `excerpt` the line that shows it."""

    what: str
    where: str = ""
    excerpt: str = ""
    hint: str = ""

    def __str__(self) -> str:
        lines = [f"error: {self.what}"]
        if self.where:
            lines.append(f"  --> {self.where}")
        if self.excerpt:
            lines.append(self.excerpt)
        if self.hint:
            if self.excerpt:
                lines.append("")
            lines.append(f"hint: {self.hint}")
        return visible("\n".join(lines))


class RpxError(Exception):
    """An error for the user's eyes: printed without a traceback, then `exit_code`."""

    exit_code: int = Exit.FAILED

    def __init__(
        self, what: str, *, where: str = "", hint: str = "", exit_code: int | None = None
    ) -> None:
        self.problems: tuple[Problem, ...] = (Problem(what, where, "", hint),)
        if exit_code is not None:
            self.exit_code = exit_code
        super().__init__(what)

    def __str__(self) -> str:
        return "\n\n".join(str(problem) for problem in self.problems)


class UsageError(RpxError):
    """The command line or an order asks for something that does not exist."""

    exit_code = Exit.USAGE


class ConfigError(RpxError):
    """Everything that is wrong with a configuration, sorted by line."""

    exit_code = Exit.USAGE

    def __init__(self, *problems: Problem) -> None:
        super().__init__(problems[0].what)
        self.problems = problems


class NotRunning(RpxError):
    """A command looks for a running project and there is none."""

    exit_code = Exit.NOT_RUNNING


class TookTooLong(RpxError):
    """A wait that the user bounded has ended."""

    exit_code = Exit.TIMEOUT
