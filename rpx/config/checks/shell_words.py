"""Words of a command's list that were written for a shell, which never sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rpx.model.config import Config, Start

_OPERATOR = re.compile(r"&&|\|\|?|;|&|[0-9]?>{1,2}(?:&[0-9])?|[0-9]?<{1,3}")
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"})
_VARIABLE = re.compile(r"\$\{?[A-Za-z_]")


def shell_words(config: Config) -> Iterator[str]:
    """A sentence for each command that is a list and has some."""
    starts = [source.start for proxy in config.proxies for source in proxy.sources]
    starts += [proxy.start for proxy in config.proxies]
    starts += [process.start for process in config.processes]
    told: set[str] = set()
    for start in starts:
        word = _meant_for_a_shell(start) if start is not None else None
        if start is not None and word is not None and start.where not in told:
            told.add(start.where)
            yield (
                f"no shell reads a command that is a list, and `{word}` is passed on as it is"
                f" ({start.where}); write the command as a text"
            )


def _meant_for_a_shell(start: Start) -> str | None:
    """The first such word. One with a blank is a script for somebody else, and so is that of a
    shell that the list itself starts.
    """
    if isinstance(start.command, str) or start.container is not None:
        return None
    if start.command[0].rpartition("/")[2] in _SHELLS:
        return None
    for word in start.command[1:]:
        if _OPERATOR.fullmatch(word) or (_VARIABLE.search(word) and not re.search(r"\s", word)):
            return word
    return None
