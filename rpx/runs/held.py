"""One running project per rpx.yaml: its lease is taken, kept where commands look, and let go.

There are two copies, each locked. The one beside the control socket lies in a folder that may go
before the project does: logind removes /run/user/UID at the last logout, cleaners what is old in
/tmp. So the project looks after it now and then, and the other lies with the logs.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from rpx.errors import RpxError
from rpx.folders import Unusable, make_private
from rpx.runs.lease import Lease, content_of, label, parse, write
from rpx.runs.paths import LEASE, copy_of_lease, runtime_folder

PROBES: Final = 0.3  # seconds: a command that looks whether the lock is free has it for an instant
TOUCH: Final = 3600.0  # seconds; cleaners of temporary files wait for days


@dataclass(slots=True)
class Hold:
    """A lease that is ours until the `with` ends. `crashed` is what an earlier run left, if any."""

    lease: Lease
    crashed: Lease | None
    _main: Locked
    _copy: Locked | None  # None: the folder of the logs can't be had
    _touched: float = field(default_factory=time.time)

    def publish(self, url: str | None) -> None:
        """Tell readers where the project answers."""
        self.lease = replace(self.lease, url=url)
        with suppress(OSError):  # no room: they have the old, and the next look tries again
            self.say()

    def keep(self) -> Path:
        """Make anew what commands would not find any more; return where the socket is to be.

        Raises: RpxError when that can't be done, or somebody else has taken the project meanwhile.
        """
        folder = runtime_folder(self.lease.config)
        if folder != self.lease.folder or not self._main.is_there():
            make_private(folder)
            main = _lock(folder / LEASE, self.lease)
            self._main.let_go()
            self._main = main
            self.lease = replace(self.lease, folder=folder)
        if self._copy is None or not self._copy.is_there():
            if self._copy is not None:
                self._copy.let_go()
            self._copy = _lock_copy(self.lease)
        try:
            self.say()
        except OSError as error:
            raise Unusable(self._main.path, f"cannot be written: {error.strerror}") from None
        self._touch()
        return self.lease.socket

    def let_go(self) -> None:
        """Nobody runs the project any more."""
        self.lease.socket.unlink(missing_ok=True)
        for each in (self._main, self._copy):
            if each is not None:
                each.let_go()

    def say(self) -> None:
        """Say in both what the lease is. Raises: OSError for the one that commands read first."""
        if self._copy is not None:
            with suppress(OSError):
                self._copy.say(self.lease)
        self._main.say(self.lease)

    def _touch(self) -> None:
        """Look used, to those who remove what is old."""
        if abs(time.time() - self._touched) < TOUCH:
            return
        self._touched = time.time()
        socket = self.lease.socket
        for path in (socket, self._main.path, socket.parent, socket.parent.parent):
            with suppress(OSError):
                os.utime(path)


@dataclass(slots=True)
class Locked:
    """A file that we have locked, by its descriptor, and what we have written into it."""

    path: Path
    _fd: int
    _said: Lease | None = None

    def say(self, lease: Lease) -> None:
        """Write the lease, if it isn't there yet. Raises: OSError."""
        if lease != self._said:
            write(self._fd, lease)
            self._said = lease

    def is_there(self) -> bool:
        """Readers get this file."""
        return _is_still(self.path, self._fd)

    def earlier(self) -> Lease | None:
        """What an earlier holder has left in it."""
        return parse(content_of(self._fd))

    def let_go(self) -> None:
        """Emptied, not removed: somebody may just have opened it, and would lock a file that no
        longer has a name.
        """
        with suppress(OSError):
            os.ftruncate(self._fd, 0)
        self.close()

    def close(self) -> None:
        """Unlock it, and leave what is in it."""
        os.close(self._fd)


@contextmanager
def take(lease: Lease) -> Iterator[Hold]:
    """Hold the project for the length of the body.

    Raises: RpxError when somebody else does. The files are not inherited by processes started
    meanwhile, so that none of them can hold a lock in our stead.
    """
    folder = runtime_folder(lease.config)
    lease = replace(lease, folder=folder)
    make_private(folder)
    with ExitStack() as undo:
        main = _lock(folder / LEASE, lease)
        undo.callback(main.close)
        copy = _lock_copy(lease)
        if copy is not None:
            undo.callback(copy.close)
        crashed = main.earlier() or (copy.earlier() if copy else None)
        hold = Hold(lease, crashed, main, copy)
        try:
            lease.socket.unlink(missing_ok=True)
            main.say(lease)  # before the copy, which would tell of a run that has never begun
            hold.say()
        except OSError as error:
            raise Unusable(main.path, f"cannot be written: {error.strerror}") from None
        undo.pop_all()
    try:
        yield hold
    finally:
        hold.let_go()


def _lock_copy(lease: Lease) -> Locked | None:
    """Lock the copy with the logs; None where it can't be kept. RpxError if it is another's."""
    path = copy_of_lease(lease.config)
    try:
        make_private(path.parent)
    except RpxError:
        return None  # the journal says so, too
    try:
        return _lock(path, lease)
    except Unusable:
        return None


def _lock(path: Path, lease: Lease) -> Locked:
    """Open and lock the file. Raises: RpxError if another run holds it, Unusable if nobody can."""
    deadline = time.monotonic() + PROBES
    while True:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise Unusable(path, f"cannot be used: {error.strerror}") from None
        with ExitStack() as undo:
            undo.callback(os.close, fd)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_still(path, fd):
                    undo.pop_all()
                    return Locked(path, fd)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise _refusal(lease, parse(content_of(fd))) from None
            except OSError as error:
                raise Unusable(path, f"cannot be used: {error.strerror}") from None
        time.sleep(0.01)


def _is_still(path: Path, fd: int) -> bool:
    """The file has not been replaced since it was opened (a cleaner of /tmp was there)."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except OSError:
        return False


def _refusal(lease: Lease, holder: Lease | None) -> RpxError:
    pid = f" (pid {holder.supervisor.pid})" if holder else ""
    hint = "look at it with `rpx ps` and `rpx attach`, stop it with `rpx down`"
    if os.path.isfile(lease.config):
        what, where = f"`{lease.name}` is already running{pid}", label(lease.config)
    else:
        what, where = f"a project is already running in this folder{pid}", str(lease.config.parent)
        hint += "; several services at once stand in an rpx.yaml"
    return RpxError(what, where=where, hint=hint)
