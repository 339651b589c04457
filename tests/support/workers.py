"""Tests by several processes, forked from one that has collected them all: `pytest --workers 4`.

To import the tests and to make items of them takes ten seconds of a processor. Workers that start
anew, as those of pytest-xdist, each do it for themselves: a sixth of the whole suite.

A worker begins with its share of the items, in their order; who is through takes half of what the
one with most has left. It asks for its next test before it begins the last one that it knows, so
that fixtures of a module stay as long as its tests come. What it finds goes to the first process
as pytest's own reports; there the terminal, `-x` and the exit code see no difference.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.compiled import compile_tests

NUMBER = "TESTS_WORKER"  # which one this is, and of how many: `2/4`
DONE = -1  # instead of the index of a test: there are no more


def number() -> tuple[int, int]:
    """Which worker this process is, counted from 0, and of how many."""
    this, _, count = os.environ.get(NUMBER, "0/1").partition("/")
    return int(this), int(count)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("workers").addoption(
        "--workers",
        default=0,
        type=_count,
        metavar="N",
        help="run the tests in N processes; auto: one for each core, and four at least",
    )


def _count(value: str) -> int:
    """A fork in the middle of a program is safe on Linux; macOS has libraries that forbid it."""
    if value != "auto":
        return int(value)
    return max(4, os.cpu_count() or 1) if sys.platform == "linux" else 0


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Compile what is new by all cores before it is imported by one."""
    execute = getattr(session.config.pluginmanager.rewrite_hook, "exec_module", None)
    if execute is not None and session.config.option.workers:  # not with `--assert=plain`
        compile_tests(execute, session.config.args)


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run what was collected; without workers by pytest's own loop."""
    option = session.config.option
    if not option.workers or option.collectonly or not session.items or session.testsfailed:
        return None
    session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined] # or each makes it anew
    Workers(session, min(option.workers, len(session.items))).run()
    return True


