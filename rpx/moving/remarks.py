"""What became of what a file of another tool says: carried over, guessed, or lost."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Came(StrEnum):
    """How something came over. What is `CARRIED` as it was needs no remark."""

    CARRIED = "carried"  # by another word, or in another way than the reader may think
    GUESSED = "guessed"  # read from elsewhere, or likely: to be looked at
    LOST = "lost"  # not in rpx.yaml


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Where something was read: a file as the user names it, and a line from 1; 0 is the file."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that a user has to know about a move.

    `service` is the name in rpx.yaml, "" for the whole; `what` names the thing as its file
    writes it (`healthcheck`, `networks`), `why` is half a sentence, `hint` what to do, or "".
    """

    came: Came
    service: str
    what: str
    why: str
    origin: Origin
    hint: str = ""
    kept: bool = True  # it is worth a comment in rpx.yaml, where nothing else shows it

    def __str__(self) -> str:
        of = f"{self.service}: " if self.service else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{of}{self.what}: {self.why}{hint}"
