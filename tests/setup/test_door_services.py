"""The door held by systemd or launchd: what they are told, judged by their tools, taken back."""

from __future__ import annotations

import os
import plistlib
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rpx.door.roster import Roster
from rpx.door.starting import DoorPlace, door_place_in
from rpx.setup import door_service, systemd_units
from rpx.setup.launch_daemon import PLIST, launched_ports, withdrawn_daemon
from rpx.setup.port_keepers import is_held
from rpx.setup.systemd_units import (
    SERVICE_UNIT,
    SOCKET_UNIT,
    _quoted,
    held_ports,
    unit_files,
    withdrawn_units,
)
from tests.setup.conftest import Machine

SYSTEMCTL = """\
#!/bin/sh
echo "$@" >> {log}
links={home}/.config/systemd/user/sockets.target.wants
case "$*" in
"--user enable rpx-door.socket") mkdir -p $links; ln -sf ../rpx-door.socket $links/ ;;
"--user disable --now"*) rm -r $links ;;
esac
"""


@pytest.fixture
def log(machine: Machine, tmp_path: Path) -> Path:
    """What `systemctl` and `launchctl` were told; the user is who runs this test."""
    machine.system = replace(machine.system, uid=os.getuid())
    told = tmp_path / "told"
    for name in ("systemctl", "launchctl"):
        (tmp_path / "tools" / name).write_text(SYSTEMCTL.format(log=told, home=machine.system.home))
        (tmp_path / "tools" / name).chmod(0o755)
    return told


@pytest.fixture
def place(tmp_path: Path) -> DoorPlace:
    return DoorPlace(tmp_path / "run/rpx/door", tmp_path / "state with a space")


