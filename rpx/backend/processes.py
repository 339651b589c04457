"""Which processes belong to whom: identities, the members of one instance.

A number alone names nobody: the kernel hands numbers out again. Here a process is (pid, start
time), and a signal goes only where both still fit. Everything walks the process table and takes
milliseconds: call it in a worker thread.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from glob import glob
from typing import NamedTuple

import psutil

from rpx.backend.guardian import is_shared
from rpx.backend.mark import mark_of, mark_on, run_of
from rpx.errors import brief, visible
from rpx.model.address import Location, SocketFile

MARKER = "RPX_INSTANCE"  # every service and what it spawns has `RPX_INSTANCE=<run id>.<n>`


class ProcessIdentity(NamedTuple):
    """One process for good. `created` is ticks since boot on Linux, else the epoch's seconds."""

    pid: int
    created: float


class ProcessRow(NamedTuple):
    """One living process of the table: zombies are not listed."""

    pid: int
    parent: int
    session: int


def identity(pid: int) -> ProcessIdentity | None:
    """Who has this number now; None if nobody does. A zombie still has its number."""
    if sys.platform == "linux":
        fields = _stat(pid)
        # Ticks, not create_time(): that moves with the system's clock.
        return ProcessIdentity(pid, float(fields[19])) if fields else None
    try:
        return ProcessIdentity(pid, psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def is_running(process: psutil.Process) -> bool:
    """Whether this very process is alive; a zombie is not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def send(process: psutil.Process, signum: int) -> bool:
    """Signal this very process; False if it has gone. Never reaches a successor with its number.

    Holding a pidfd opened *before* the check, a match means that the fd is the process we know.
    """
    try:
        pidfd = open_pidfd(process.pid)
        try:
            if not process.is_running():
                return False
            if pidfd is None:
                process.send_signal(signum)
            else:
                signal.pidfd_send_signal(pidfd, signum)
        finally:
            if pidfd is not None:
                os.close(pidfd)
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False
    return True


def described(process: psutil.Process) -> str:
    """Name a process for the eyes of a user: "pid 812, `python3 srv.py`"."""
    try:
        command = " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return f"pid {process.pid}"
    return f"pid {process.pid}, `{brief(visible(command))}`"


def members(session: int | None, marker: str | None) -> list[psutil.Process]:
    """The living processes of one instance: its session, the bearers of its marker, their children.

    A daemon leaves the session and keeps the marker; a program that rewrites its environment
    (postgres and nginx do, to show a title in `ps`) is still somebody's child. One that does both,
    or shows its environment to nobody, still has its `mark`.
    """
    return _processes(member_pids(session, marker))


def member_pids(session: int | None, marker: str | None) -> set[int]:
    """The pids of those, as of now."""
    entry = f"{MARKER}={marker}\0".encode() if marker else None
    rows, mark = list(_table()), mark_of(marker or "")
    ours = {row.pid for row in rows if row.session == session or _carries(row.pid, entry)}
    if mark is not None:  # of orphans alone: the others are somebody's children, or bear the marker
        orphans = [row.pid for row in rows if row.parent in (1, os.getppid())]
        ours.update(pid for pid in orphans if pid != os.getpid() and _bears(pid, mark))
    grown = True
    while grown:
        more = {row.pid for row in rows if row.parent in ours} - ours
        ours |= more
        grown = bool(more)
    return ours


def descendants(pid: int | None) -> set[int]:
    """`pid`, its children and theirs, in no time; where nobody has a table of those `pid` alone."""
    found, left = set[int](), [pid] if pid else []
    while left:
        found.add(parent := left.pop())
        for table in glob(f"/proc/{parent}/task/*/children"):
            with suppress(OSError), open(table, "rb", buffering=0) as file:
                left += map(int, file.readall().split())
    return found


def trees(leaders: Collection[int]) -> dict[int, set[int]]:
    """The living processes of each instance, by its leader's pid, as `members` has them.

    All in one look at the table of processes.
    """
    rows = list(_table())
    entries = {
        f"{MARKER}={marker}\0".encode(): leader
        for leader in leaders
        if (marker := instance_of(leader))
    }
    owner: dict[int, int] = {}
    for row in rows:
        whose = row.session if row.session in leaders else _whose(row.pid, entries)
        if whose is not None:
            owner[row.pid] = whose
    grown = True
    while grown:
        more = {r.pid: owner[r.parent] for r in rows if r.parent in owner and r.pid not in owner}
        owner |= more
        grown = bool(more)
    return {leader: {pid for pid in owner if owner[pid] == leader} for leader in leaders}


def _whose(pid: int, entries: Mapping[bytes, int]) -> int | None:
    environ = _environ(pid) if entries else b""
    return next((leader for entry, leader in entries.items() if entry in environ), None)


def marked(run: str) -> list[psutil.Process]:
    """The living processes that any instance of this run started and that still bear its marker."""
    entry = f"{MARKER}={run}.".encode()
    return _processes(
        {row.pid for row in _table() if _carries(row.pid, entry) or _bears(row.pid, run)}
    )


def listener(location: Location, among: Iterable[psutil.Process]) -> psutil.Process | None:
    """Who of these listens on the TCP port, or has bound the unix socket."""
    for process in among:
        try:
            if _has_bound(process, location):
                return process
        except psutil.Error:
            continue
    return None


def _has_bound(process: psutil.Process, location: Location) -> bool:
    if isinstance(location, SocketFile):
        return _has_bound_file(process, location.path)
    ports = (location.port, location.written)
    return any(
        each.laddr and each.laddr.port in ports and each.status == psutil.CONN_LISTEN
        for each in process.net_connections("tcp")
    )


def _has_bound_file(process: psutil.Process, file: str) -> bool:
    paths = [str(each.laddr) for each in process.net_connections("unix") if each.laddr]
    if file in paths:
        return True
    folder = process.cwd() if paths else ""  # it may have been bound by a relative path
    real = os.path.realpath(file)
    return any(os.path.realpath(os.path.join(folder, path)) == real for path in paths)


def parent_of(pid: int) -> int | None:
    """The pid of its parent; None if the process has gone (or off Linux)."""
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def is_suspended(pid: int) -> bool:
    """Whether it does nothing until SIGCONT, or stands in a debugger (on Linux; else False)."""
    fields = _stat(pid)
    return fields is not None and fields[0] in {b"T", b"t"}


def instance_of(pid: int) -> str:
    """The marker's value in the process's environment, or the empty string."""
    try:
        return psutil.Process(pid).environ().get(MARKER, "")
    except (psutil.Error, OSError):
        return ""


def words_of(pid: int) -> bytes:
    """The command line and the environment that a process was started with, each word after a \\0.

    Of another user's process there may be nothing to see.
    """
    try:
        with open(f"/proc/{pid}/cmdline", "rb", buffering=0) as file:
            return b"\0" + file.readall() + _environ(pid)
    except OSError:
        return b""


def _processes(pids: set[int]) -> list[psutil.Process]:
    found = []
    for pid in sorted(pids - {os.getpid()}):
        try:
            found.append(psutil.Process(pid))
        except psutil.Error:
            continue
    return found


def _bears(pid: int, whose: int | str) -> bool:
    """Whether a process of this user's bears a mark, or that of a run."""
    mark = mark_on(pid)
    if mark is None or whose not in (mark, run_of(mark)):
        return False
    if is_shared(pid):
        return False
    try:
        return os.getuid() in (0, psutil.Process(pid).uids().real)
    except psutil.Error:
        return False


def _carries(pid: int, entry: bytes | None) -> bool:
    """Whether `NAME=value…` starts an entry of the environment the process was started with."""
    if entry is None:
        return False
    return entry in _environ(pid)


def _environ(pid: int) -> bytes:
    if sys.platform == "linux":
        try:  # not psutil: it decodes and splits all of it, for every process there is
            with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
                return b"\0" + file.readall()
        except OSError:
            return b""
    try:
        pairs = psutil.Process(pid).environ().items()
    except (psutil.Error, OSError):
        return b""
    return os.fsencode("".join(f"\0{name}={value}" for name, value in pairs) + "\0")


def _table() -> Iterator[ProcessRow]:
    if sys.platform == "linux":
        for name in os.listdir("/proc"):
            if name.isdigit() and (fields := _stat(int(name))) and fields[0] not in b"ZX":
                yield ProcessRow(int(name), int(fields[1]), int(fields[3]))
        return
    for process in psutil.process_iter(["ppid", "status"]):
        if process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        try:
            yield ProcessRow(process.pid, process.info["ppid"] or 0, os.getsid(process.pid))
        except OSError:
            continue


def _stat(pid: int) -> list[bytes] | None:
    """Fields of /proc/<pid>/stat from the state on: 0 state, 1 parent, 3 session, 19 start."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            text = file.readall()
    except OSError:
        return None
    # The name before it is in brackets and may hold anything, brackets and spaces included.
    return text[text.rindex(b")") + 2 :].split(None, 20)


def open_pidfd(pid: int) -> int | None:
    """A file descriptor that is this process, readable once it has gone; None without support.

    Raises: ProcessLookupError when there is no such process.
    """
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno == errno.ESRCH:
            raise ProcessLookupError(*error.args) from None
        return None  # a sandbox without the call
