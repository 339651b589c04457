"""Which container engine a run has started containers by, in memory that the guardian shares.

When the supervisor has died it asks that engine to remove them. Standard library only.
"""

from __future__ import annotations

import mmap

SIZE = 8192  # bytes: the path of a program and two names


class EngineNote:
    """Made before the fork. Only the supervisor writes; the guardian reads when that has gone."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, SIZE)

    def write(self, name: str, program: str, run_id: str) -> None:
        """There may be containers of this run from now on."""
        text = f"{name}\0{program}\0{run_id}\0".encode()
        if len(text) < SIZE:
            self._page[: len(text)] = text

    def clear(self) -> None:
        """There are none any more."""
        self._page[:1] = b"\0"

    def read(self) -> tuple[str, str, str] | None:
        """The engine's name and program, and the run; None if there is nothing to ask it."""
        name, program, run_id, *_ = bytes(self._page).split(b"\0", 3)
        return (name.decode(), program.decode(), run_id.decode()) if name else None


def remove_containers(note: EngineNote) -> bool:
    """For the guardian: remove what is left; False if there was nothing to do."""
    written = note.read()
    if written is None:
        return False
    from rpx.engine.engine_client import Engine  # noqa: PLC0415 - most guardians never need it
    from rpx.engine.leftovers import RUN, remove_all  # noqa: PLC0415

    name, program, run_id = written
    return remove_all(Engine(name, program), RUN, run_id) > 0
