"""The answer to a shell that asks what may stand where somebody is typing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rpx.cli.at_tab.command_table import Table, command_table
from rpx.cli.at_tab.known import KINDS, Known

ASKED: Final = "_RPX_COMPLETE"  # bash_complete, zsh_complete, fish_complete
_PATHS: Final = {"file": "file", "folder": "dir"}  # for which the shell looks itself

Said = tuple[str, str, str]  # plain, file or dir; a word; what it is


def answered() -> bool:
    """Whether a shell is asking; then it has its answer. Whatever goes wrong is not for the line
    that somebody is typing.
    """
    shell, _, what = os.environ.get(ASKED, "").partition("_")
    if what != "complete":
        return False
    try:
        before, incomplete = _line(shell)
        found = list(offers(command_table(), before, incomplete))
        sys.stdout.write("".join(_form(shell, each) for each in dict.fromkeys(found)))
        sys.stdout.flush()
    except Exception:  # noqa: BLE001, S110 - see above
        pass
    return True


def _line(shell: str) -> tuple[list[str], str]:
    """The words behind `rpx` and before the one that is being typed; and that."""
    line, at = os.environ["COMP_WORDS"], os.environ.get("COMP_CWORD", "")
    words = _split(line)
    if shell == "fish":  # it says the word itself
        before = words[1:]
        return (before[:-1] if at and before[-1:] == [at] else before), at
    if not at:  # the line ends with the word
        return (words[1:], "") if line[-1:].isspace() else (words[1:-1], words[-1])
    index = int(at)
    return words[1:index], words[index] if index < len(words) else ""


def _split(text: str) -> list[str]:
    """The words of a line, which may end within quotes."""
    import shlex  # noqa: PLC0415 - with its patterns, which the shell's own script doesn't need

    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        words.extend(lexer)
    except ValueError:
        words.append(lexer.token)
    return words


@dataclass(slots=True)
class _Typed:
    """What stands on the line already."""

    command: str = ""
    arguments: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    file: Path | None = None
    wanting: dict[str, Any] | None = None  # the option whose value is being typed
    only_arguments: bool = False

    def take(self, table: Table, word: str) -> None:
        """One more word."""
        if self.wanting is not None:
            self._value(self.wanting, word)
            self.wanting = None
        elif word == "--":
            self.only_arguments = True
        elif word.startswith("-") and word != "-" and not self.only_arguments:
            name, equals, value = word.partition("=")
            self.flags.add(name)
            option = option_of(table[self.command], name)
            if option is not None and option["takes"] is not None:
                if equals:
                    self._value(option, value)
                else:
                    self.wanting = option
        elif not self.command:
            self.command = word if word in table else "?"
        else:
            self.arguments.append(word)

    def _value(self, option: dict[str, Any], value: str) -> None:
        if "--file" in option["flags"]:
            self.file = Path(os.path.abspath(os.path.expanduser(value)))


def option_of(command: dict[str, Any], name: str) -> dict[str, Any] | None:
    """The option of a command that has this flag."""
    options: list[dict[str, Any]] = command["options"]
    return next((each for each in options if name in each["flags"]), None)


def offers(table: Table, before: Sequence[str], incomplete: str) -> Iterator[Said]:
    """What may stand behind these words, and begins as the last one does."""
    typed = _Typed()
    for word in before:
        typed.take(table, word)
        if typed.command == "?":
            return
    command = table[typed.command]
    known = Known(typed.file, incomplete)
    if typed.wanting is not None:
        yield from _values(typed.wanting["takes"], known, "")
    elif incomplete.startswith("-") and not typed.only_arguments:
        name, equals, begun = incomplete.partition("=")
        if not equals:
            yield from _flags(command, typed, incomplete)
        elif (option := option_of(command, name)) is not None and option["takes"] is not None:
            yield from _values(option["takes"], Known(typed.file, begun), f"{name}=")
    elif not typed.command:
        yield from _begun(((n, each["help"]) for n, each in table.items() if n), incomplete)
    else:
        yield from _argument(command, typed, known)


def _flags(command: dict[str, Any], typed: _Typed, incomplete: str) -> Iterator[Said]:
    """Its options, each by its longest flag; those that are there already only if they may be so
    several times.
    """
    for option in command["options"]:
        if option["many"] or not typed.flags & set(option["flags"]):
            flag = max(option["flags"], key=len)
            yield from _begun([(flag, option["help"])], incomplete)


def _argument(command: dict[str, Any], typed: _Typed, known: Known) -> Iterator[Said]:
    arguments, at = command["arguments"], len(typed.arguments)
    if not arguments or (at >= len(arguments) and not arguments[-1]["many"]):
        return
    there = {word for word in typed.arguments if arguments[-1]["many"]}
    for said in _values(arguments[min(at, len(arguments) - 1)]["takes"], known, ""):
        if said[1] not in there:
            yield said


def _values(takes: str | list[str], known: Known, before: str) -> Iterator[Said]:
    """What an option or an argument may be; `before` is what stands in the same word."""
    if isinstance(takes, list):
        yield from _begun(((word, "") for word in takes), known.incomplete, before)
    elif takes in _PATHS:
        yield _PATHS[takes], known.incomplete, ""
    elif takes in KINDS:
        yield from _begun(KINDS[takes](known), known.incomplete, before)


def _begun(found: Any, incomplete: str, before: str = "") -> Iterator[Said]:  # noqa: ANN401
    for word, what in found:
        if word.startswith(incomplete):
            yield "plain", before + word, " ".join(what.split())


def _form(shell: str, said: Said) -> str:
    """One of the answers, as the script of this shell reads it."""
    kind, word, what = said
    match shell:
        case "zsh":  # whose descriptions stand behind a colon
            return f"{kind}\n{word.replace(':', chr(92) + ':') if what else word}\n{what or '_'}\n"
        case "fish":
            return f"{kind},{word}\t{what}\n" if what else f"{kind},{word}\n"
        case _:
            return f"{kind},{word}\n"
