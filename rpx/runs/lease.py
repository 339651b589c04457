"""Who runs a project: what its locked files say, and how it is found.

The lock is the truth and ends with its holder, however that dies; the content is for the reader. A
file whose lock is free but which still has content is what a crashed run left. There are two of
them (docs/adr/0006): beside the control socket, and in the folder of the logs, which outlives the
other. Taking them is in hold.py.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from rpx.errors import NotRunning, RpxError
from rpx.folders import absolute, here, is_ours_alone
from rpx.model.file_names import PROJECT_FILES
from rpx.runs.paths import (
    LEASE,
    SOCKET,
    copy_of_lease,
    journal_folder,
    leases,
    runtime_folder,
    runtime_home,
)


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
    """Who runs a project. `run_id` marks the processes of this run; `url` is the first proxy's, and
    `realm` what all hosts have before their last label.
    """

    supervisor: Identity
    guardian: Identity
    run_id: str
    name: str
    config: Path
    url: str | None = None
    folder: Path | None = None  # of its control socket
    realm: str = ""

    @property
    def socket(self) -> Path:
        """Where its control API listens."""
        return (self.folder or runtime_folder(self.config)) / SOCKET


def find_running(start: Path | None, file: Path | None = None) -> Lease:
    """The lease of the project that `file`, or the first rpx.yaml from `start` upward, belongs to.

    `start`: None is the working directory.

    rpx.yaml is not read, and need not even exist any more. Raises: NotRunning.
    """
    config, lease = find_project(start, file)
    if lease is None:
        raise not_running(config)
    return lease


def not_running(config: Path) -> NotRunning:
    """Return the error for a project that does not run, with those that may be meant instead."""
    if not os.path.isfile(config):
        return NotRunning(
            f"nothing runs here, and there is no file {label(config)}",
            hint="`rpx projects` lists what runs",
        )
    hint = "start it: `rpx up`"
    for lease in all_running():
        if not os.path.isdir(lease.config.parent):  # it may have become this one
            file = shlex.quote(str(lease.config))
            hint += f"; or stop `{lease.name}`, whose folder is gone: `rpx down -f {file}`"
    return NotRunning(f"{what_runs(config)} is not running ({label(config)})", hint=hint)


def what_runs(config: Path) -> str:
    """Name the project of an rpx.yaml, which nobody reads here: as it was called when it ran."""
    try:
        name = str(json.loads((journal_folder(config) / "run.json").read_bytes())["name"])
    except (OSError, ValueError, KeyError, TypeError, RpxError):
        name = config.parent.name
    return name or "the project"


def find_project(start: Path | None, file: Path | None = None) -> tuple[Path, Lease | None]:
    """The project likewise, running or not. Raises: NotRunning where there is neither."""
    start = absolute(file or start or here())
    for config in [start] if file else _candidates(start):
        lease = running(config)
        if (
            lease is not None
            or file
            or os.path.isfile(config)
            or os.path.isdir(journal_folder(config))
        ):
            return config, lease
    raise NotRunning(
        f"nothing runs here: there is no rpx.yaml in {start} or in any folder above it",
        hint="go to a folder of the project, or name it: `--file FILE`",
    )


def all_running() -> list[Lease]:
    """The lease of every project of this user that runs, by name.

    What was started with another XDG_RUNTIME_DIR is found there, by its own commands.
    """
    found: dict[str, Lease] = {}
    home, seen = runtime_home(), set[str]()
    for path in leases():
        if path.parent.name in seen:
            continue  # it is a copy
        held, lease = _look(path)
        if lease is not None and held and _within_reach(lease, home):
            found.setdefault(lease.run_id, lease)
            seen.add(path.parent.name)
    return sorted(found.values(), key=lambda lease: (lease.name, lease.config))


def project_with(pid: int | None, instance: str) -> Lease | None:
    """The running project that this process belongs to: it runs it, or was started by it, and has
    this value of RPX_INSTANCE.
    """
    run_id = instance.partition(".")[0]
    return next(
        (
            lease
            for lease in all_running()
            if pid in {lease.supervisor.pid, lease.guardian.pid} or run_id == lease.run_id
        ),
        None,
    )


def running(config: Path) -> Lease | None:
    """The lease of the project with this rpx.yaml, if somebody holds it."""
    held = (lease for held, lease in map(_look, _places(config)) if held)
    return next(filter(None, held), None)


def crashed_run(config: Path) -> Lease | None:
    """The last run of the project with this rpx.yaml, if it did not end in order."""
    looks = [_look(path) for path in _places(config)]
    if any(held for held, _ in looks):
        return None
    return next((lease for _, lease in looks if lease is not None), None)


def crashed_runs() -> list[Lease]:
    """Each run of this user that did not end in order, and whose project was not started since."""
    found: dict[str, Lease] = {}
    home = runtime_home()
    for path in leases():
        _, lease = _look(path)
        if lease is not None and _within_reach(lease, home):
            last = crashed_run(lease.config)
            if last is not None and last.run_id == lease.run_id:
                found.setdefault(lease.run_id, lease)
    return list(found.values())


def _places(config: Path) -> tuple[Path, Path]:
    return runtime_folder(config) / LEASE, copy_of_lease(config)


def _within_reach(lease: Lease, home: Path) -> bool:
    """Not started in surroundings of its own, unless those have gone. `home` is runtime_home()."""
    theirs = lease.socket.parent.parent
    return theirs == home or not os.path.isdir(theirs)


def _look(path: Path) -> tuple[bool, Lease | None]:
    """Whether somebody holds the lock, and the lease that is written there.

    What others may have put there says nothing.
    """
    if not (is_ours_alone(path.parent) and is_ours_alone(path.parent.parent)):
        return False, None
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False, None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True, _read_held(fd)
    else:
        return False, parse(content_of(fd))
    finally:
        os.close(fd)


def _read_held(fd: int) -> Lease | None:
    """Its holder may be writing right now: look again before believing that it says nothing."""
    for _ in range(5):
        if lease := parse(content_of(fd)):
            return lease
        time.sleep(0.01)
    return None


def _candidates(start: Path) -> Iterator[Path]:
    for folder in (start, *start.parents):
        for name in PROJECT_FILES:
            yield folder / name


def label(path: Path) -> str:
    """Return the path from here, where that is near, else all of it."""
    try:
        near = os.path.relpath(path, here())
    except (OSError, RpxError):
        return str(path)
    return str(path) if near.startswith("../../../") else near


def write(fd: int, lease: Lease) -> None:
    """Make `lease` the content of an open file, whatever was in it. Raises: OSError."""
    paths = {"config": str(lease.config), "folder": str(lease.folder)}
    text = json.dumps({**asdict(lease), **paths}).encode()
    os.ftruncate(fd, os.pwrite(fd, text, 0))


def content_of(fd: int) -> bytes:
    """Return what is in an open lease, at most 64 KB. Raises: OSError."""
    return os.pread(fd, 1 << 16, 0)


def parse(content: bytes) -> Lease | None:
    """Return the lease that a file holds, None for what isn't one."""
    try:
        fields: dict[str, Any] = json.loads(content)
        return Lease(
            supervisor=Identity(**fields["supervisor"]),
            guardian=Identity(**fields["guardian"]),
            run_id=fields["run_id"],
            name=fields["name"],
            config=Path(fields["config"]),
            url=fields["url"],
            folder=Path(fields["folder"]),
            realm=str(fields.get("realm", "")),  # an rpx of before knows none
        )
    except (ValueError, KeyError, TypeError):
        return None  # a torn write, or another version's: as good as nothing
