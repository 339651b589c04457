"""What the door writes: who is here, for its successor and for commands; what it is to remember.

The roster is in the lock file (roster.py reads it), the rest in the state folder. Nothing fails
because it can't be written.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time

from rpx import __version__

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Final

    from rpx.door.entrances import Entrances
    from rpx.door.member import DoorMember

LOCK: Final = "door.lock"
PORTS: Final = "ports.json"
KNOWN: Final = "known.json"
MOST_KNOWN: Final = 300  # projects that have been here
MOST_HOSTS: Final = 64  # of each that are remembered
LARGEST: Final = 16 << 20  # bytes of a file that is read


class Records:
    """The lock and the files. `folder` and `keeping` are the two folders of starting.DoorPlace."""

    def __init__(self, folder: str, state: str, lock: int | None) -> None:
        """`lock` is held already; None: take it. Raises: OSError, BlockingIOError if one has it."""
        self.folder = folder
        self.keeping = state
        self.lock: int | None = lock if lock is not None else _locked(folder)
        before = _parsed(os.pread(self.lock, LARGEST, 0).partition(b"\n")[0])
        self.predecessor: dict[str, Any] = before
        self.awaited: set[str] = set()  # runs of its members that have still to come back
        self.known: dict[str, dict[str, Any]] = {}  # by file
        self._unsaved = False
        for each in self._read(KNOWN).get("projects", [])[:MOST_KNOWN]:
            if isinstance(each, dict) and isinstance(each.get("file"), str):
                self.known[each["file"]] = each

    # ---- the roster

    def expected(self) -> set[str]:
        """Return the runs of the predecessor's members whose process is still there."""
        members = self.predecessor.get("members", [])
        runs = [(m.get("run_id"), m.get("pid")) for m in members if isinstance(m, dict)]
        return {
            run
            for run, pid in runs
            if isinstance(run, str) and isinstance(pid, int) and _is_alive(pid)
        }

    def reasons(self) -> dict[str, int]:
        """Return why the predecessor had not the usual ports: an errno by "http" and "https"."""
        ports = self.predecessor.get("ports")
        said = ports.get("errno") if isinstance(ports, dict) else None
        found = said.items() if isinstance(said, dict) else ()
        return {scheme: code for scheme, code in found if isinstance(code, int)}

    def write_roster(
        self, members: Iterable[DoorMember], entrances: Entrances, since: float
    ) -> None:
        """Say who is here, and who is to come back."""
        if self.lock is None:
            return
        ports: dict[str, object] = {"errno": {}}
        for scheme, tls in (("http", False), ("https", True)):
            found = entrances.machine(tls=tls)
            ports[scheme] = found.port if found is not None else 0
            if found is not None and found.errno:
                ports["errno"][scheme] = found.errno  # type: ignore[index]
        rows = [said_of(member, entrances) for member in members]
        here = {row["run_id"] for row in rows}
        # Were it us that is killed next, our successor would have to wait for these as well.
        rows += [m for m in self.predecessor.get("members", ()) if isinstance(m, dict)
                 and m.get("run_id") in self.awaited and m["run_id"] not in here]  # fmt: skip
        said = {
            "v": 1,
            "pid": os.getpid(),
            "rpx": __version__,
            "since": since,
            "ports": ports,
            "members": rows,
        }
        # One line, so that what is left of a longer one behind it harms nobody who reads meanwhile.
        data = json.dumps(said, separators=(",", ":")).encode() + b"\n"
        try:
            os.pwrite(self.lock, data, 0)
            os.ftruncate(self.lock, len(data))
        except OSError:
            pass

    def is_there(self) -> bool:
        """Tell whether the path of the lock still leads to ours."""
        try:
            return self.lock is not None and os.path.samestat(
                os.fstat(self.lock), os.stat(os.path.join(self.folder, LOCK))
            )
        except OSError:
            return False

    def make_again(self) -> bool:
        """Make folder and lock anew after somebody has removed them. False: not possible (now)."""
        try:
            _make(self.folder)
            lock = _locked(self.folder)
        except OSError:
            return False
        if self.lock is not None:
            os.close(self.lock)
        self.lock = lock
        return True

    # ---- what is remembered

    def ports(self) -> dict[str, int]:
        """Return the machine's ports of the last time, by "http" and "https"."""
        said = self._read(PORTS)
        return {
            scheme: said[scheme]
            for scheme in ("http", "https")
            if isinstance(said.get(scheme), int) and 0 < said[scheme] < 65536
        }

    def remember_ports(self, ports: dict[str, int]) -> None:
        """Keep them for the next time."""
        if ports != self.ports():
            self._write(PORTS, ports)

    def remember(self, member: DoorMember) -> None:
        """Keep the names of a member for when it doesn't run."""
        about = member.about
        entry = {
            "project": about["project"],
            "folder": about["folder"],
            "file": about["file"],
            "realm": about["realm"],
            "start": about.get("start", "rpx up"),
            "hosts": about["hosts"][:MOST_HOSTS],
            "last": time.time(),
        }
        self.known.pop(about["file"], None)
        self.known = {about["file"]: entry, **self.known}
        self.forget_gone()
        for file in list(self.known)[MOST_KNOWN:]:
            del self.known[file]
        self._unsaved = True

    def save(self) -> None:
        """Write down what is to be remembered, if it has changed."""
        if self._unsaved:
            self._unsaved = False
            self._write(KNOWN, {"v": 1, "projects": list(self.known.values())})

    def forget_gone(self) -> None:
        """Drop the projects whose folder is no more."""
        for file, each in list(self.known.items()):
            if not os.path.isdir(str(each.get("folder", ""))):
                del self.known[file]

    def _read(self, name: str) -> dict[str, Any]:
        try:
            with open(os.path.join(self.keeping, name), "rb") as file:
                return _parsed(file.read(LARGEST))
        except OSError:
            return {}

    def _write(self, name: str, value: object) -> None:
        path = os.path.join(self.keeping, name)
        beside = f"{path}.{os.getpid()}"
        try:
            os.makedirs(self.keeping, 0o700, exist_ok=True)
            with open(beside, "w", opener=_private) as file:
                json.dump(value, file, separators=(",", ":"))
            os.rename(beside, path)
        except OSError:
            try:
                os.unlink(beside)
            except OSError:
                pass


