"""What there is to say beside an exported file: what was guessed, and what did not come over."""

from __future__ import annotations

from rpx.config.yaml.document import Document, Steps
from rpx.moving.remarks import Came, Origin, Remark


class Remarked:
    """Remarks on one export, each once. Places are steps in the file as it is `written`."""

    def __init__(self, written: Document) -> None:
        self._written = written
        self._found: dict[Remark, None] = {}

    def carried(self, service: str, what: str, why: str, at: Steps = (), hint: str = "") -> None:
        """Say that something is there, in another way than one may think."""
        self._add(Remark(Came.CARRIED, service, what, why, self._origin(at), hint))

    def guessed(self, service: str, what: str, why: str, at: Steps = (), hint: str = "") -> None:
        """Say that something is written which rpx.yaml doesn't say."""
        self._add(Remark(Came.GUESSED, service, what, why, self._origin(at), hint))

    def lost(self, service: str, what: str, why: str, at: Steps = (), hint: str = "") -> None:
        """Say that something of rpx.yaml is not in what is written."""
        self._add(Remark(Came.LOST, service, what, why, self._origin(at), hint))

    @property
    def remarks(self) -> list[Remark]:
        """What is there in another way, then what was guessed, then what was lost, each by line."""
        order = list(Came)
        return sorted(self._found, key=lambda each: (order.index(each.came), each.origin.line))

    def _add(self, remark: Remark) -> None:
        self._found[remark] = None

    def _origin(self, at: Steps) -> Origin:
        file, _, place = self._written.where(at).partition(":")
        line = place.partition(":")[0]
        return Origin(file, int(line)) if line.isdecimal() and at else Origin(file)
