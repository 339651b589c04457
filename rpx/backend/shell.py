"""What the shell is for: commands written as one string."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

SH: Final = "/bin/sh"

# A first word without anything that the shell would replace, and that is no assignment.
_FIRST_WORD: Final = re.compile(r"\s*([\w./+@-]+)(?=\s|$|[;&|<>])")
# One command and its arguments, which the shell may still expand; nothing that joins commands.
_ONE_COMMAND: Final = re.compile(r"\s*[\w./+@-]+(?:[ \t][^;&|<>()`\n#!{}]*)?")
# First words that some shell knows itself: POSIX's, and those of dash, bash, busybox and ksh. There
# need be no program of that name, as /bin/kill in the slim images of Debian.
_WORDS: Final = (
    ". : [ [[ ! { alias bg bind break builtin caller case cd chdir command compgen complete "
    "compopt continue coproc declare dirs disown do done echo elif else enable esac eval exec "
    "exit export false fc fg fi for function getopts hash help history if in integer jobs "
    "kill let local logout mapfile popd print printf pushd pwd read readarray readonly return "
    "select set shift shopt source suspend test then time times trap true type typeset ulimit "
    "umask unalias unset until wait whence while "
)
_BUILTIN: Final = frozenset(_WORDS.split())
# What a shell takes for a variable. Others, as `spring.profiles.active`, dash and its kind drop;
# bash passes them on.
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FUNCTION: Final = "BASH_FUNC_"  # bash's own way to pass on a function: nobody else wants it
BASHES: Final = ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash")


def first_word(command: str) -> str | None:
    """Return the program of a shell's command, None where only the shell could tell."""
    word = _FIRST_WORD.match(command)
    return word[1] if word else None


def argv(
    command: str | tuple[str, ...], environment: Mapping[str, str] = MappingProxyType({})
) -> tuple[str, ...]:
    """Return what is executed for a command: itself, or for a string a shell.

    A shell that would only wait for one program is replaced by it: signals, exit status and pid
    are then the program's own, and there is one process less for each service. All of its
    `environment` is to reach the program, also what a plain shell would drop.
    """
    if isinstance(command, tuple):
        return command
    alone = bool(_ONE_COMMAND.fullmatch(command)) and first_word(command) not in _BUILTIN
    odd = dropped(environment)
    if not odd:
        return (SH, "-c", f"exec {command}" if alone else command)
    if bash := next(filter(_is_program, BASHES), None):
        return (bash, "--posix", "-c", f"exec {command}" if alone else command)
    if alone:
        added = " ".join(shlex.quote(f"{name}={environment[name]}") for name in odd)
        return (SH, "-c", f"exec env {added} {command}")
    return (SH, "-c", command)


def dropped(environment: Iterable[str]) -> list[str]:
    """Return the names that /bin/sh would keep from what it runs."""
    odd = [name for name in environment if not _NAME.fullmatch(name)]
    odd = [name for name in odd if not name.startswith(_FUNCTION)]
    return odd if odd and not _is_bash() else []


def unreached(command: str | tuple[str, ...], environment: Iterable[str]) -> list[str]:
    """Return the names that don't reach what `command` runs, by whatever way."""
    if isinstance(command, tuple) or any(map(_is_program, BASHES)):
        return []
    alone = bool(_ONE_COMMAND.fullmatch(command)) and first_word(command) not in _BUILTIN
    return [] if alone else dropped(environment)


def _is_program(path: str) -> bool:
    return os.access(path, os.X_OK)


@cache
def _is_bash() -> bool:
    return os.path.basename(os.path.realpath(SH)) == "bash"
