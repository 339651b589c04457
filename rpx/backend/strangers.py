"""Who may answer for a service without being one of its processes.

A container's port is held by a program of the container engine, a port of another computer by ssh:
strangers by descent, yet they act at the request of a command that is ours. Everything here walks
the process table: call it in a worker thread.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from rpx.backend import guardian
from rpx.backend.processes import instance_of, parent_of
from rpx.errors import brief

# Names of those that hold ports for others, cut off after 15 characters as the kernel does it.
FORWARDERS: Final = frozenset({
    "docker-proxy", "dockerd", "com.docker.back", "vpnkit", "rootlesskit", "rootlesskit-doc",
    "rootlessport", "rootlessport-ch", "slirp4netns", "pasta", "pasta.avx2", "passt", "gvproxy",
    "limactl", "ssh", "systemd", "containerd-shim", "conmon",
})  # fmt: skip
# What runs below these is in a container, which may use the network of the machine.
CONTAINERS: Final = frozenset({"containerd-shim", "conmon"})
_ROOT: Final = 0


def is_strange(pid: int | None, uid: int, port: int | None, *, old: bool) -> bool:
    """Whether who holds a socket has no business there, given that it is none of the instance.

    `pid` None: no process shows that it holds it, which is `uid`'s. `old`: it was held before our
    process was started.
    """
    if pid is None:
        if port is not None and is_forwarded(port):
            return False
        if uid in (_ROOT, os.getuid()):  # it could do as it likes with us anyhow
            return old
        return not any(_in_container(each) for each, owner in owners() if owner == uid)
    if pid == os.getpid() or forwards(pid) or _in_container(pid):
        return False  # what is asked through rpx itself is its own affair
    if instance_of(pid):
        return True
    # Our guardian adopts daemons, also those that no longer show where they come from.
    return guardian.adopter() is None or parent_of(pid) != guardian.adopter()


def described(pid: int | None, uid: int) -> str:
    """Say who holds a socket, as far as can be seen."""
    if pid is None:
        return "another user's process" if uid != os.getuid() else "a process that can't be seen"
    return f"`{brief(command_of(pid) or name_of(pid))}` (pid {pid})"


def owners() -> Iterator[tuple[int, int]]:
    """The pid and the user of every process, also of one that shows nothing else."""
    for name in os.listdir("/proc"):
        if name.isdigit() and (uid := owner_of(int(name))) is not None:
            yield int(name), uid


def owner_of(pid: int) -> int | None:
    """The user of a process; None if it has gone."""
    ids = _status(pid, "Uid:")
    return int(ids.split()[1]) if ids else None  # the effective one: sockets are made by it


def is_traced(pid: int) -> bool:
    """Whether a debugger is attached to it."""
    return _status(pid, "TracerPid:") not in ("", "0")


def is_stopped(pid: int) -> bool:
    """Whether a signal has stopped it, and it has not been told to go on."""
    return _status(pid, "State:")[:1] in ("T", "t")


def _status(pid: int, name: str) -> str:
    for line in _read(f"/proc/{pid}/status").splitlines():
        if line.startswith(name):
            return line.removeprefix(name).strip()
    return ""


def name_of(pid: int) -> str:
    """What a process is called, at most 15 characters; empty if it has gone."""
    return _read(f"/proc/{pid}/comm").rstrip("\n")


def command_of(pid: int) -> str:
    """The command line of a process in one line, without control characters."""
    words = _read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()
    return "".join(each if each.isprintable() else "?" for each in words)


def _in_container(pid: int) -> bool:
    return any(_is_one_of(CONTAINERS, each) for each in ancestors(pid))


def ancestors(pid: int) -> Iterator[int]:
    """Its parent, its parent's, and so on."""
    while (pid := parent_of(pid) or 0) > 0:
        yield pid


def forwards(pid: int) -> bool:
    """Whether it is in the business of holding ports for others."""
    return _is_one_of(FORWARDERS, pid)


def _is_one_of(names: AbstractSet[str], pid: int) -> bool:
    """Everybody may call a program so: it counts if it is our own user's, or root's."""
    words = _read(f"/proc/{pid}/cmdline").split("\0")[:2]  # a script is called what its shell is
    called = {name_of(pid), *(os.path.basename(word)[:15] for word in words)}
    return not called.isdisjoint(names) and owner_of(pid) in (_ROOT, os.getuid())


def is_forwarded(port: int) -> bool:
    """Whether a forwarder has this port on its command line, which everybody may read."""
    if sys.platform != "linux":
        return False
    return any(
        str(port) in command_of(pid).replace(":", " ").split()
        for pid, _ in owners()
        if forwards(pid)
    )


def _read(file: str) -> str:
    try:
        with open(file, "rb", buffering=0) as opened:
            return opened.readall().decode("utf-8", "replace")
    except OSError:
        return ""
