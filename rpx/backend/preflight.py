"""What can be known to fail before anything is started: missing commands, taken ports."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from rpx.backend.fleet import child_environment
from rpx.backend.free_ports import LOOPBACK, is_taken
from rpx.backend.processes import PortOwner, port_owner
from rpx.backend.shell import first_word, unreached
from rpx.backend.socket_file import clear
from rpx.backend.strangers import ancestors, forwards, is_forwarded
from rpx.errors import ConfigError, Problem, RpxError, brief
from rpx.model.address import Address, SocketFile
from rpx.model.config import Start
from rpx.model.status import BackendSpec
from rpx.policy.depend import after_oneshots


class Running(Protocol):
    """A project of rpx's that runs."""

    @property
    def name(self) -> str: ...
    @property
    def config(self) -> Path: ...


Whose = Callable[[int | None, str], Running | None]  # of a pid, or of a value of RPX_INSTANCE


def preflight(
    specs: Iterable[BackendSpec], late: Collection[str] | None = None, whose: Whose | None = None
) -> None:
    """Raise what is wrong with commands (all at once), then with where these are to listen.

    `whose` tells which project has a port that is taken.

    Commands of those that are `late`, by label, are not looked at; None: who of these is, is known
    from these.

    An address whose process is not one of these is nothing to look at: it may have it already.
    """
    specs = list(specs)
    check_commands(specs, after_oneshots(specs) if late is None else late)
    places = _taken_by(specs)
    for spec in places.values():
        if isinstance(spec.address, SocketFile):
            _check_socket(spec, spec.address)
        elif spec.address is not None:
            _check_port(f"the port of `{spec.label}`", spec, spec.address, whose)
    for spec in specs:
        for setting, address in _shown_at(spec):
            if address.place not in places:
                _check_sign(f"the `{setting}` port of `{spec.name}`", spec, address, whose)


def _taken_by(specs: Sequence[BackendSpec]) -> dict[object, BackendSpec]:
    """Where processes of these are to listen, each place once."""
    started = {spec.label for spec in specs if spec.start is not None}
    places: dict[object, BackendSpec] = {}
    for spec in specs:
        if spec.address is not None and started & {spec.label, spec.served_by}:
            places.setdefault(spec.address.place, spec)
    return places


def check_commands(specs: Iterable[BackendSpec], late: Collection[str] = ()) -> None:
    """Look for the programs that commands start; the `late` may not have theirs yet.

    Raises: ConfigError with all that is wrong.
    """
    started = [(spec, spec.start) for spec in specs if spec.start is not None]
    problems: dict[Problem, None] = {}
    for spec, start in started:
        missing = None
        if spec.label not in late:
            missing = missing_command(start, child_environment(spec, start, colour=False))
        if missing is not None:
            problems[_no_command(spec, start, missing)] = None
        if names := unreached(start.command, start.env):
            problems[_unreached(spec, start, names)] = None
    if problems:
        raise ConfigError(*problems)


def missing_command(start: Start, environment: dict[str, str]) -> str | None:
    """Return the program that `start` would not find, None if there is no doubt.

    Of a shell's command only the first word is looked at, and only if it is a plain one.
    """
    if isinstance(start.command, str):
        word = first_word(start.command)
        return None if word is None or _shell_knows(word, start, environment) else word
    program = start.command[0]
    if os.sep in program:
        path = start.cwd / program
        return None if os.path.isfile(path) and os.access(path, os.X_OK) else program
    return None if shutil.which(program, path=environment.get("PATH")) else program


def _shell_knows(word: str, start: Start, environment: dict[str, str]) -> bool:
    script = 'command -v -- "$1" >/dev/null'
    done = subprocess.run(
        ("/bin/sh", "-c", script, "sh", word), cwd=start.cwd, env=environment, check=False
    )
    return done.returncode == 0


def _no_command(spec: BackendSpec, start: Start, program: str) -> Problem:
    path = start.cwd / program
    if os.sep in program and os.path.exists(path):
        folder = os.path.isdir(path)
        return Problem(
            f"the command of `{spec.name}` {'is a folder' if folder else 'may not be executed'}:"
            f" `{program}`",
            start.where,
            hint="name the program in it" if folder else f"permit it: `chmod +x {path}`",
        )
    if program == "source":
        return Problem(
            f"the command of `{spec.name}` is `source`, which /bin/sh doesn't know here",
            start.where,
            hint="write `.` in its place, or run it by `bash -c`",
        )
    return Problem(
        f"the command of `{spec.name}` does not exist: `{program}`",
        start.where,
        hint=f"it was looked for in {start.cwd} and on the PATH that `{spec.name}` would have",
    )


