"""A project in a folder of its own, run by the real `rpx` in a real process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar

import httpx
import psutil

from rpx.errors import RpxError
from rpx.model.answers import json_of
from rpx.model.file_names import PROJECT_FILES
from rpx.runs.api_client import ApiClient
from rpx.runs.lease import parse
from rpx.runs.paths import LEASE, runtime_folder
from tests.support import forkserver
from tests.support.forkserver import Started
from tests.support.looks import pause
from tests.support.ports import is_free, ports_in_turn
from tests.support.running import alive

APPS = Path(__file__).parents[2] / "fixtures" / "apps"
RPX = (sys.executable, "-m", "rpx")
T = TypeVar("T")
Process = subprocess.Popen[Any] | Started
SOON = 30.0  # seconds; a busy machine takes its time, a broken promise takes for ever


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, on either loopback address, and that no test has had."""
    return list(islice(filter(is_free, ports_in_turn()), count))


def until(condition: Callable[[], Any], what: str, *, within: float = SOON) -> Any:  # noqa: ANN401 - whatever it found
    """Look until `condition` gives something true, and return that."""
    began = time.monotonic()
    while (waited := time.monotonic() - began) < within:
        found = condition()
        if found:
            return found
        time.sleep(pause(waited, 0.02))
    raise AssertionError(f"not within {within:g} s: {what}")


