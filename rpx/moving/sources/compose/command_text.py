"""Compose's commands as those of rpx.

Compose takes a text apart into words and no shell sees them; variables are filled in before that,
and `$$` is a `$`. A process of rpx has a shell for a text and none for a list, and `$V` belongs to
that shell. So a command is carried as it is where both mean the same, else with its words quoted.
"""

from __future__ import annotations

import re
import shlex

from rpx.moving.lined import Lined
from rpx.moving.sources.compose.compose_files import ComposeProject

_VARIABLE = re.compile(r"\$(?:\$|[A-Za-z_]\w*|\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})")
_SHELLS = ("sh", "/bin/sh")
_IN_QUOTES = re.compile(r'(["\\`])')


def words_of(written: Lined | None) -> list[str] | None:
    """The words of a command as they are written, `$$` and variables in them; None for none."""
    if written is None or written.value is None:
        return None
    if isinstance(written.value, list):
        return [item.text for item in written.items]
    try:
        return shlex.split(written.text)
    except ValueError:
        return written.text.split()


def for_shell(parts: list[Lined]) -> str | list[str]:
    """The entrypoint and command, as a process of this machine has them.

    A text that has nothing which a shell would read in another way stays as it is written.
    """
    if len(parts) == 1 and isinstance(parts[0].value, str) and _is_simple(parts[0].text):
        return " ".join(parts[0].text.split("\n")).strip()
    words = [word for part in parts for word in words_of(part) or ()]
    if (line := _given_to_a_shell(words)) is not None:
        return line
    if any("$" in word for word in words) or any(isinstance(p.value, str) for p in parts):
        return " ".join(map(_quoted, words))
    return words


def _given_to_a_shell(words: list[str]) -> str | None:
    """The line of `sh -c LINE`, which rpx gives to a shell by itself; None for other commands."""
    if len(words) != 3 or words[0] not in _SHELLS or words[1] != "-c" or "\n" in words[2].strip():
        return None
    line = words[2]
    return None if set(_VARIABLE.findall(line)) - {"$$"} else line.replace("$$", "$")


def _is_simple(text: str) -> bool:
    """Whether a shell takes it apart as compose does. A line break would be another command."""
    return "$$" not in text and "\n" not in text.strip()


def _quoted(word: str) -> str:
    """A word that a shell makes the same of as compose: variables filled in, `$$` as a `$`."""
    pieces = _VARIABLE.split(word)
    variables = _VARIABLE.findall(word)
    if all(each == "$$" for each in variables):
        return shlex.quote(word.replace("$$", "$"))
    done = _IN_QUOTES.sub(r"\\\1", pieces[0])
    for variable, piece in zip(variables, pieces[1:], strict=True):
        done += "\\$" if variable == "$$" else variable
        done += _IN_QUOTES.sub(r"\\\1", piece)
    return f'"{done}"'


def for_container(
    written: Lined, project: ComposeProject, *, fill: bool
) -> tuple[str | list[str], bool]:
    """A command for an image, which no shell sees, and whether variables had to be filled in.

    Without `fill` rpx fills them in, as it does with an `entrypoint`.
    """

    def filled(value: Lined) -> str:
        return project.filled(value) if fill else value.text

    texts = written.items or [written]
    inserted = fill and any(each != "$$" for text in texts for each in _VARIABLE.findall(text.text))
    if isinstance(written.value, list):
        return list(map(filled, written.items)), inserted
    text = " ".join(filled(written).split("\n")).strip()
    try:
        shlex.split(text)
    except ValueError:  # a quote that is never closed: compose would refuse it
        return text.split(), inserted
    return text, inserted


def shell_of_check(written: Lined) -> str:
    """A text of a check, as a shell gets it: in compose `$$` is a `$` there, too."""
    return written.text.replace("$$", "$").strip()
