"""The other projects of this user that run, for the tabs of a dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OtherProject:
    """A project that runs. `state` is a word for the whole, null where nobody knows. `here`: it is
    the one that answers.
    """

    name: str
    realm: str | None
    state: str | None
    here: bool


class OtherProjects(Protocol):
    """Who knows them. Both may block."""

    def all(self) -> Mapping[str, OtherProject]:
        """Return all that run, with this one, by the paths of their files."""
        ...

    def link(self, file: str) -> str:
        """Return a URL that lets one browser into that one's dashboard. Raises: RpxError."""
        ...