class Shares:
    """Which of so many items comes next for which worker. Pure."""

    def __init__(self, items: int, workers: int) -> None:
        bounds = [items * each // workers for each in range(workers + 1)]
        self._shares = [deque(range(*pair)) for pair in pairwise(bounds)]

    def next(self, worker: int) -> int:
        """The index of its next item; DONE if nobody has any left."""
        mine = self._shares[worker]
        if not mine:
            most = max(self._shares, key=len)
            taken = [most.pop() for _ in range((len(most) + 1) // 2)]
            mine.extend(reversed(taken))
        return mine.popleft() if mine else DONE

    def give_back(self, worker: int, items: Sequence[int]) -> None:
        """These are yet to be run: whoever knew them has died."""
        self._shares[worker].extendleft(reversed(items))


class Worker:
    """A worker as the first process sees it."""

    def __init__(self, number: int, pid: int, pipe: Connection) -> None:
        self.number = number
        self.pid = pid
        self.pipe = pipe
        self.known: list[int] = []  # items that it has to run, the one that it runs first
        # As reports of pytest-xdist have it. By this the terminal knows that tests of several files
        # come in turns, and puts the line above a failure.
        name = f"w{number}"
        self.node = SimpleNamespace(
            gateway=SimpleNamespace(id=name), _workerinfocache=f"[{name}, pid {pid}]"
        )


class Workers:
    """All of them, until every item has been run, or no more are to be."""

    def __init__(self, session: pytest.Session, count: int) -> None:
        self._session = session
        self._hook = session.config.hook
        self._count = count
        self._shares = Shares(len(session.items), count)
        self._living: dict[Connection, Worker] = {}

    def run(self) -> None:
        """Raise what pytest's own loop does: Failed after `-x`, Interrupted."""
        for number in range(self._count):
            self._start(number)
        try:
            while self._living:
                for pipe in wait(list(self._living)):
                    assert isinstance(pipe, Connection)
                    self._hear(self._living[pipe])
        finally:
            for worker in self._living.values():  # Ctrl-C has reached them, too
                worker.pipe.close()
                os.waitpid(worker.pid, 0)
        if self._session.shouldfail:
            raise self._session.Failed(self._session.shouldfail)
        if self._session.shouldstop:
            raise self._session.Interrupted(self._session.shouldstop)

    def _start(self, number: int) -> None:
        ours, theirs = Pipe()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        pid = os.fork()
        if not pid:
            for pipe in (ours, *self._living):
                pipe.close()
            os.environ[NUMBER] = f"{number}/{self._count}"
            _be_a_worker(self._session, theirs)
        theirs.close()
        self._living[ours] = Worker(number, pid, ours)

    def _hear(self, worker: Worker) -> None:
        kind, value = _heard(worker.pipe)
        if kind == "end":
            self._buried(worker)
        elif kind == "ask":
            self._answer(worker)
        elif kind == "over":
            worker.known.pop(0)
        else:
            self._report(worker, self._restored(value))

    def _answer(self, worker: Worker) -> None:
        stop = self._session.shouldfail or self._session.shouldstop
        item = DONE if stop else self._shares.next(worker.number)
        if item != DONE:
            worker.known.append(item)
        try:
            worker.pipe.send(item)
        except ConnectionError:
            pass  # and that it has died is heard next

    def _restored(self, data: dict[str, Any]) -> pytest.TestReport:
        report: pytest.TestReport = self._hook.pytest_report_from_serializable(
            config=self._session.config, data=data
        )
        return report

    def _report(self, worker: Worker, report: pytest.TestReport) -> None:
        vars(report)["node"] = worker.node
        self._hook.pytest_runtest_logreport(report=report)

    def _buried(self, worker: Worker) -> None:
        """A worker is no more: it had nothing left to do, or the test that it ran has failed."""
        del self._living[worker.pipe]
        worker.pipe.close()
        _, status = os.waitpid(worker.pid, 0)
        if not worker.known:
            return
        code = os.waitstatus_to_exitcode(status)
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        ran, *others = worker.known
        item = self._session.items[ran]
        what = f"the worker that ran {item.nodeid} has ended by {how}"
        self._report(
            worker,
            pytest.TestReport(item.nodeid, item.location, {}, "failed", what, when="call"),
        )
        self._shares.give_back(worker.number, others)
        self._start(worker.number)


def _heard(pipe: Connection) -> tuple[str, Any]:
    """What comes next. A worker must not be forked where an exception is handled: it would, too."""
    try:
        heard: tuple[str, Any] = pipe.recv()
    except (EOFError, ConnectionError):
        return "end", None
    return heard


# ---------------------------------------------------------------- the side of a worker


def _be_a_worker(session: pytest.Session, pipe: Connection) -> None:
    """Run tests as long as there are any, and end; this never returns."""
    code = 1
    try:
        _be_quiet(session.config)
        _have_a_folder(session.config, f"w{number()[0]}")
        session.config.pluginmanager.register(Relay(session.config, pipe))
        _run(session, pipe)
        code = 0
    except (KeyboardInterrupt, EOFError, ConnectionError):
        pass  # it is all over
    finally:
        atexit._run_exitfuncs()
        os._exit(code)


def _be_quiet(config: pytest.Config) -> None:
    """Nothing that is written here is for the terminal; and what tests write is kept apart."""
    if config.option.capture == "no":
        return
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    capture.start_global_capturing()
    capture.suspend_global_capture()


def _have_a_folder(config: pytest.Config, name: str) -> None:
    """Before pytest makes a folder for a test it looks at all that there are: fewer, if its own."""
    factory = config._tmp_path_factory  # type: ignore[attr-defined]
    factory._basetemp = factory.getbasetemp() / name
    factory._basetemp.mkdir(mode=0o700, exist_ok=True)


def _run(session: pytest.Session, pipe: Connection) -> None:
    def ask() -> int:
        pipe.send(("ask", None))
        index: int = pipe.recv()
        return index

    index = ask()
    while index != DONE:
        following = ask()
        item = session.items[index]
        after = session.items[following] if following != DONE else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        pipe.send(("over", None))
        index = following


class Relay:
    """Sends what a worker finds to the first process."""

    def __init__(self, config: pytest.Config, pipe: Connection) -> None:
        self._config = config
        self._pipe = pipe

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._pipe.send(("report", data))
