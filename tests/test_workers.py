"""Tests that are run by several processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.workers import DONE, Shares

ROOT = Path(__file__).parents[1]
SUITE = """
import os, pathlib, signal, sys
import pytest

@pytest.fixture(scope="module", autouse=True)
def module():
    yield
    pathlib.Path(f"over.{os.getpid()}").touch()

@pytest.mark.parametrize("number", range(20))
def test_it(number, tmp_path):
    print("said by a test")
    assert (tmp_path / "new").write_text("") == 0
    if number == 3:
        pathlib.Path("workers").write_text(os.environ["TESTS_WORKER"])
        assert number == 4
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 7:
        pytest.skip("no time")
"""


@given(st.integers(0, 40), st.integers(1, 5), st.integers())
def test_each_item_is_run_once_whoever_is_through_first(
    items: int, workers: int, seed: int
) -> None:
    chance = Random(seed)
    shares = Shares(items, workers)
    ran: list[int] = []
    busy = list(range(workers))
    while busy:
        worker = chance.choice(busy)
        index = shares.next(worker)
        if index == DONE:
            busy.remove(worker)
        elif chance.random() < 0.9:
            ran.append(index)
        else:  # it has died before
            shares.give_back(worker, [index])
    assert sorted(ran) == list(range(items))


def test_neighbours_have_one_worker_and_who_is_through_takes_half_from_the_other_end() -> None:
    shares = Shares(10, 2)
    assert [shares.next(0) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert [shares.next(0), shares.next(1)] == [7, 5]
    assert [shares.next(0), shares.next(0)] == [8, 9]
    assert [shares.next(0), shares.next(0), shares.next(1)] == [6, DONE, DONE]


def _pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_suite.py").write_text(SUITE)
    plugins = ("-p", "tests.support.workers", "-p", "no:cacheprovider")
    return subprocess.run(
        (sys.executable, "-m", "pytest", "-q", *plugins, "--basetemp=t", *words, "test_suite.py"),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.real
@pytest.mark.skipif(sys.platform != "linux", reason="forks in the middle of a program")
def test_all_is_told_as_by_one_process_also_the_death_of_a_worker(tmp_path: Path) -> None:
    done = _pytest(tmp_path, "--workers", "2")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 failed, 17 passed, 1 skipped" in done.stdout
    assert "assert 3 == 4" in done.stdout
    assert "the worker that ran test_suite.py::test_it[5] has ended by SIGKILL" in done.stdout
    assert done.stdout.count("\nsaid by a test\n") == 1  # of the test that failed
    assert (tmp_path / "workers").read_text() in {"0/2", "1/2"}
    # One was killed; whoever comes for it has nothing to do if the other was faster.
    assert len(list(tmp_path.glob("over.*"))) in {1, 2}
    assert {each.name for each in (tmp_path / "t").iterdir()} >= {"w0", "w1"}


@pytest.mark.real
@pytest.mark.skipif(sys.platform != "linux", reason="forks in the middle of a program")
def test_after_as_many_failures_as_are_allowed_no_test_is_begun(tmp_path: Path) -> None:
    done = _pytest(tmp_path, "--workers", "1", "-x")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed" in done.stdout
    assert "stopping after 1 failures" in done.stdout
    assert "20" not in done.stdout.splitlines()[-1]