def verified(folder: Path, *, shared: bool) -> tuple[int, list[str]]:
    """What systemd has against the units in a folder."""
    done = subprocess.run(
        ("systemd-analyze", "verify", *([] if shared else ["--user"]), *folder.glob("rpx-door.*")),
        env={"SYSTEMD_UNIT_PATH": f"{folder}:", "XDG_RUNTIME_DIR": "/run", "HOME": "/"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stderr.splitlines()  # some are of other units
    return done.returncode, [line for line in lines if "rpx-door" in line]


@pytest.mark.parametrize("shared", [False, True], ids=["user", "shared"])
def test_units_are_written_enabled_and_taken_back(
    machine: Machine, log: Path, place: DoorPlace, shared: bool
) -> None:
    place = DoorPlace(Path("/run/user/1000/rpx/door"), place.state)
    before = machine.tree()
    part = held_ports(machine.system, place, shared=shared)
    assert {step.root for step in part.steps} == {shared}
    machine.take(part)
    user = [] if shared else ["--user"]
    service = [SERVICE_UNIT] if shared else []
    assert [line.split() for line in log.read_text().splitlines()] == [
        [*user, "daemon-reload"],
        [*user, "enable", SOCKET_UNIT, *service],
        [*user, "restart", SOCKET_UNIT, *service],
    ]
    one, other = unit_files(machine.system)
    streams = re.findall("^ListenStream=(.*)$", one.read_text(), re.MULTILINE)
    assert streams[:1] == (["127.0.0.1:80"] if shared else [str(place.socket)])
    assert {"127.0.0.1:80", "127.0.0.1:443"} <= set(streams)
    text = other.read_text()
    assert f'"{place.state}" --wait' in text
    assert ("User=ann\n" in text) == shared
    assert (f"Requires=user-runtime-dir@{os.getuid()}.service" in text) == shared
    if shutil.which("systemd-analyze"):
        assert verified(one.parent, shared=shared) == (0, [])
    assert is_held(machine.system)
    assert held_ports(machine.system, place, shared=shared).done

    newer = held_ports(machine.system, DoorPlace(place.folder, place.state / "b"), shared=shared)
    machine.take(newer)
    assert f'{place.state}/b"' in other.read_text()
    machine.take(withdrawn_units(machine.system))
    after = machine.tree()
    if shared:
        assert after.pop("etc/systemd", "") is before.get("etc/systemd", "")
    assert after == before
    assert withdrawn_units(machine.system).done


def test_the_program_of_the_units_starts_the_door(place: DoorPlace) -> None:
    words = door_service.door_words(place, "--first", "0")
    place.state.mkdir(parents=True)
    place.folder.parent.parent.mkdir()
    assert words[0] == sys.executable
    assert subprocess.run(words, check=False, timeout=30).returncode == 0
    assert place.lock.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="logind")
def test_outside_of_a_login_the_place_is_that_of_a_login(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    folder = Path(f"/run/user/{os.getuid()}/rpx/door")
    assert door_service.lasting_place() == door_place_in(folder)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert door_service.lasting_place().folder == tmp_path / "rpx/door"


def test_a_word_of_a_unit_stands_for_itself() -> None:
    assert _quoted("/a/b") == "/a/b"
    assert _quoted('/a b/50%/$x/"') == '"/a b/50%%/$$x/\\""'


def test_what_stands_in_the_way_is_said(
    machine: Machine, log: Path, place: DoorPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for system, said in (
        (replace(machine.system, uid=os.getuid() + 1), "without sudo"),
        (machine.system, "the door that runs now (pid 7) has the ports"),
    ):
        roster = Roster(pid=7, version="", since=0.0, http=80, https=0, members=())
        monkeypatch.setattr(door_service, "read_roster", lambda _, found=roster: found)
        for part in (held_ports(system, place), launched_ports(system, place)):
            assert part.problem is not None
            assert said in part.problem.what
    monkeypatch.undo()
    monkeypatch.setattr(systemd_units, "found", lambda _: None)
    part = held_ports(machine.system, place)
    assert part.problem is not None
    assert "there is no systemd here" in part.problem.what


@pytest.mark.skipif(shutil.which("systemctl") is None, reason="systemctl is not installed")
def test_where_systemd_is_at_rest_the_units_wait_for_it(
    machine: Machine, place: DoorPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in an image that is made for another machine; with the real systemctl."""
    monkeypatch.setenv("HOME", str(machine.system.home))
    monkeypatch.setenv("SYSTEMD_OFFLINE", "1")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    system = replace(machine.system, uid=os.getuid())
    (machine.root / "run/systemd/system").rmdir()
    before = machine.tree()
    part = held_ports(system, place)
    assert [step.command[2] for step in part.steps if step.command[0] == "systemctl"] == ["enable"]
    assert "does not run this machine now" in part.notes[0]
    machine.take(part)
    link = unit_files(system)[0].parent / "sockets.target.wants" / SOCKET_UNIT
    assert link.is_symlink()
    assert held_ports(system, place).done
    machine.take(withdrawn_units(system))
    assert machine.tree() == before


def test_a_unit_that_was_changed_stays(machine: Machine, log: Path, place: DoorPlace) -> None:
    machine.take(held_ports(machine.system, place))
    path = unit_files(machine.system)[0]
    path.write_text(path.read_text().replace("Backlog=4096", "Backlog=1"))
    undo = withdrawn_units(machine.system)
    assert undo.notes == (f"{path} was changed since, and is left as it is",)
    assert undo.done
    problem = held_ports(machine.system, place).problem
    assert problem is not None
    assert str(path) in problem.what


def test_launchd_is_told_of_both_ports_at_loopback_only(
    machine: Machine, log: Path, place: DoorPlace
) -> None:
    system = replace(machine.system, platform="darwin")
    before = machine.tree()
    part = launched_ports(system, place)
    assert all(step.root for step in part.steps)
    machine.take(part)
    path = system.at(PLIST)
    with path.open("rb") as file:
        told = plistlib.load(file)
    assert told["UserName"] == "ann"
    assert told["ProgramArguments"] == [
        *door_service.door_words(place), "--launchd", *door_service.STAYS
    ]  # fmt: skip
    listeners = [each for listed in told["Sockets"].values() for each in listed]
    assert {each["SockNodeName"] for each in listeners} <= {"127.0.0.1", "::1"}
    assert {each["SockServiceName"] for each in told["Sockets"]["https"]} == {"443"}
    assert path.read_text().endswith("-->\n</plist>\n")
    assert launched_ports(system, place).done
    machine.take(withdrawn_daemon(system))
    assert machine.tree() == before
    assert log.read_text().splitlines() == [
        f"bootstrap system {path}",
        "bootout system/rpx.door",
    ]
    assert withdrawn_daemon(system).done
