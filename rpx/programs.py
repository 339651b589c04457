"""Programs of this system that rpx asks or has do something: where they are, what they say."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SYSTEM_PATH: Final = "/usr/sbin:/sbin:/usr/bin:/bin"  # of root: a user's often lacks sbin
PATIENCE: Final = 60.0  # seconds for a tool that only reads


@dataclass(frozen=True, slots=True)
class Step:
    """A command and why it is run. `root`: it needs to be root; else it is run as the user.

    `text` is what it reads from its standard input.
    """

    why: str
    command: tuple[str, ...]
    root: bool = False
    text: str = ""


def found(program: str) -> str | None:
    """Where a program is, looked for as root would, too."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}")


def said(command: Sequence[str]) -> str:
    """What a reading command prints; nothing if it fails."""
    try:
        done = subprocess.run(
            (found(command[0]) or command[0], *command[1:]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")
