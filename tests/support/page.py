"""The examples of a documentation page, run as a reader would: files written, commands typed.

In each section, a fenced block whose first line is `# NAME.ext` becomes that file; files before the
first section are there for all. When a section has an rpx.yaml, `rpx up` runs it. A `console` block
is typed into a shell: after each `$ ` line, what follows is expected. `…` stands for anything in a
line, and for any lines when it is alone. Ports are exchanged for free ones.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.support import forkserver
from tests.support.project import Project, free_ports, in_the_end, until
from tests.support.short_commands import short_commands

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ([\w.-]+\.\w+)\n")
_PORT = re.compile(r"\b(?:300\d|400\d|5173|8080)\b")
_LONGEST = 20.0  # seconds that a command may take
_DONE = "== done =="


class Section:
    """One section of a page: its title and its blocks."""

    def __init__(self, title: str, blocks: list[tuple[str, str]]) -> None:
        self.title = title
        self.blocks = blocks

    def __str__(self) -> str:
        return self.title


def sections(page: Path, typed: str = "console") -> tuple[Section, list[Section]]:
    """What stands before the first `## `, and each section that has something to type, or another
    kind of block.
    """
    parts = re.split(r"^## (.*)$", page.read_text(), flags=re.MULTILINE)
    found = [
        Section(title, [(kind, text) for kind, text in _BLOCK.findall(body)])
        for title, body in zip(["", *parts[1::2]], parts[::2], strict=True)
    ]
    return found[0], [each for each in found if any(kind == typed for kind, _ in each.blocks)]


def play(project: Project, first: Section, section: Section) -> None:
    """Run the examples of a section in a project's folder; AssertionError where one lies."""
    ports = Ports("".join(text for _, text in first.blocks + section.blocks))
    project.environment["PATH"] = f"{Path(sys.executable).parent}:{project.environment['PATH']}"
    for _, text in first.blocks:
        _write(project, ports, text)
    with ExitStack() as running:
        shell = running.enter_context(Shell(project))
        for kind, text in section.blocks:
            name = _write(project, ports, text)
            if name == "rpx.yaml":
                running.pop_all().close()
                shell = running.enter_context(Shell(project))
                _start(project, running)
            if kind == "console":
                for command, expected in conversation(text):
                    said = ports.back(in_the_end(shell.type(ports.there(command))))
                    assert matches(expected, said), f"$ {command}\n{said}\nexpected:\n{expected}"


def _start(project: Project, running: ExitStack) -> None:
    (project.folder / "run").mkdir(mode=0o700, exist_ok=True)
    running.enter_context(project.up(ready=False))
    try:
        until(lambda: _all_ready(project), "ready")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{project.said()}") from None


def _all_ready(project: Project) -> bool:
    """External backends may be started by what is typed: only ours have to be there."""
    rows = project.ps()
    return bool(rows) and all(
        row["external"] or row["state"] in ("ready", "completed") for row in rows
    )


def _write(project: Project, ports: Ports, text: str) -> str | None:
    found = _FILE.match(text)
    if found is None:
        return None
    (project.folder / found[1]).write_text(ports.there(text))
    return found[1]


def conversation(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a `console` block, and what is expected of it."""
    for turn in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = turn.partition("\n")
        while command.endswith("\\"):
            more, _, expected = expected.partition("\n")
            command += "\n" + more.removeprefix("> ")
        yield command, expected


def matches(expected: str, said: str) -> bool:
    """Tell whether that was said."""
    lines = expected.splitlines(True)
    patterns = (
        r"(?:.*\n)*" if line == "…\n" else re.escape(line).replace("…", ".*") for line in lines
    )
    return re.fullmatch("".join(patterns), said) is not None


class Ports:
    """The ports of the page and the free ones that stand in for them, in the same order."""

    def __init__(self, text: str) -> None:
        mine = sorted(set(_PORT.findall(text)))
        self._free = dict(zip(mine, map(str, sorted(free_ports(len(mine)))), strict=True))
        self._page = {free: port for port, free in self._free.items()}

    def there(self, text: str) -> str:
        """The text with free ports."""
        return _PORT.sub(lambda found: self._free[found[0]], text)

    def back(self, text: str) -> str:
        """The text with the ports of the page."""
        return re.sub(r"\b\d{4,5}\b", lambda found: self._page.get(found[0], found[0]), text)


class Shell:
    """A bash that is typed into; the processes that were started in it end with it."""

    def __init__(self, project: Project, longest: float = _LONGEST) -> None:
        self._project = project
        self._longest = longest  # seconds that a command may take
        self._running = ExitStack()

    def __enter__(self) -> Self:
        environment = self._project.environment
        if forkserver.fits(environment):
            short = self._running.enter_context(short_commands(self._project.folder))
            environment = {**environment, "PATH": f"{short}:{environment['PATH']}"}
        self._bash = subprocess.Popen(
            ("bash", "--norc"),
            cwd=self._project.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.type("set -m")  # jobs, as in a terminal: `kill %1` ends one with all it started
        return self

    def __exit__(self, *_: object) -> None:
        with self._running:
            if self._bash.poll() is not None:  # a command took too long
                self._bash.communicate()
                return
            self.type(
                'jobs=$(jobs -p); [ -z "$jobs" ] || for job in $jobs; do kill -9 -- -$job; done'
            )
            self._bash.communicate("exit\n", timeout=10)

    @property
    def pid(self) -> int:
        """Of the bash."""
        return self._bash.pid

    def type(self, command: str) -> str:
        """Run a command to its end and return what it said."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f"{command}\necho '{_DONE}'\n")
        self._bash.stdin.flush()
        said = ""
        too_long = threading.Timer(self._longest, os.killpg, (self._bash.pid, signal.SIGKILL))
        too_long.start()
        while (line := self._bash.stdout.readline()) and not line.endswith(f"{_DONE}\n"):
            said += line
        said += line.removesuffix(f"{_DONE}\n")  # a last line without an end
        too_long.cancel()
        assert line, f"not within {self._longest:g} s: {command}\n{said}"
        return said
