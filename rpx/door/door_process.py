"""The process of the door: put together here, and its loop. There is no thread and no task."""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import sys
import time

from rpx.door.entrances import Entrances
from rpx.door.hall import PATIENCE, Hall
from rpx.door.membership import FIRST, STAY, Membership
from rpx.door.records import Records, wait_for_lock

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

SOCKET: Final = "door.sock"
LOCK_FD: Final = 3
ANOTHER: Final = 3  # exit code: a door is there already
LOOK_AGAIN: Final = 2.0  # seconds between two looks at our folder
LARGEST_LOG: Final = 256 << 10  # bytes


def main(arguments: Sequence[str]) -> int:
    """Run the door; return its exit code. See __main__.py."""
    folder, state, *options = arguments
    os.umask(0o077)
    os.chdir("/")
    handed = _handed_over()
    if "--launchd" in options:
        from rpx.door.launchd import activated  # noqa: PLC0415 - ctypes is large; macOS only

        handed += [socket.socket(fileno=fd) for fd in activated("http") + activated("https")]
    _let_go_of_others({LOCK_FD, *(sock.fileno() for sock in handed)})
    lock = None
    if "--lock" in options:
        lock = LOCK_FD
        os.set_inheritable(lock, False)
    elif "--wait" in options:
        lock = wait_for_lock(folder)
    _raise_limit()
    _trim_log()
    try:
        records = Records(folder, state, lock)
    except BlockingIOError:
        return ANOTHER
    entrances = Entrances(records.ports(), records.reasons())
    hall = Hall(entrances, records, patience=_seconds(options, "--patience", PATIENCE))
    membership = Membership(
        hall, stay=_seconds(options, "--stay", STAY), first=_seconds(options, "--first", FIRST)
    )
    unix = [sock for sock in handed if sock.family == socket.AF_UNIX]
    entrances.adopt(sock for sock in handed if sock.family != socket.AF_UNIX)
    process = DoorProcess(hall, membership, os.path.join(folder, SOCKET))
    process.given = bool(unix) and os.path.exists(process.path)
    process.listen(unix[0] if process.given else None)
    process.run()
    return 0


class DoorProcess:
    """The loop, the socket that members connect to, and signals."""

    def __init__(self, hall: Hall, membership: Membership, path: str) -> None:
        self.hall = hall
        self.membership = membership
        self.path = path
        self.given = False  # systemd has our path, and goes on listening there
        self._control: socket.socket | None = None
        self._woken, wake = socket.socketpair()
        self._woken.setblocking(False)
        wake.setblocking(False)
        self._wake = wake
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        hall.handle(self._woken.fileno(), self._signalled)
        hall.poller.watch(self._woken.fileno())
        membership.before_moving = self._deaf
        hall.timers.after(LOOK_AGAIN, self._look_after_folder)

    def listen(self, given: socket.socket | None = None) -> None:
        """Let members connect: by this socket, or by one at our path. Raises: OSError."""
        if given is None:
            given = socket.socket(socket.AF_UNIX)
            beside = f"{self.path}.{os.getpid()}"
            given.bind(beside)
            given.listen(128)
            os.rename(beside, self.path)  # never a moment without a name that leads to somebody
        given.setblocking(False)
        self._deaf()
        self._control = given
        self.hall.handle(given.fileno(), self._meet)
        self.hall.poller.watch(given.fileno())
        self.membership.note()
        self.membership.settle()

    def run(self) -> None:
        """Serve until there is nothing left to do."""
        hall, membership = self.hall, self.membership
        visits, handlers = membership.visits, hall.handlers
        gc.freeze()
        while not membership.done:
            due = min(hall.timers.next(), visits.next())
            wait = -1 if due == float("inf") else max(0.0, due - time.monotonic())
            for fd, what in hall.poller.wait(wait):
                handler = handlers.get(fd)
                if handler is None:
                    continue
                try:
                    handler(what)
                except Exception:  # noqa: BLE001 - a boundary: one client's trouble is its own
                    hall.report()
                    hall.poller.forget(fd)  # or it would be told again and again
                    hall.unhandle(fd)
            now = time.monotonic()
            hall.timers.run(now)
            visits.expire(now)
            if hall.outdated:
                membership.retire(None)  # whoever is first starts one that is whole
        if not membership.retired:
            self._end()

    def _meet(self, _: int) -> None:
        while self._control is not None:
            try:
                sock, _peer = self._control.accept()
            except OSError:
                return
            self.membership.meet(sock)

    def _deaf(self) -> None:
        """Let nobody connect any more."""
        if self._control is not None:
            self.hall.poller.forget(self._control.fileno())
            self.hall.unhandle(self._control.fileno())
            self._control.close()
            self._control = None

    def _signalled(self, _: int) -> None:
        try:
            numbers = self._woken.recv(64)
        except OSError:
            return
        if signal.SIGTERM in numbers:
            self.membership.retire(None)
        elif signal.SIGHUP in numbers:
            self._restore_folder()

    def _look_after_folder(self) -> None:
        if self.membership.retired:
            return
        self._restore_folder()
        self.hall.timers.after(LOOK_AGAIN, self._look_after_folder)

    def _restore_folder(self) -> None:
        """Make our path anew if somebody has removed it; end if nobody is here to be found."""
        records = self.hall.records
        if self.membership.retired or (records.is_there() and os.path.exists(self.path)):
            return
        if not self.hall.members:
            self.membership.ended = True
            return
        if not records.is_there() and not records.make_again():
            return  # the next look tries again, unless members move to where doors are by then
        try:
            self.listen()
        except OSError as error:
            self.hall.note(f"{self.path}: {error.strerror}")

    def _end(self) -> None:
        """Leave nothing that looks like a door."""
        records = self.hall.records
        records.save()
        try:
            if records.is_there() and not self.given:
                os.unlink(self.path)
        except OSError:
            pass
        if records.lock is not None:
            os.ftruncate(records.lock, 0)
            os.close(records.lock)


def _handed_over() -> list[socket.socket]:
    """The sockets that systemd has opened for us, sd_listen_fds(3)."""
    if os.environ.pop("LISTEN_PID", "") != str(os.getpid()):
        return []
    count = os.environ.pop("LISTEN_FDS", "0")
    found = []
    for fd in range(3, 3 + int(count) if count.isdigit() else 3):
        os.set_inheritable(fd, False)
        try:
            found.append(socket.socket(fileno=fd))
        except OSError:
            pass  # it isn't one
    return found


def _let_go_of_others(kept: set[int]) -> None:
    """Close what we have inherited: whoever reads from such a pipe would wait for our end."""
    for name in os.listdir("/dev/fd"):
        if name.isdigit() and int(name) > 2 and int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:
                pass  # that of the listing


def _raise_limit() -> None:
    """Have as many descriptors as we may: each client at the door is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            pass  # macOS has another limit beside


def _trim_log() -> None:
    try:
        if os.fstat(sys.stderr.fileno()).st_size > LARGEST_LOG:
            os.ftruncate(sys.stderr.fileno(), 0)
    except (OSError, ValueError, AttributeError):
        pass  # it is no file


def _seconds(options: Sequence[str], name: str, usual: float) -> float:
    return float(options[options.index(name) + 1]) if name in options else usual
