"""The door as the doctor finds it: there, hung, stopped, without its socket, of another version."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from rpx.backend.processes import is_suspended
from rpx.doctor.door_check import front_door
from rpx.doctor.findings import Finding, Status
from tests.support.doors import DoorOfTest, FakeMember, until

pytestmark = pytest.mark.real


@pytest.fixture
def door(tmp_path: Path) -> Iterator[DoorOfTest]:
    found = DoorOfTest(tmp_path)
    yield found
    found.close()


def of(door: DoorOfTest, patience: float = 30.0) -> list[Finding]:
    return list(front_door(door.place, patience))


def worst(door: DoorOfTest, patience: float = 30.0) -> Finding:
    return next(each for each in of(door, patience) if each.status is not Status.OK)


def test_a_door_that_is_well_is_found_with_its_ports_and_projects(
    door: DoorOfTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert of(door)[0].detail == "none is there: the first project starts one"
    pid = door.start()
    FakeMember(door, "shop", "api.localhost").joined()
    found = of(door)
    assert [each.detail for each in found] == [
        f"pid {pid}, ports: {door.http}, 1 project behind it"
    ]
    monkeypatch.setattr("rpx.__version__", "99.0")
    assert worst(door).detail.endswith(", and this is 99.0")
    monkeypatch.undo()

    os.rename(door.place.socket, f"{door.place.socket}.away")  # as a cleaner of /tmp would
    gone = worst(door)
    os.rename(f"{door.place.socket}.away", door.place.socket)
    assert f"`kill -HUP {pid}`" in gone.hint

    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: is_suspended(pid), "the stop")
        assert "it is suspended" in worst(door).detail
        assert f"`kill -CONT {pid}`" in worst(door).hint
        monkeypatch.setattr("rpx.doctor.door_check.is_suspended", lambda _: False)
        assert "does not answer" in worst(door, 0.1).detail  # hung in another way
    finally:
        os.kill(pid, signal.SIGCONT)


def test_what_a_killed_door_has_left_is_no_fault(door: DoorOfTest) -> None:
    os.kill(door.start(), signal.SIGKILL)
    until(lambda: "none is there" in of(door)[0].detail, "the end")
    assert of(door)[0].status is Status.OK
    assert "has left its socket" in of(door)[0].detail


def test_who_holds_the_lock_and_says_nothing_is_named(door: DoorOfTest) -> None:
    door.place.folder.mkdir(parents=True)
    with door.place.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (found,) = of(door)
    assert found.status is Status.PROBLEM
    assert f"(pid {os.getpid()})" in found.hint
