"""What can be known to fail before anything is started: missing commands, taken ports."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from rpx.backend.environment import child_environment
from rpx.backend.free_ports import LOOPBACK, is_taken
from rpx.backend.other_user import check_users
from rpx.backend.port_holder import HasPorts, described, holder, port_owner
from rpx.backend.shell import first_word, unreached
from rpx.backend.socket_file import clear
from rpx.backend.strangers import ancestors, forwards, is_forwarded
from rpx.errors import ConfigError, Problem, RpxError
from rpx.model.address import Address, SocketFile
from rpx.model.config import Start
from rpx.model.container import Container
from rpx.model.specs import BackendSpec, ProcessSpec, endpoints_of, processes_of
from rpx.policy.depend import after_oneshots


class Listener(NamedTuple):
    """Who is to listen somewhere: `what` it needs, its label, where its command is written."""

    what: str
    label: str
    where: str


OTHER_PORTS: Final = "give this one ports and hosts of its own: `rpx up --realm NAME`"
Whose = Callable[[int | None, str], HasPorts | None]  # of a pid, or of a value of RPX_INSTANCE


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
    started = {process.label: process for process in processes_of(specs)}
    check_commands(started.values(), after_oneshots(started.values()) if late is None else late)
    places: set[object] = set()
    for endpoint in endpoints_of(specs):
        process, address = started.get(endpoint.process), endpoint.address
        if process is None or address.place in places:
            continue
        places.add(address.place)
        if isinstance(address, SocketFile):
            _check_socket(endpoint.label, address)
        else:
            who = Listener(
                f"the port of `{endpoint.label}`",
                endpoint.label,
                process.start.where if endpoint.own else "",
            )
            _check_port(who, address, whose)
    for process in started.values():
        for setting, address in _shown_at(process):
            if address.place not in places:
                what = f"the {setting and f'`{setting}` '}port of `{process.name}`"
                _check_sign(Listener(what, process.label, process.start.where), address, whose)


def check_commands(processes: Iterable[ProcessSpec], late: Collection[str] = ()) -> None:
    """Look for the programs that commands start; the `late` may not have theirs yet.

    Raises: ConfigError with all that is wrong.
    """
    processes = list(processes)
    check_users(processes)
    problems: dict[Problem, None] = {}
    for process in processes:
        start, missing = process.start, None
        if start.container is not None:  # its command is looked for in there
            if process.label not in late:
                problems |= dict.fromkeys(_missing_folders(process, start.container))
            continue
        if process.label not in late:
            missing = missing_command(start, child_environment(process, colour=False))
        if missing is not None:
            problems[_no_command(process, missing)] = None
        if names := unreached(start.command, start.env):
            problems[_unreached(process, names)] = None
    if problems:
        raise ConfigError(*problems)


def _missing_folders(process: ProcessSpec, container: Container) -> Iterator[Problem]:
    """An engine would make a folder that root owns, or say something of a system call."""
    for volume in container.volumes:
        if volume.source and not volume.name and not os.path.exists(volume.source):
            yield Problem(
                f"a volume of `{process.name}` does not exist: {volume.source}",
                process.start.where,
                hint=f"make the folder: `mkdir -p {shlex.quote(volume.source)}`",
            )


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


def _no_command(process: ProcessSpec, program: str) -> Problem:
    name, start = process.name, process.start
    path = start.cwd / program
    if os.sep in program and os.path.exists(path):
        folder = os.path.isdir(path)
        return Problem(
            f"the command of `{name}` {'is a folder' if folder else 'may not be executed'}:"
            f" `{program}`",
            start.where,
            hint="name the program in it" if folder else f"permit it: `chmod +x {path}`",
        )
    if program == "source":
        return Problem(
            f"the command of `{name}` is `source`, which /bin/sh doesn't know here",
            start.where,
            hint="write `.` in its place, or run it by `bash -c`",
        )
    return Problem(
        f"the command of `{name}` does not exist: `{program}`",
        start.where,
        hint=f"it was looked for in {start.cwd} and on the PATH that `{name}` would have",
    )


def _unreached(process: ProcessSpec, names: Sequence[str]) -> Problem:
    listed = ", ".join(f"`{name}`" for name in names)
    return Problem(
        f"what `{process.name}` runs would not see {listed}: /bin/sh passes no such names on",
        process.start.where,
        hint="write a single command, or a list of words, or install bash",
    )


def _check_port(who: Listener, address: Address, whose: Whose | None) -> None:
    """Raise when somebody else listens where a backend of ours is to listen."""
    places = LOOPBACK if address.host == "localhost" else _places(who, address)
    for family, host in places:
        if is_taken(family, host, address.port):
            raise taken(who.what, address, whose, instead=OTHER_PORTS)


def _shown_at(process: ProcessSpec) -> Iterator[tuple[str, Address]]:
    """Where on this machine a process is to listen beside its address: at its `ports`, and to show
    how it is, with the setting that says so.
    """
    ready, check = process.start.ready, process.health_check
    for port in process.start.ports:
        if port.address is not None:
            yield "", port.address
    if check is not None and isinstance(check.tcp, Address) and check.tcp.loopback:
        yield "health_check.tcp", check.tcp
    if ready is not None:
        if isinstance(ready.tcp, Address) and ready.tcp.loopback:
            yield "ready.tcp", ready.tcp
        if ready.http and isinstance(ready.http.address, Address) and ready.http.address.loopback:
            yield "ready.http", ready.http.address


def _check_sign(who: Listener, address: Address, whose: Whose | None) -> None:
    """As for a port of `from`, unless rpx itself has it, who passes the question on, or somebody
    who holds ports for containers, which may run already.
    """
    owner = port_owner(address.port, (address.host,))
    if owner is None or owner.pid is None:
        allowed = is_forwarded(address.port)
    else:
        allowed = forwards(owner.pid) or os.getpid() in (owner.pid, *ancestors(owner.pid))
    if not allowed:
        _check_port(who, address, whose)


def _check_socket(label: str, file: SocketFile) -> None:
    try:
        clear(file)
    except OSError as error:
        raise RpxError(
            f"the socket of `{label}`, {file.path}, can't be had: {error.strerror}",
            hint="end what listens there, or choose another path",
        ) from None


def taken(
    what: str, address: Address, whose: Whose | None = None, *, instead: str = "choose another port"
) -> RpxError:
    """Return the error for a port that somebody holds, with the name of who it is; `instead` is
    what can be done where that is a project of rpx's, which may stay.
    """
    owner = port_owner(address.port, (address.host,))
    hint = "end that process, or choose another port"
    project = whose(owner.pid, owner.instance) if owner is not None and whose is not None else None
    if owner is not None and project is not None:
        down = f"`rpx down -f {shlex.quote(str(project.config))}`"
        return RpxError(
            f"{what}, {address.port}, is taken by {holder(owner, project)}",
            hint=f"{down} stops that project; or {instead}",
        )
    if owner is not None and owner.instance:
        hint = "rpx started it: `rpx down` in its project's folder ends it"
        hint += f" (`rpx projects` says where that is), or `kill {owner.pid}`"
    return RpxError(
        f"{what}, {address.port}, is taken by {described(owner)}",
        hint=hint,
    )


def needs_permission() -> str:
    """Return what to say of a port that isn't permitted, where there is room for one line."""
    return "needs root, or `rpx setup`, once"


def how_to_permit(port: int) -> str:
    """Say how a port below 1024 may be had without being root."""
    if port in (80, 443) or (port > 80 and sys.platform == "linux"):
        return "let `rpx setup` permit it, once for this machine (it shows first what it will do)"
    if sys.platform != "linux":
        return "be root: only root may listen on other ports below 1024 than 80 and 443"
    return (
        "be root, or permit it for all until the next boot:"
        f" `sudo sysctl net.ipv4.ip_unprivileged_port_start={port}`"
    )


def _places(who: Listener, address: Address) -> list[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        what = f"the host of `{who.label}` has no address: `{address.host}` ({error.strerror})"
        hint = "a process that rpx starts listens on this machine: `localhost`, or one of its names"
        raise ConfigError(Problem(what, who.where, hint=hint)) from None
    return [(family, str(sockaddr[0])) for family, *_, sockaddr in found]
