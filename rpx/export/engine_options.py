"""Words for `docker run` that other tools have a word of their own for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

# flag → its long form; those that have a value
_SHORT: Final = {"-m": "--memory", "-u": "--user", "-h": "--hostname", "-w": "--workdir"}
_FLAGS: Final = frozenset({"--read-only", "--privileged", "--init"})


def options_of(words: Sequence[str]) -> tuple[Mapping[str, list[str]], list[str]]:
    """Return what `container_options` say, by the long name of each flag without its dashes, and
    the words that are no flags.
    """
    found: dict[str, list[str]] = {}
    others: list[str] = []
    rest = [part for each in words for part in each.split()]
    while rest:
        flag, equals, value = rest.pop(0).partition("=")
        flag = _SHORT.get(flag, flag)
        if not flag.startswith("--"):
            others.append(f"{flag}{equals}{value}")
            continue
        if not equals and flag not in _FLAGS:
            value = rest.pop(0) if rest and not rest[0].startswith("-") else "true"
        found.setdefault(flag.removeprefix("--"), []).append(value or "true")
    return found, others
