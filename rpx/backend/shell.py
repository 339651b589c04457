"""What the shell is for: commands written as one string."""

from __future__ import annotations

import re
from typing import Final

# A first word without anything that the shell would replace, and that is no assignment.
_FIRST_WORD: Final = re.compile(r"\s*([\w./+@-]+)(?=\s|$|[;&|<>])")
# One command and its arguments, which the shell may still expand; nothing that joins commands.
_ONE_COMMAND: Final = re.compile(r"\s*[\w./+@-]+(?:[ \t][^;&|<>()`\n#!{}]*)?")
# First words that are the shell's own and that no program of that name could replace.
_BUILTIN: Final = frozenset(
    {
        ".",
        ":",
        "alias",
        "bg",
        "break",
        "case",
        "cd",
        "command",
        "continue",
        "eval",
        "exec",
        "exit",
        "export",
        "fg",
        "for",
        "getopts",
        "hash",
        "if",
        "jobs",
        "local",
        "read",
        "readonly",
        "return",
        "set",
        "shift",
        "source",
        "times",
        "trap",
        "type",
        "ulimit",
        "umask",
        "unalias",
        "unset",
        "until",
        "wait",
        "while",
    }
)


def first_word(command: str) -> str | None:
    """Return the program of a shell's command, None where only the shell could tell."""
    word = _FIRST_WORD.match(command)
    return word[1] if word else None


def argv(command: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return what is executed for a command: itself, or for a string a shell.

    A shell that would only wait for one program is replaced by it: signals, exit status and pid
    are then the program's own, and there is one process less for each service.
    """
    if isinstance(command, tuple):
        return command
    alone = _ONE_COMMAND.fullmatch(command) and first_word(command) not in _BUILTIN
    return ("/bin/sh", "-c", f"exec {command}" if alone else command)