def said_of(member: DoorMember, entrances: Entrances) -> dict[str, object]:
    """A member as a line of the roster."""
    about = member.about
    ports = {entrance.tls: entrance.port for entrance in reversed(entrances.of(member))}
    return {
        "pid": about["pid"],
        "project": about["project"],
        "folder": about["folder"],
        "file": about["file"],
        "run_id": about["run_id"],
        "realm": about["realm"],
        "branch": about["branch"],
        "hosts": about["hosts"],
        "since": member.since,
        "state": member.told["state"],
        "services": member.told["services"],
        "http": ports.get(False, 0),
        "https": ports.get(True, 0),
    }


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _locked(folder: str) -> int:
    lock = os.open(
        os.path.join(folder, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
    )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


def _make(folder: str) -> None:
    """Make the folder of the lock, and that above it, for us alone. Raises: OSError."""
    for each in (os.path.dirname(folder), folder):
        try:
            os.mkdir(each, 0o700)
        except FileExistsError:
            status = os.lstat(each)
            if status.st_uid != os.getuid() or status.st_mode & 0o022:
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), each) from None


def wait_for_lock(folder: str) -> int:
    """Return the lock when no other door has it any more, which may take days. Raises: OSError."""
    _make(folder)
    path = os.path.join(folder, LOCK)
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if os.path.samestat(os.fstat(lock), os.stat(path)):
                return lock
        except OSError:
            pass
        os.close(lock)  # another one has its name by now


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return pid > 0
