"""One running project per rpx.yaml: a locked file that says who runs it.

The lock is the truth and ends with its holder, however that dies; the content is for the reader. A
file whose lock is free but which still has content is what a crashed run left.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import psutil

from rpx.control.paths import (
    LEASE,
    SOCKET,
    journal_folder,
    make_private,
    runtime_folder,
    runtime_folders,
)
from rpx.errors import NotRunning, RpxError

NAMES: Final = ("rpx.yaml", "rpx.yml")  # as in rpx.config.find, which may be newer than a lease
PROBES: Final = 0.3  # seconds: a command that looks whether the lock is free has it for an instant


@dataclass(frozen=True, slots=True)
class Identity:
    """A process for good: its number, and when it started (seconds since the epoch)."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Identity:
        """Who has this number now; `created` is 0 when nobody does."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.Error:
            return cls(pid, 0.0)

    @property
    def alive(self) -> bool:
        """It still runs: not ended, not a zombie, and nobody else with the same number."""
        try:
            process = psutil.Process(self.pid)
            # Not ==: the clock may have been set since, and create_time() with it.
            same = abs(process.create_time() - self.created) < 1
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


@dataclass(frozen=True, slots=True)
class Lease:
    """Who runs a project. `run_id` marks the processes of this run; `url` is the first proxy's."""

    supervisor: Identity
    guardian: Identity
    run_id: str
    name: str
    config: Path
    url: str | None = None

    @property
    def socket(self) -> Path:
        """Where its control API listens."""
        return runtime_folder(self.config) / SOCKET


@dataclass(slots=True)
class Hold:
    """A lease that is ours until the `with` ends. `crashed` is what an earlier run left, if any."""

    lease: Lease
    crashed: Lease | None
    _fd: int

    def publish(self, url: str | None) -> None:
        """Tell readers where the project answers."""
        self.lease = replace(self.lease, url=url)
        _write(self._fd, self.lease)


@contextmanager
def take(lease: Lease) -> Iterator[Hold]:
    """Hold the project for the length of the body.

    Raises RpxError when somebody else does. The file is not inherited by processes started
    meanwhile, so that none of them can hold the lock in our stead.
    """
    folder = runtime_folder(lease.config)
    make_private(folder)
    path = folder / LEASE
    fd = _lock(path, lease)
    try:
        crashed = _parse(_content(fd))
        lease.socket.unlink(missing_ok=True)
        _write(fd, lease)
        yield Hold(lease, crashed, fd)
    finally:
        lease.socket.unlink(missing_ok=True)
        # Emptied, not removed: somebody may just have opened it, and would lock a file that no
        # longer has a name.
        os.ftruncate(fd, 0)
        os.close(fd)


def find_running(start: Path, file: Path | None = None) -> Lease:
    """The lease of the project that `file`, or the first rpx.yaml on the way up, belongs to.

    rpx.yaml is not read, and need not even exist any more. Raises NotRunning.
    """
    config, lease = find_project(start, file)
    if lease is None:
        raise not_running(config)
    return lease


def not_running(config: Path) -> NotRunning:
    """Return the error for a project that does not run, with those that may be meant instead."""
    hint = "start it: `rpx up`"
    for lease in all_running():
        if not lease.config.parent.is_dir():  # it may have become this one
            hint += f"; or stop `{lease.name}`, whose folder is gone: `rpx down -f {lease.config}`"
    return NotRunning(f"{_label(config)} is not running", hint=hint)


def find_project(start: Path, file: Path | None = None) -> tuple[Path, Lease | None]:
    """The project likewise, running or not. Raises NotRunning where there is neither."""
    for config in [file.absolute()] if file else _candidates(start.absolute()):
        lease = running(config)
        if lease is not None or file or _exists(config) or journal_folder(config).is_dir():
            return config, lease
    raise NotRunning(
        f"nothing runs here: there is no rpx.yaml in {start} or in any folder above it",
        hint="go to a folder of the project, or name it: `--file FILE`",
    )


