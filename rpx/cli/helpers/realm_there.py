"""The realm that a command computes hosts with."""

from __future__ import annotations

from pathlib import Path

from rpx.runs.lease import running


def realm_there(config: Path, asked: str | None = None) -> str | None:
    """The realm that is `asked` for, else that of the project where it runs; None: as usual."""
    if asked is None and (lease := running(config)):
        return lease.realm
    return asked
