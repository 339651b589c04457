"""The machine that is set up, and the user for whom: a value, so that tests have one of theirs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rpx.certificates.authority_files import caller, home


@dataclass(frozen=True, slots=True)
class System:
    """Where its files are, and whose home is meant. `root` is `/`; a test has a folder."""

    root: Path
    platform: str  # as sys.platform
    uid: int
    user: str
    home: Path
    shell: str  # the name of the user's login shell, such as zsh
    environ: Mapping[str, str]  # of the user; empty under sudo, which has dropped it

    def at(self, path: str) -> Path:
        """Where an absolute path of the machine is."""
        return self.root / path.lstrip("/")

    def text(self, path: str) -> str | None:
        """What is in a file of the machine; None where it can't be read."""
        return text_of(self.at(path))

    def folder(self, variable: str, below: str) -> Path:
        """A folder of the user by XDG's rules; `below` the home where it is not set."""
        written = self.environ.get(variable, "")
        return Path(written) if os.path.isabs(written) else self.home / below


def this_system() -> System:
    """The machine that this runs on. Under sudo the user is the one who has called it."""
    user = caller()
    ours = user.pw_uid == os.getuid()
    shell = (os.environ.get("SHELL") if ours else None) or user.pw_shell
    return System(
        root=Path("/"),
        platform=sys.platform,
        uid=user.pw_uid,
        user=user.pw_name,
        home=home(),
        shell=os.path.basename(shell),
        environ=dict(os.environ) if ours else {},
    )


def text_of(path: Path) -> str | None:
    """What is in a file; None where it isn't, or can't be read."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