class Project:
    """A folder with an rpx.yaml, and what runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        runtime = folder / "run"
        runtime.mkdir(mode=0o700)
        home = folder / "home"
        home.mkdir()
        self.environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_STATE_HOME": str(home),
            "HOME": str(home),
            "PYTHONPATH": str(APPS.parents[1]),
        }
        for name in ("NO_COLOR", "FORCE_COLOR", "RPX_INSTANCE"):
            self.environment.pop(name, None)
        self.output = folder / "up.log"
        self.linux = True  # and if not, a copy has none of its calls for the sake of processes
        self.descriptors = 0  # that `rpx up` may have, if not as many as the tests
        self.forks = True  # rather than start Python each time, where that shows the same
        self.http_port = free_ports(1)[0]
        self.https_port = 0  # of those that have TLS
        self._folders = [runtime_folder(folder / name).name for name in PROJECT_FILES]

    def write(self, text: str, **more: str) -> None:
        """Write rpx.yaml: `PORT` is the listener's, `APPS` the folder of tiny backends."""
        text = text.replace("HTTP_PORT", str(self.http_port)).replace("APPS", str(APPS))
        text = text.replace("PYTHON", sys.executable)
        for name, value in more.items():
            text = text.replace(name, value)
        (self.folder / "rpx.yaml").write_text(text)

    def copies(self, count: int, more: str = "") -> list[int]:
        """Write an rpx.yaml with so many copies of a server at api.localhost; their ports."""
        ports = free_ports(count)
        sources = ", ".join(f"localhost:{port}" for port in ports)
        self.write(
            "name: shop\nlisten: {http_port: HTTP_PORT}\nproxies:\n"
            f"  - {{to: api.localhost, from: [{sources}], start: PYTHON APPS/ok.py}}\n{more}"
        )
        return ports

    def rpx(self, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        if self._forks():
            return forkserver.run(words, cwd=self.folder, env=self.environment, timeout=timeout)
        return subprocess.run(
            (*RPX, *words),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def begin(
        self,
        *words: str,
        stdin: int | None = None,
        stdout: int = subprocess.PIPE,
        text: bool = True,
    ) -> Process:
        """Run a command that goes on."""
        begin = forkserver.start if self._forks() else _start
        return begin(
            words,
            cwd=self.folder,
            env=self.environment,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=text,
        )

    def ps(self) -> list[dict[str, Any]]:
        """Return the rows of `rpx ps --json`; none while nothing runs.

        Without the command, which would be most of the work of a test that waits for something.
        """
        return [json_of(row) for row in self._asked(ApiClient.ps)]

    def listed(self) -> list[dict[str, Any]]:
        """Return what `rpx ps --json` prints, if it finds the project; none where it doesn't."""
        done = self.rpx("ps", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else []

    def states(self) -> dict[str, str]:
        """Return label → state; nothing while nothing runs."""
        # Not by `ps`, for which rpx looks at every process of the machine each time.
        return {row.label: row.state for row in self._asked(lambda client: client.why(()))}

    def _asked(self, question: Callable[[ApiClient], list[T]]) -> list[T]:
        runtime = Path(self.environment["XDG_RUNTIME_DIR"], "rpx")
        for name in self._folders:
            with suppress(OSError, RpxError):
                if lease := parse((runtime / name / LEASE).read_bytes()):
                    return question(ApiClient(lease))
        return []

    def get(self, host: str, path: str = "/", **details: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        """Ask the proxy for `host`."""
        headers = {"Host": host, **details.pop("headers", {})}
        url = f"http://127.0.0.1:{self.http_port}{path}"
        # It isn't asked with TLS: `verify=False` saves reading all authorities.
        plain = {"trust_env": False, "verify": False, "timeout": 30, **details}
        return httpx.get(url, headers=headers, **plain)

    @contextmanager
    def up(
        self,
        *words: str,
        ready: bool = True,
        stdout: int | None = None,
        verb: tuple[str, ...] = ("up",),
    ) -> Iterator[Process]:
        """Run `rpx up`; at the end it, and everything that came of it, is gone.

        It prints into a file that `said` reads, unless there is another `stdout` for it. `verb` is
        empty for a project that stands on the command line.
        """
        before = set(psutil.pids())
        begin: Callable[..., Process] = partial(_start, descriptors=self.descriptors)
        if self._forks():
            begin = partial(forkserver.start, linux=self.linux, descriptors=self.descriptors)
        with self.output.open("wb") as output:
            process = begin(
                (*verb, *words),
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output if stdout is None else stdout,
                stderr=subprocess.STDOUT,
                session=True,
            )
        try:
            if ready:
                self.until_ready()
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGINT)
                    process.wait(10)
            self._clean_up(before)

    def _forks(self) -> bool:
        return self.forks and forkserver.fits(self.environment)

    def until_ready(self) -> None:
        """Wait until every backend is ready."""
        try:
            until(self.all_ready, "ready")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.said()}") from None

    def all_ready(self) -> bool:
        """Tell whether every backend is ready."""
        states = self.states()
        return bool(states) and set(states.values()) <= {"ready", "completed"}

    def said(self) -> str:
        """Return what `rpx up` has printed."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def lines(self) -> list[str]:
        """Return the whole lines that `rpx up` has printed."""
        return self.said().rpartition("\n")[0].split("\n")

    def until_said(self, text: str) -> str:
        """Wait for a line with this text in the output of `rpx up`; the first one."""

        def found() -> str | None:
            return next((line for line in self.lines() if text in line), None)

        try:
            return str(until(found, ""))
        except AssertionError:
            raise AssertionError(f"{text!r} is not in\n{self.said()}") from None

    def survivors(self) -> list[psutil.Process]:
        """Return the living processes that services of this project are, or that they started."""
        marker = f"XDG_RUNTIME_DIR={self.folder}"
        found = []
        for pid in psutil.pids():
            try:
                if pid != os.getpid() and marker in _environment(pid):
                    found.append(psutil.Process(pid))
            except (psutil.Error, OSError):
                continue
        return [each for each in found if alive(each)]

    def _clean_up(self, before: set[int]) -> None:
        for process in self.survivors():
            if process.pid not in before:
                process.kill()


def _environment(pid: int) -> str:
    """The variables of a process; of one that has ended, none."""
    if sys.platform == "linux":  # without psutil, which takes ten times as long for each of them
        return os.fsdecode(Path(f"/proc/{pid}/environ").read_bytes())
    return "\0".join(f"{name}={value}" for name, value in psutil.Process(pid).environ().items())


@contextmanager
def project_in(folder: Path) -> Iterator[Project]:
    """An empty project; when the block is left, none of its processes is there any more."""
    project = Project(folder)
    yield project
    left = project.survivors()
    for process in left:
        process.kill()
    assert not left, f"left behind: {left}"


def _start(
    words: tuple[str, ...],
    *,
    cwd: Path,
    env: dict[str, str],
    stdin: int | None,
    stdout: int | IO[bytes],
    stderr: int,
    text: bool = False,
    session: bool = False,
    descriptors: int = 0,
) -> subprocess.Popen[Any]:
    """Run `rpx` from its very beginning; with so many descriptors at most."""
    limit = f'ulimit -n {descriptors}; exec "$@"'
    limited = ("/bin/sh", "-c", limit, "sh") if descriptors else ()
    return subprocess.Popen(
        (*limited, *RPX, *words),
        cwd=cwd,
        env=env,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        text=text,
        start_new_session=session,
    )


def end(process: Process, signum: int) -> int:
    """Send a signal to `rpx up`; its exit code."""
    process.send_signal(signum)
    return process.wait(SOON)


def supervisor(process: Process) -> psutil.Process:
    """Return the supervisor below the guardian that `process` is."""
    guardian = psutil.Process(process.pid)
    return next(each for each in guardian.children() if each.cmdline() == guardian.cmdline())


def in_the_end(said: str) -> str:
    """What a command printed, without what it was waiting for: that depends on the machine."""
    return "".join(line for line in said.splitlines(True) if not line.startswith("waiting for "))


def pids_said(text: str, *names: str) -> dict[str, int]:
    """Find `name pid` lines that fixtures/apps/forks.py prints."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        words = line.rpartition("| ")[2].split()
        if len(words) == 2 and words[0] in names and words[1].isdigit():
            found[words[0]] = int(words[1])
    return found
