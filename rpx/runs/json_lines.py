"""Answers of the control API that have no end: an object on each line (NDJSON)."""

from __future__ import annotations

import json
from typing import Any


class Lines:
    """Objects out of the chunks of NDJSON."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        """The objects that are whole with this chunk. Raises: ValueError for what isn't JSON."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        return [json.loads(line) for line in whole]
