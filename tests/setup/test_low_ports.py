"""The setting that lets everybody listen on 80 and 443: kept, applied, taken back, in conflict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rpx.setup import low_ports, sysctl
from rpx.setup.low_ports import FILE, permitted_ports, withdrawn_ports
from rpx.setup.part import Part
from tests.setup.conftest import Machine

OURS = FILE.lstrip("/")
KEY = sysctl.KEY


def commands(part: Part) -> list[str]:
    return [" ".join(step.command) for step in part.steps]


def test_what_is_done_is_kept_for_every_boot_and_holds_at_once(machine: Machine) -> None:
    before = machine.tree()
    part = permitted_ports(machine.system)
    path = machine.system.at(FILE)
    assert commands(part) == [f"tee {path}", f"sysctl -p {path}"]
    assert all(step.root for step in part.steps)
    assert machine.tree() == before  # looking changes nothing
    machine.take(part)
    assert machine.kernel == 80
    assert list(part.files) == [str(path)]
    assert path.read_text() == part.files[str(path)]
    assert f"\n{KEY}=80\n" in path.read_text()

    again = permitted_ports(machine.system)
    assert again.done
    assert again.now == f"everybody may listen there: {KEY} is 80, by {path}:2"


def test_what_is_taken_back_leaves_everything_as_it_was(machine: Machine) -> None:
    (machine.root / "etc/sysctl.d").rmdir()
    before = machine.tree()
    machine.take(permitted_ports(machine.system))
    undo = withdrawn_ports(machine.system)
    machine.take(undo)
    assert machine.tree() == before
    assert withdrawn_ports(machine.system).done
    assert undo.now == f"everybody may listen there, by {machine.system.at(FILE)}"


def test_the_value_comes_back_that_another_file_gives(machine: Machine) -> None:
    machine.file("etc/sysctl.d/10-admin.conf", f"# ours\n-net/ipv4/{KEY[9:]} = 443\n")
    machine.file(sysctl._PROC.lstrip("/"), "443\n")
    before = machine.tree()
    machine.take(permitted_ports(machine.system))
    assert machine.kernel == 80
    machine.take(withdrawn_ports(machine.system))
    assert machine.tree() == before


@pytest.mark.parametrize("folder", ["etc", "usr/lib"])
def test_where_another_file_permits_it_none_is_written(machine: Machine, folder: str) -> None:
    theirs = machine.file(f"{folder}/sysctl.d/90-admin.conf", f"{KEY}=0\n")
    part = permitted_ports(machine.system)
    assert commands(part) == [f"sysctl -w {KEY}=0"]
    machine.take(part)
    assert permitted_ports(machine.system).now.endswith(f"{KEY} is 0, by {theirs}:1")
    assert "there is no" in withdrawn_ports(machine.system).now


def test_what_holds_until_the_next_boot_is_only_kept(machine: Machine) -> None:
    machine.file(sysctl._PROC.lstrip("/"), "0\n")
    part = permitted_ports(machine.system)
    assert commands(part) == [f"tee {machine.system.at(FILE)}"]
    machine.take(part)
    assert machine.kernel == 0
    undo = withdrawn_ports(machine.system)
    assert commands(undo) == [f"rm -f {machine.system.at(FILE)}"]  # 0 is not by us
    assert "which is not by" in undo.now


def test_a_file_that_is_read_later_and_takes_the_ports_away_is_named(machine: Machine) -> None:
    theirs = machine.file("etc/sysctl.d/99-hard.conf", f"kernel.x = 1\n{KEY} = 1024\n")
    part = permitted_ports(machine.system)
    assert len(part.steps) == 2
    (note,) = part.notes
    assert note.startswith(f"{theirs}:2 sets {KEY} to 1024, and is read later")
    machine.take(part)
    again = permitted_ports(machine.system)
    assert again.done
    assert again.notes == part.notes
    assert "until the next boot" in again.now


def test_a_file_of_the_same_name_in_etc_stands_for_the_one_below(machine: Machine) -> None:
    machine.file("usr/lib/sysctl.d/60-x.conf", f"{KEY} = 1024\n")
    machine.file("etc/sysctl.d/60-x.conf", "")
    assert not sysctl.settings(machine.system)


def test_the_old_file_counts_where_it_is_read(machine: Machine) -> None:
    old = machine.file("etc/sysctl.conf", f"{KEY} = 1024\n")
    machine.file(OURS, f"{KEY} = 80\n")
    assert sysctl.at_boot(sysctl.settings(machine.system)) == 80  # systemd doesn't read it
    (machine.root / "etc/sysctl.d/99-sysctl.conf").symlink_to(old)
    assert sysctl.at_boot(sysctl.settings(machine.system)) == 1024  # as on Debian
    (machine.root / "etc/sysctl.d/99-sysctl.conf").unlink()
    (machine.root / "run/systemd/system").rmdir()
    assert sysctl.at_boot(sysctl.settings(machine.system)) == 1024  # procps does


def test_a_file_of_that_name_that_is_not_ours_is_left_alone(machine: Machine) -> None:
    machine.file(OURS, f"{KEY} = 1000\n")
    part = permitted_ports(machine.system)
    assert part.problem is not None
    assert "is there already" in part.problem.what
    assert not part.steps
    assert "is not from `rpx setup`" in withdrawn_ports(machine.system).now


def test_a_file_of_ours_that_was_changed_is_left_alone(machine: Machine) -> None:
    machine.take(permitted_ports(machine.system))
    path = machine.system.at(FILE)
    path.write_text(path.read_text().replace("=80", "=81"))
    undo = withdrawn_ports(machine.system)
    assert undo.done
    assert undo.notes == (f"{path} was changed since `rpx setup` wrote it, and is left as it is",)


def test_where_the_kernel_can_not_be_told_it_is_said_what_to_do(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(low_ports, "is_read_only", lambda _: True)
    part = permitted_ports(machine.system)
    assert part.problem is not None
    assert "this is a container" in part.problem.what
    assert f"--sysctl {KEY}=80" in part.problem.hint
    assert not part.steps
    machine.file(sysctl._PROC.lstrip("/"), "0\n")  # as Docker has it
    assert permitted_ports(machine.system).done


def test_an_old_kernel_has_no_such_setting(machine: Machine) -> None:
    (machine.root / sysctl._PROC.lstrip("/")).unlink()
    part = permitted_ports(machine.system)
    assert part.problem is not None
    assert "Linux 4.11" in part.problem.what


def test_without_a_sysctl_program_the_kernel_is_told_directly(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sysctl, "found", lambda _: None)
    machine.take(permitted_ports(machine.system))
    assert machine.kernel == 80


def test_under_wsl_without_systemd_it_is_said_that_nobody_reads_the_file(machine: Machine) -> None:
    machine.file("proc/version", "Linux version 5.15 (x@Microsoft.com)")
    assert not permitted_ports(machine.system).notes
    (machine.root / "run/systemd/system").rmdir()
    (note,) = permitted_ports(replace(machine.system)).notes
    assert "systemd=true" in note
