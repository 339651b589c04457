"""What an examination finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Status(Enum):
    """A warning is something to know; a problem is something that does not work."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `hint` says what to do where it is not ok."""

    check: str  # ports, trust, …
    subject: str
    status: Status
    detail: str
    hint: str = ""
