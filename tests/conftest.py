"""What holds for every test."""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sys
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings

from rpx.cli.helpers.calling_agent import VARIABLES
from rpx.cli.typed import name_project
from tests.support import forkserver, source
from tests.support.tls import Authority

pytest_plugins = ["tests.support.workers"]

# An installed rpx has its bytecode; without, each run in a test compiles 250 modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Users don't have it, and what it changes has been a fault that no test saw.
os.environ.pop("PYTHONUNBUFFERED", None)

# `rpx up` would go to the background, and wait there.
for variable in VARIABLES:
    os.environ.pop(variable, None)

# A terminal's width may be here; tables in tests have none.
os.environ.pop("COLUMNS", None)

# What a shell runs in the background ignores SIGINT, and so would all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What is collected stays to the end: thousands of tests, and the modules that they import. Garbage
# collections that look at it again and again take a fifth of the start, and their share later.
gc.disable()


MANY = 1000  # tests, of which some need all of it


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """From here on look for garbage, among what is made from here on.

    What most workers would have to make for themselves is made before there are any.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)  # as usual it would be a twentieth of all the rest
    gc.enable()
    if session.config.option.workers and len(session.items) > MANY:
        forkserver.begin()
        source.read()


HANGS = 180  # seconds; a busy machine takes a minute for what is long; a hang never ends


def pytest_configure() -> None:
    """Prepare to show where a test hangs, and to end there.

    pytest's `faulthandler_timeout` would start a thread for each test, and wait for its end: on a
    busy machine a tenth of the whole. The kernel's alarm clock costs nothing.
    """
    assert sys.__stderr__ is not None
    there = os.dup(sys.__stderr__.fileno())  # before it leads to what pytest collects
    faulthandler.register(signal.SIGALRM, file=there, all_threads=True, chain=True)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """End all with a test that hangs: by SIGALRM, after every thread's traceback."""
    signal.setitimer(signal.ITIMER_REAL, HANGS)
    try:
        return (yield)
    finally:
        stop_the_clock()


def stop_the_clock() -> None:
    """Let the test that runs take its time."""
    signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.hookimpl
def pytest_enter_pdb() -> None:
    """Who debugs a test takes his time."""
    stop_the_clock()


# How long an example takes says something about the machine, not about rpx. Each run has others:
# four with a quarter of what is usual find as much, `make thorough` at once eight times that. To
# explain a failure hypothesis traces every line of each example that it tries again: minutes.
slow = [HealthCheck.too_slow]
phases = [phase for phase in Phase if phase is not Phase.explain]
for name, count in (("rpx", 25), ("more", 200), ("thorough", 2000)):
    settings.register_profile(
        name, max_examples=count, deadline=None, suppress_health_check=slow, phases=phases
    )
settings.load_profile("rpx")


ASKED_FOR = {
    "thorough": "thorough",
    "engine": "containers",
    "programs": "programs",
    "exports": "exports",
    "recipe": "recipes",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long, and what needs other programs, is run when it is asked for."""
    if any(name in config.getoption("markexpr") for name in ASKED_FOR):
        return
    for item in items:
        for name, target in ASKED_FOR.items():
            if item.get_closest_marker(name) is not None:
                item.add_marker(pytest.mark.skip(reason=f"`make {target}` runs it"))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how to have the same random order again; `-q` hides the line with it at the top."""
    if seed := config.getoption("randomly_seed", None):
        terminalreporter.write_line(f"in random order; the same again: --randomly-seed={seed}")


@pytest.fixture(autouse=True)
def _no_project_is_named() -> Iterator[None]:
    """What `rpx -f FILE` leaves in this process is for the messages of that command alone."""
    yield
    name_project(None)


@pytest.fixture(scope="session", autouse=True)
def _state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is kept in the home of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificates of tests."""
    return Authority(tmp_path_factory.mktemp("authority"))
