"""After `kill -9` of the supervisor or the guardian nothing is left. Real processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.support.guarded import (
    APPS,
    FAMILY,
    LINUX,
    ROOT,
    SUPERVISOR,
    Guarded,
    Launch,
    launcher,
    until,
)

pytestmark = [pytest.mark.real, pytest.mark.smoke]
launch = pytest.fixture(launcher)

FORKS = f"{sys.executable} {APPS / 'forks.py'}; :"  # `:` so that a shell stays in between
STUBBORN = f"exec {sys.executable} {APPS / 'ignore_term.py'}"


def with_family(launch: Launch, *commands: str) -> Guarded:
    """A supervisor whose services are all there: five processes for each FORKS, shell included."""
    guarded = launch(FAMILY, *(commands or (FORKS, STUBBORN)))
    for name in ("leader", "child", "grandchild", "daemon", "ignores"):
        guarded.until_it_says(name)
    guarded.read()
    for line in re.findall(r"(?m)^(\d+) ignores", guarded.text):
        guarded.known[f"stubborn {line}"] = psutil.Process(int(line))
    for process in guarded.supervisor.children(recursive=True):
        guarded.known[f"descendant {process.pid}"] = process
    return guarded


# ---------------------------------------------------------------- nothing is left


@LINUX
def test_kill_9_of_the_supervisor_leaves_nothing(launch: Launch) -> None:
    guarded = with_family(launch)
    assert len(guarded.survivors()) >= 7
    guarded.supervisor.kill()
    until(lambda: not guarded.survivors(), within=2)
    assert guarded.end() == 128 + signal.SIGKILL


@LINUX
def test_kill_9_of_the_guardian_leaves_nothing(launch: Launch) -> None:
    guarded = with_family(launch)
    guarded.process.kill()
    until(lambda: not guarded.survivors(), f"{guarded.survivors()}", within=2)


@LINUX
def test_a_supervisor_that_just_returns_leaves_nothing(launch: Launch) -> None:
    """A daemon without session, group, or environment by which one could find it."""
    guarded = launch(
        SUPERVISOR
        + "def run():\n"
        + f"    it = subprocess.Popen([sys.executable, {str(APPS / 'forks.py')!r}], env={{}})\n"
        + "    sys.stdin.read(); import time; time.sleep(0.5); return 0\n"
    )
    for name in ("leader", "child", "grandchild", "daemon"):
        guarded.until_it_says(name)
    assert guarded.end() == 0
    assert guarded.survivors() == []


@LINUX
def test_orphans_do_not_pile_up_as_zombies(launch: Launch) -> None:
    script = SUPERVISOR + (
        "inner = run\n"
        "def run():\n"
        "    for _ in range(20): os.system('(sleep 0.0 &)')\n"
        "    say('all forked'); return inner()\n"
    )
    guarded = launch(script)
    guarded.until_it_says("supervisor")
    guardian = psutil.Process(guarded.pid)
    until(lambda: guardian.children() == [guarded.supervisor], "only the supervisor is left")


# ---------------------------------------------------------------- what it costs


@LINUX
def test_an_idle_guardian_never_wakes_up(launch: Launch) -> None:
    guarded = launch(SUPERVISOR)
    guarded.until_it_says("supervisor")
    guardian = psutil.Process(guarded.pid)
    until(lambda: guardian.status() == psutil.STATUS_SLEEPING)
    before = guardian.num_ctx_switches().voluntary
    time.sleep(0.3)  # the span that is measured
    assert guardian.num_ctx_switches().voluntary - before <= 1


@LINUX
def test_the_guardian_is_small(launch: Launch) -> None:
    guarded = launch(SUPERVISOR)
    guarded.until_it_says("supervisor")
    own = psutil.Process(guarded.pid).memory_info().rss
    assert own < 20 * 2**20


def test_the_guardian_needs_nothing_but_the_standard_library() -> None:
    script = (
        "import sys; from rpx.backend import guardian;"
        "print(sorted({'trio', 'psutil', 'pydantic', 'ctypes'} & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    assert said.stdout == b"[]\n"
