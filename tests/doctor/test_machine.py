"""Versions, the clock, and what crashed runs have left."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import rpx
from rpx.doctor import machine
from rpx.doctor.findings import Status
from rpx.doctor.machine import clock, leftovers, versions
from rpx.runs.held import take
from rpx.runs.lease import Identity, Lease, crashed_runs


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.setattr("rpx.folders.SHARED", tmp_path)
    return folder


def crash(folder: Path, run: str) -> Path:
    """A run whose lock is free, and that has not emptied its lease."""
    config = folder / "rpx.yaml"
    me = Identity.of(os.getpid())
    lease = Lease(me, me, run, "shop", config)
    with take(lease):
        (path,) = (folder / "run" / "rpx").glob("*/lease.json")
        content = path.read_bytes()
        assert not crashed_runs()  # it runs
    assert not crashed_runs()  # it has ended in order
    path.write_bytes(content)
    return config


def test_what_runs_here_is_said() -> None:
    first, second = list(versions())[:2]
    assert first.subject == f"rpx {rpx.__version__}"
    assert second.subject.startswith("Python 3.")
    assert "OpenSSL" in second.detail


def test_few_open_files_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1024))
    last = list(versions())[-1]
    assert (last.status, last.detail) == (Status.WARNING, "1024 at most")


def test_a_clock_before_the_installation_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rpx.doctor.machine.time.time", lambda: 86_400.0)
    (only,) = clock()
    assert only.status is Status.PROBLEM


@pytest.mark.parametrize(
    ("said", "status"), [("no\n", Status.WARNING), ("yes\n", Status.OK), ("", Status.OK)]
)
def test_a_clock_that_nobody_sets_is_a_warning(
    said: str, status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "found", lambda _: "/usr/bin/timedatectl")
    monkeypatch.setattr(machine, "said", lambda _: said)
    (only,) = clock()
    assert only.status is status


def test_nothing_left_is_fine(runtime: Path, tmp_path: Path) -> None:
    (only,) = leftovers(tmp_path)
    assert (only.status, only.detail) == (Status.OK, "none")


@pytest.mark.usefixtures("runtime")
def test_a_crashed_run_is_found_with_its_processes(tmp_path: Path) -> None:
    config = crash(tmp_path, "abc123")
    (only,) = leftovers(tmp_path)
    assert (only.subject, only.status) == (f"`shop` ({config})", Status.WARNING)
    child = subprocess.Popen(
        (sys.executable, "-c", "input()"),
        stdin=subprocess.PIPE,
        env={**os.environ, "RPX_INSTANCE": "abc123.1"},
    )
    try:
        (only,) = leftovers(tmp_path)
        assert only.status is Status.PROBLEM
        assert only.hint == f"`rpx down -f {config}` ends them, or `kill {child.pid}`"
    finally:
        child.communicate(b"\n")


@pytest.mark.usefixtures("runtime")
def test_reports_of_crashes_of_rpx_itself_are_counted(tmp_path: Path) -> None:
    for name in ("crash-20260101-000000-1.txt", "crash-20260102-000000-1.txt"):
        (tmp_path / name).touch()
    (only,) = leftovers(tmp_path)
    assert only.status is Status.WARNING
    assert "2 reports" in only.detail
    assert "crash-20260102-000000-1.txt" in only.detail
