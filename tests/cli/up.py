"""`rpx up` as a real process, for tests: start it, wait for what it says, ask about it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psutil

RPX = [sys.executable, "-m", "rpx"]
PATIENCE = 20.0  # seconds; far more than anything here takes

SERVER = """\
import http.server, os, sys
print("\\x1b[31mlistening", flush=True)
address = ("127.0.0.1", int(os.environ["PORT"]))
http.server.HTTPServer(address, http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def free_ports(count: int) -> list[int]:
    """Ports that nobody had a moment ago."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in held]
    for listener in held:
        listener.close()
    return ports


def wait_until(condition: Callable[[], bool]) -> None:
    """Look until it is so: nobody is told when the last process of a tree goes."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


class Project:
    """A folder with an rpx.yaml and a runtime directory of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "shop"
        self.folder.mkdir()
        (self.folder / "server.py").write_text(SERVER)
        runtime = root / "run"
        runtime.mkdir(mode=0o700)
        colours = {"NO_COLOR", "FORCE_COLOR"}
        self.environ = {key: text for key, text in os.environ.items() if key not in colours} | {
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_STATE_HOME": str(root / "state"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "SHOP": str(root),  # marks every process of this project
        }

    def write(self, text: str) -> None:
        """Write rpx.yaml."""
        (self.folder / "rpx.yaml").write_text(text)

    def copies(self, count: int, more: str = "") -> list[int]:
        """Write an rpx.yaml with so many copies of a web server; their ports."""
        ports = free_ports(count)
        sources = ", ".join(f"localhost:{port}" for port in ports)
        server = f"{sys.executable} server.py"
        self.write(
            f"name: shop\nlisten: {{http_port: 0}}\nproxies:\n"
            f"  - {{to: api.localhost, from: [{sources}], start: {server}}}\n{more}"
        )
        return ports

    def rpx(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = [*RPX, *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def ps(self) -> list[dict[str, Any]]:
        """What `rpx ps --json` shows."""
        done = self.rpx("ps", "--json")
        assert done.returncode == 0, done.stderr
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Run a command that goes on."""
        return subprocess.Popen(
            [*RPX, *arguments],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def processes(self) -> list[psutil.Process]:
        """Everything alive that this project has started."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("SHOP") == str(self.root) and is_alive(process):
                    found.append(process)
            except psutil.Error:
                continue
        return found


class Up:
    """`rpx up`, whose output is read line by line. Leaving the `with` ends all of it."""

    def __init__(self, project: Project, *arguments: str, stdout: int = subprocess.PIPE) -> None:
        self._project = project
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [*RPX, "up", *arguments],
            cwd=project.folder,
            env=project.environ,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @property
    def supervisor(self) -> psutil.Process:
        """The guardian's only child."""
        [child] = psutil.Process(self.process.pid).children()
        return child

    def until(self, text: str) -> str:
        """Read until a line with `text` in it; that line."""
        for line in self._output:
            self.said.append(line.rstrip("\n"))
            if text in line:
                return self.said[-1]
        raise AssertionError(f"never said {text!r}, but {self.said}")

    def end(self, signum: int | None = None) -> int:
        """Send a signal, read all that is still said; the exit code."""
        if signum is not None:
            self.process.send_signal(signum)
        self.said += self._output.read().splitlines()
        return self.process.wait(PATIENCE)

    @property
    def _output(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self._project.processes():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                pass
        with self.process:
            pass


def is_alive(process: psutil.Process) -> bool:
    """It still runs; one that nobody has buried does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
