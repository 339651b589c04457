"""Who has a port: which process listens there, and how it is called."""

from __future__ import annotations

import pwd
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from rpx.backend.processes import instance_of
from rpx.errors import brief
from rpx.model.address import Address

WILDCARDS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True, slots=True)
class PortOwner:
    """Who listens on a port. `pid` is None where the system will not tell (another user's).

    `instance` is what RPX_INSTANCE says: with a run that is over, it is an orphan of rpx. `user` is
    whose the socket is, where only that is known.
    """

    address: Address
    pid: int | None = None
    name: str = ""
    cmdline: str = ""
    instance: str = ""
    user: str = ""


class HasPorts(Protocol):
    """A project of rpx's that runs."""

    @property
    def name(self) -> str: ...
    @property
    def config(self) -> Path: ...


def holder(owner: PortOwner, project: HasPorts | None) -> str:
    """Name the process that has a port, and the project that it belongs to, if it is of one."""
    if project is None:
        return described(owner)
    who = f"the rpx project `{project.name}` ({project.config})"
    return f"{described(owner)}, which belongs to {who}" if owner.instance else who


def described(owner: PortOwner | None) -> str:
    """Name the process that has a port; None: one that is taken, though nobody listens there."""
    if owner is None:
        return "a connection that goes out from it, or has just ended: no process listens there"
    if owner.pid is None:
        return f"another user's process{f' (of `{owner.user}`)' if owner.user else ''}"
    return f"`{brief(owner.cmdline or owner.name)}` (pid {owner.pid})"


def port_owner(port: int, hosts: Collection[str]) -> PortOwner | None:
    """Who already listens where a bind to one of `hosts` would collide; None if nobody does."""
    return port_owners((port,), hosts).get(port)


def port_owners(ports: Collection[int], hosts: Collection[str]) -> dict[int, PortOwner]:
    """The same for several ports at once: all of the system's sockets are looked at (70 ms)."""
    wanted = _literals(hosts)
    found: dict[int, PortOwner] = {}
    for connection in psutil.net_connections("tcp"):
        address = connection.laddr
        if not address or address.port not in ports or connection.status != psutil.CONN_LISTEN:
            continue
        collides = address.ip in WILDCARDS or address.ip in wanted or WILDCARDS & wanted
        if collides and address.port not in found:
            found[address.port] = _owner(connection.pid, Address(address.ip, address.port))
    return found


def _owner(pid: int | None, address: Address) -> PortOwner:
    if pid is None:
        return PortOwner(address, user=user_at(address.port))
    try:
        process = psutil.Process(pid)
        name, cmdline = process.name(), " ".join(process.cmdline())
    except psutil.Error:
        return PortOwner(address, pid)
    return PortOwner(address, pid, name, cmdline, instance_of(pid))


def user_at(port: int) -> str:
    """The name of the user who listens on a port: the system tells that of everybody's sockets.

    "" where it doesn't (off Linux). (proc_pid_net(5): the state 0A is LISTEN, the uid comes eighth)
    """
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for words in map(str.split, lines):
            if words[3] == "0A" and words[1].endswith(f":{port:04X}"):
                return _name_of(int(words[7]))
    return ""


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _literals(hosts: Collection[str]) -> set[str]:
    wanted = set(hosts)
    if "localhost" in wanted:
        wanted |= {"127.0.0.1", "::1"}
    return wanted