def all_running() -> list[Lease]:
    """The lease of every project of this user that runs, by name.

    What was started with another XDG_RUNTIME_DIR is found there, by its own commands.
    """
    found = {}
    for folder in runtime_folders():
        lease = _held(folder / LEASE)
        if lease is not None and runtime_folder(lease.config).parent == folder.parent:
            found[lease.run_id] = lease
    return sorted(found.values(), key=lambda lease: (lease.name, str(lease.config)))


def running(config: Path) -> Lease | None:
    """The lease of the project with this rpx.yaml, if somebody holds it."""
    return _held(runtime_folder(config) / LEASE)


def crashed_run(config: Path) -> Lease | None:
    """The last run of the project with this rpx.yaml, if it did not end in order."""
    held, lease = _look(runtime_folder(config) / LEASE)
    return None if held else lease


def crashed_runs() -> list[Lease]:
    """Each run of this user that did not end in order, and whose project was not started since."""
    found = {}
    for folder in runtime_folders():
        held, lease = _look(folder / LEASE)
        if lease is not None and not held and runtime_folder(lease.config) == folder:
            found[lease.run_id] = lease
    return list(found.values())


def _held(path: Path) -> Lease | None:
    held, lease = _look(path)
    return lease if held else None


def _look(path: Path) -> tuple[bool, Lease | None]:
    """Whether somebody holds the lock, and the lease that is written there."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False, None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True, _read_held(fd)
    else:
        return False, _parse(_content(fd))
    finally:
        os.close(fd)


def _read_held(fd: int) -> Lease | None:
    """Its holder may be writing right now: look again before believing that it says nothing."""
    for _ in range(5):
        if lease := _parse(_content(fd)):
            return lease
        time.sleep(0.01)
    return None


def _candidates(start: Path) -> Iterator[Path]:
    for folder in (start, *start.parents):
        for name in NAMES:
            yield folder / name


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that we may not look into
        return False


def _label(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _lock(path: Path, lease: Lease) -> int:
    """Open and lock the file; RpxError if another run holds it."""
    deadline = time.monotonic() + PROBES
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(path, fd):
                return fd
        except BlockingIOError:
            if time.monotonic() > deadline:
                holder = _parse(_content(fd))
                os.close(fd)
                raise _refusal(lease, holder) from None
        os.close(fd)
        time.sleep(0.01)


def _is_still(path: Path, fd: int) -> bool:
    """The file has not been replaced between open and lock (a cleaner of /tmp was there)."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _refusal(lease: Lease, holder: Lease | None) -> RpxError:
    pid = f" (pid {holder.supervisor.pid})" if holder else ""
    hint = "look at it with `rpx ps` and `rpx attach`, stop it with `rpx down`"
    if _exists(lease.config):
        what, where = f"`{lease.name}` is already running{pid}", _label(lease.config)
    else:
        what, where = f"a project is already running in this folder{pid}", str(lease.config.parent)
        hint += "; several services at once stand in an rpx.yaml"
    return RpxError(what, where=where, hint=hint)


def _write(fd: int, lease: Lease) -> None:
    text = json.dumps({**asdict(lease), "config": str(lease.config)}).encode()
    os.ftruncate(fd, os.pwrite(fd, text, 0))


def _content(fd: int) -> bytes:
    return os.pread(fd, 1 << 16, 0)


def _parse(content: bytes) -> Lease | None:
    try:
        fields: dict[str, Any] = json.loads(content)
        return Lease(
            supervisor=Identity(**fields["supervisor"]),
            guardian=Identity(**fields["guardian"]),
            run_id=fields["run_id"],
            name=fields["name"],
            config=Path(fields["config"]),
            url=fields["url"],
        )
    except (ValueError, KeyError, TypeError):
        return None  # a torn write, or another version's: as good as nothing
