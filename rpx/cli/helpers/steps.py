"""Steps that change the machine: each is said, then taken; with sudo only on a terminal."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from rpx.certificates.authority_files import caller
from rpx.cli.terminal.output import say
from rpx.errors import RpxError
from rpx.programs import Step, found

NOBODY: Final = "one step needs root, and there is no terminal to ask for the password on"


class Steps:
    """The steps of one command: those taken, those that need root, those that failed.

    `unattended`: without a terminal, too, sudo is used where it asks for no password. `told`: the
    user has seen the steps, so that only the commands are said.
    """

    def __init__(self, *, unattended: bool = False, told: bool = False) -> None:
        self.taken = 0
        self._unattended = unattended
        self._told = told
        self._left: list[Step] = []
        self._failed: list[str] = []

    def take(self, where: str, steps: Sequence[Step]) -> bool:
        """Take them one after the other; False where one could not be."""
        if steps:
            say(f"{where}:")
        for number, step in enumerate(steps):
            command, sudo = self._as_whom(step)
            for line in shown(step)[1:2] if self._told else shown(step):
                say(line)
            if step.root and os.getuid() and not sudo:
                self._left += steps[number:]
                return False
            if error := _run(command, step, sudo=sudo):
                say(f"  error: {error}")
                self._failed.append(where)
                return False
            self.taken += 1
        return True

    def complete(self, again: str) -> None:
        """Say that nothing is left; `again` is the command to give otherwise.

        Raises: RpxError where not all steps could be taken.
        """
        if self._failed:
            raise RpxError(
                f"not everything could be done: {', '.join(self._failed)}",
                hint=f"what went wrong is said above; `{again}` goes on where it is needed",
            )
        if self._left:
            how = (
                f"run this yourself, or `{again}` on a terminal"
                if has_sudo()
                else "run this as root"
            )
            raise RpxError(NOBODY, hint=f"{how}:\n  {_typed(self._left)}")

    def _as_whom(self, step: Step) -> tuple[tuple[str, ...], bool]:
        """The command as it is run, and whether with sudo."""
        if not (step.root and os.getuid() and has_sudo()):
            return step.command, False
        if self._unattended and not sys.stdin.isatty():
            return ("sudo", "-n", *step.command), _asks_for_nothing()
        return ("sudo", *step.command), sys.stdin.isatty()


def shown(step: Step) -> list[str]:
    """A step as people see it: why, its command, and what that reads."""
    sudo = ("sudo",) if step.root and os.getuid() and has_sudo() else ()
    return [
        f"  {step.why}",
        f"    $ {shlex.join((*sudo, *step.command))}",
        *(f"      < {line}" for line in step.text.splitlines()),
    ]


def _asks_for_nothing() -> bool:
    """Whether sudo works without a password now."""
    command = (found("sudo") or "sudo", "-n", "true")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode == 0


def has_sudo() -> bool:
    """Whether this machine has it."""
    return shutil.which("sudo") is not None


def as_root(*words: str) -> str:
    """A command of rpx as it is typed by a user who is to be root for it, and stays its subject."""
    # Neither passes the environment on, and sudo has a PATH of its own.
    data = os.environ.get("XDG_DATA_HOME")
    given = [f"XDG_DATA_HOME={data}"] if data else []
    command = (os.path.abspath(sys.argv[0]), *words)
    if has_sudo():
        return shlex.join(("sudo", *given, *command))
    return f"su -c {shlex.quote(shlex.join((f'SUDO_UID={os.getuid()}', *given, *command)))}"


def _typed(steps: Sequence[Step]) -> str:
    """Steps as one line for a shell."""
    sudo, lines = ("sudo",) if has_sudo() else (), []
    for step in steps:
        given_lines = shlex.join(step.text.splitlines())
        given = f"printf '%s\\n' {given_lines} | " if step.text else ""
        lines.append(given + shlex.join((*(sudo if step.root else ()), *step.command)))
    line = " && ".join(lines)
    return line if has_sudo() else f"su -c {shlex.quote(line)}"


def _run(command: tuple[str, ...], step: Step, *, sudo: bool) -> str:
    """Run it; what is wrong, or nothing."""
    user = None if step.root else _user()
    try:
        ended = subprocess.run(
            (found(command[0]) or command[0], *command[1:]),
            # sudo asks for the password on the terminal itself
            **(
                {"input": step.text}
                if step.text
                else {"stdin": None if sudo else subprocess.DEVNULL}
            ),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            user=user,
            group=None if user is None else caller().pw_gid,
            extra_groups=None if user is None else (),
        )
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    if ended.returncode == 0:
        return ""
    return (ended.stderr or ended.stdout).strip() or f"it ended with {ended.returncode}"


def _user() -> int | None:
    """Whom to be for a step that is not for root: under sudo its caller, or files change hands."""
    uid = caller().pw_uid
    return uid if os.getuid() == 0 and uid != 0 else None
