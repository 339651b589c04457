"""The engine as a program that is asked, and answers within a bounded time. Everything blocks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

ANSWERS_WITHIN = 20.0  # seconds; an engine that removes a busy container takes some
NEVER = -1  # the code of an answer that has not come


@dataclass(frozen=True, slots=True)
class EngineSaid:
    """An answer: the exit code (`NEVER`: none came), and both outputs."""

    code: int
    out: str = ""
    err: str = ""

    @property
    def well(self) -> bool:
        """It has done what it was asked."""
        return self.code == 0

    @property
    def complaint(self) -> str:
        """The last line of what it says is wrong, without the word for it."""
        lines = [line.strip() for line in self.err.splitlines() if line.strip()]
        last = lines[-1] if lines else f"it ended with {self.code}"
        return last.removeprefix("Error: ").removeprefix("Error response from daemon: ")


@dataclass(frozen=True, slots=True)
class Engine:
    """One that answers. `name` is "docker" or "podman", `program` an absolute path. `init`: it has
    a first process for containers that passes signals on and waits for orphans. `bridges`: they
    have networks of their own.
    """

    name: str
    program: str
    init: bool = True
    bridges: bool = True

    @property
    def outside(self) -> str:
        """The name of this machine in its containers."""
        return f"host.{'docker' if self.name == 'docker' else 'containers'}.internal"

    def ask(self, *words: str, within: float = ANSWERS_WITHIN) -> EngineSaid:
        """Run a command of it that is soon over."""
        return ask(self.program, words, within)


def ask(program: str, words: Sequence[str], within: float) -> EngineSaid:
    """Run the engine's program; what it says, also that it could not be run or did not end."""
    try:
        done = subprocess.run(
            (program, *words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=within,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,  # the terminal's Ctrl-C is not for it
        )
    except subprocess.TimeoutExpired:
        return EngineSaid(NEVER, err=f"no answer within {within:g} s")
    except OSError as error:
        return EngineSaid(NEVER, err=str(error.strerror))
    return EngineSaid(done.returncode, _text(done.stdout), _text(done.stderr))


def _text(said: bytes) -> str:
    return said.decode("utf-8", "replace")