def _unreached(spec: BackendSpec, start: Start, names: Sequence[str]) -> Problem:
    listed = ", ".join(f"`{name}`" for name in names)
    return Problem(
        f"what `{spec.name}` runs would not see {listed}: /bin/sh passes no such names on",
        start.where,
        hint="write a single command, or a list of words, or install bash",
    )


def _check_port(what: str, spec: BackendSpec, address: Address, whose: Whose | None) -> None:
    """Raise when somebody else listens where a backend of ours is to listen."""
    places = LOOPBACK if address.host == "localhost" else _places(spec, address)
    for family, host in places:
        if is_taken(family, host, address.port):
            raise taken(what, address, whose)


def _shown_at(spec: BackendSpec) -> Iterator[tuple[str, Address]]:
    """Where on this machine a process is to listen to show that it is ready, and who says so."""
    ready = spec.start.ready if spec.start else None
    if ready is not None:
        if isinstance(ready.tcp, Address) and ready.tcp.loopback:
            yield "ready.tcp", ready.tcp
        if ready.http and isinstance(ready.http.address, Address) and ready.http.address.loopback:
            yield "ready.http", ready.http.address


def _check_sign(what: str, spec: BackendSpec, address: Address, whose: Whose | None) -> None:
    """As for a port of `from`, unless rpx itself has it, who passes the question on, or somebody
    who holds ports for containers, which may run already.
    """
    owner = port_owner(address.port, (address.host,))
    if owner is None or owner.pid is None:
        allowed = is_forwarded(address.port)
    else:
        allowed = forwards(owner.pid) or os.getpid() in (owner.pid, *ancestors(owner.pid))
    if not allowed:
        _check_port(what, spec, address, whose)


def _check_socket(spec: BackendSpec, file: SocketFile) -> None:
    try:
        clear(file)
    except OSError as error:
        raise RpxError(
            f"the socket of `{spec.label}`, {file.path}, can't be had: {error.strerror}",
            hint="end what listens there, or choose another path",
        ) from None


def taken(what: str, address: Address, whose: Whose | None = None) -> RpxError:
    """Return the error for a port that somebody holds, with the name of who it is."""
    owner = port_owner(address.port, (address.host,))
    hint = "end that process, or choose another port"
    project = whose(owner.pid, owner.instance) if owner is not None and whose is not None else None
    if owner is not None and project is not None:
        who = f"the rpx project `{project.name}` ({project.config})"
        if owner.instance:
            who = f"{_described(owner)}, which belongs to {who}"
        return RpxError(
            f"{what}, {address.port}, is taken by {who}",
            hint=f"`rpx down -f {shlex.quote(str(project.config))}` stops that project; or choose"
            " another port",
        )
    if owner is not None and owner.instance:
        hint = "rpx started it: `rpx down` in its project's folder ends it"
        hint += f" (`rpx projects` says where that is), or `kill {owner.pid}`"
    return RpxError(
        f"{what}, {address.port}, is taken by {_described(owner)}",
        hint=hint,
    )


def needs_permission() -> str:
    """Return what to say of a port that isn't permitted, where there is room for one line."""
    if sys.platform != "linux":
        return "needs root"
    return "needs root, or sysctl or authbind: `rpx doctor` has the commands"


def how_to_permit(port: int) -> str:
    """Say how a port below 1024 may be had without being root."""
    if sys.platform != "linux":
        return "be root: only root may listen on ports below 1024"
    first = min(port, 80)  # or the line for 443 would take 80 away again
    return (
        "be root, or permit it:\n"
        f"  sudo sysctl net.ipv4.ip_unprivileged_port_start={first}    # for all, until a reboot\n"
        f"  sudo install -m 500 -o $USER /dev/null /etc/authbind/byport/{port}"
        "    # then: authbind --deep rpx up"
    )


def _described(owner: PortOwner | None) -> str:
    if owner is None:
        return "a connection that goes out from it, or has just ended: no process listens there"
    if owner.pid is None:
        return "another user's process"
    return f"`{brief(owner.cmdline or owner.name)}` (pid {owner.pid})"


def _places(spec: BackendSpec, address: Address) -> list[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        what = f"the host of `{spec.label}` has no address: `{address.host}` ({error.strerror})"
        where = spec.start.where if spec.start else ""
        hint = "a process that rpx starts listens on this machine: `localhost`, or one of its names"
        raise ConfigError(Problem(what, where, hint=hint)) from None
    return [(family, str(sockaddr[0])) for family, *_, sockaddr in found]
