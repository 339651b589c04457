"""`rpx` in a process of its own, forked from one that has imported all of it already.

Nine tenths of what a short command costs is the start of Python and its imports: half a second on a
busy machine, and the tests run hundreds. So one process for all workers has it all in memory and
makes copies of itself. Each has its own pid, folder, environment, standard streams, signals and
exit code, and runs what `python -m rpx` does.

What it can't show is how the interpreter starts and ends: `typed` projects in
`tests/e2e/test_up.py` start everything as a user does, and so does a test that has variables for
the interpreter, or another program in front. `tests/cli/test_main.py` imports each command alone.
The door that a copy starts is a copy, too; `tests/door` starts it as a user has it.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import gc
import json
import os
import pkgutil
import resource
import select
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Self

from rpx.backend import guardian
from tests.support.forked_door import copy_doors

ROOT = Path(__file__).parents[2]
SHOWN = "XDG_RUNTIME_DIR"  # by this variable tests know whose process it is
ROOM = 1000  # bytes for its value
FOR_PYTHON = ("PYTHON", "LC_", "LANG")  # beginnings of variables that the interpreter reads
WORKS = sys.platform == "linux"  # elsewhere a process can't change what others see of it


# ---------------------------------------------------------------- the side of the tests


class Started:
    """A copy that runs `rpx`; to be used as a `subprocess.Popen`."""

    def __init__(
        self,
        words: Sequence[str],
        answers: socket.socket,
        stdout: IO[Any] | None,
        stderr: IO[Any] | None,
    ) -> None:
        self.args = words
        self.returncode: int | None = None
        self.stdout = stdout
        self.stderr = stderr
        self._answers = answers
        self.pid = self._answer(last=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.wait()

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; subprocess.TimeoutExpired after so many seconds."""
        if self.returncode is None:
            if not select.select([self._answers], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = self._answer(last=True)
        return self.returncode

    def _answer(self, *, last: bool) -> int:
        """Read the pid, or the exit code, which is the last; RuntimeError if nobody tells it."""
        answer = self._answers.recv(64)
        if last or not answer:
            self._answers.close()
        if not answer:
            raise RuntimeError("the process that makes copies has ended")
        return int(answer)

    def send_signal(self, signum: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, *, timeout: float | None = None) -> tuple[Any, Any]:
        """Read what it says to the end, and wait; stdout and stderr, None where there is no pipe.

        Raises TimeoutError after so many seconds, with the process killed.
        """
        streams = (self.stdout, self.stderr)
        with ThreadPoolExecutor(2) as pool:
            said = [stream and pool.submit(stream.read) for stream in streams]
            try:
                out, err = (each and each.result(timeout) for each in said)
            except TimeoutError:
                self.kill()
                self.wait()
                raise
        for stream in streams:
            if stream is not None:
                stream.close()
        self.wait(timeout)
        return out, err


def fits(environment: Mapping[str, str]) -> bool:
    """Tell whether a copy would do: here, and with nothing said to the interpreter itself."""

    def said(variables: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in variables.items() if name.startswith(FOR_PYTHON)}

    return WORKS and said(environment) == said({**os.environ, "PYTHONPATH": str(ROOT)})


def start(
    words: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdin: int | IO[Any] | None = None,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    text: bool = False,
    session: bool = False,
    terminal: bool = False,
    linux: bool = True,
    descriptors: int = 0,
) -> Started:
    """Run `rpx` with these words in a copy; streams as those of `subprocess.Popen`.

    `session`: as a session leader; `terminal`: which stdin is the controlling terminal of. Not
    `linux`: as on other systems with neither a subreaper nor a signal when the parent dies.
    `descriptors`: so many at most.
    """
    job = {
        "words": list(words),
        "cwd": str(cwd),
        "env": dict(env),
        "session": session,
        "terminal": terminal,
        "linux": linux,
        "descriptors": descriptors,
    }
    ours, theirs = _answers()
    made: list[int] = [theirs.detach()]
    read: dict[int, int] = {}
    files: list[int] = []
    for number, stream in enumerate((stdin, stdout, stderr)):
        if stream is None:
            files.append(number)
        elif stream == subprocess.DEVNULL:
            made.append(os.open(os.devnull, os.O_RDWR))
            files.append(made[-1])
        elif stream == subprocess.PIPE:
            read[number], end = os.pipe()
            made.append(end)
            files.append(end)
        elif stream == subprocess.STDOUT:
            files.append(files[1])
        else:
            files.append(stream if isinstance(stream, int) else stream.fileno())
    socket.send_fds(_server(), [json.dumps(job).encode()], [made[0], *files])
    for file in made:
        os.close(file)
    said = {number: open(end, "r" if text else "rb") for number, end in read.items()}  # noqa: SIM115 - its owner's
    return Started(words, ours, said.get(1), said.get(2))


def run(
    words: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run `rpx` with these words to its end, and return what it has said."""
    with start(
        words,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        out, err = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(list(words), process.wait(), out, err)


def _answers() -> tuple[socket.socket, socket.socket]:
    """For the pid and the exit code, which are two messages also when both are there to be read."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def begin() -> None:
    """Have what copies are made of, for this process and for those that are forked from it."""
    if WORKS:
        _server()


@cache
def _server() -> socket.socket:
    """Where the process listens of which the copies are made; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            (sys.executable, "-m", "tests.support.forkserver", str(theirs.fileno())),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), SHOWN: "/" * ROOM},
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


# ---------------------------------------------------------------- the side of the copies


def serve(requests: socket.socket) -> dict[str, Any]:
    """Make a copy for each request until nobody asks any more; returns in the copies alone."""
    room = _room()
    _import_all()
    woken, wake = _wake_up_for_the_dead()
    running: dict[int, socket.socket] = {}
    data, files = b"", list[int]()
    while True:
        ready, _, _ = select.select([requests, woken], [], [])
        if woken in ready:
            woken.recv(4096)
            _tell_of_the_dead(running)
        if requests in ready:
            data, files, _, _ = socket.recv_fds(requests, 1 << 20, 4)
            if not data:
                os._exit(0)
            if not (pid := os.fork()):
                break
            running[pid] = socket.socket(fileno=files[0])
            running[pid].send(b"%d" % pid)
            for file in files[1:]:
                os.close(file)
    for sock in (requests, woken, wake, *running.values()):
        sock.close()
    job: dict[str, Any] = json.loads(data)
    _become(job, files[1:], room)
    return job


def _import_all() -> None:
    """But for what needs an extra that is not installed, and the screen, which a few tests show."""
    for module in pkgutil.walk_packages([str(ROOT / "rpx")], "rpx."):
        if module.name.endswith("__main__") or module.name.startswith("rpx.cli.screen."):
            continue
        try:
            import_module(module.name)
        except ModuleNotFoundError as missing:
            if (missing.name or "rpx").partition(".")[0] == "rpx":
                raise
    gc.collect()
    gc.freeze()  # or the copies would write to these pages, each for itself


def _wake_up_for_the_dead() -> tuple[socket.socket, socket.socket]:
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who runs the tests
    return woken, wake


def _tell_of_the_dead(running: dict[int, socket.socket]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        try:
            running[pid].send(b"%d" % os.waitstatus_to_exitcode(status))
        except OSError:
            pass  # nobody wants to know any more
        running.pop(pid).close()


def _room() -> int:
    """Where the value of SHOWN stands that other processes see in /proc; its room is ROOM."""
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    place: int = libc.getenv(SHOWN.encode())
    return place


def _show(room: int, value: str) -> None:
    ctypes.memmove(room, value.encode().ljust(ROOM, b"/")[:ROOM], ROOM)


def _become(job: dict[str, Any], files: list[int], room: int) -> None:
    """In the copy: be what `python -m rpx` would have begun as."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if job["session"]:
        os.setsid()
    above = [fcntl.fcntl(file, fcntl.F_DUPFD, 3) for file in files]
    for number, file in enumerate(above):
        os.dup2(file, number)
    os.closerange(3, 1024)
    if job["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    show = partial(_show, room)
    show(job["env"].get(SHOWN, ""))
    copy_doors(show)
    if most := job["descriptors"]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if not job["linux"]:
        vars(guardian)["_prctl"] = lambda *_: False
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # type: ignore[misc] # noqa: SIM115
    errors = sys.stdout.errors
    sys.stdout = sys.__stdout__ = open(1, "w", errors=errors, closefd=False)  # type: ignore[misc] # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", 1, errors="backslashreplace", closefd=False)  # type: ignore[misc] # noqa: SIM115
    sys.argv = [str(ROOT / "rpx" / "__main__.py"), *job["words"]]


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
    from rpx.__main__ import main

    code = main()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)  # to take all of it apart would cost more than all the rest
