"""What `rpx setup` has made is found again, and what doesn't hold any more is said."""

from __future__ import annotations

from rpx.doctor.findings import Status
from rpx.doctor.setup_check import arranged
from rpx.setup.low_ports import FILE, permitted_ports
from rpx.setup.sysctl import _PROC, KEY
from tests.setup.conftest import Machine, machine

__all__ = ["machine"]


def statuses(there: Machine) -> list[Status]:
    return [each.status for each in arranged(there.system)]


def test_nothing_is_said_where_nothing_was_made(machine: Machine) -> None:
    assert not statuses(machine)


def test_what_was_made_is_found(machine: Machine) -> None:
    machine.take(permitted_ports(machine.system))
    machine.file("home/ann/.config/fish/completions/rpx.fish", "# theirs\n")
    (found,) = arranged(machine.system)
    assert (found.status, found.subject) == (Status.OK, str(machine.system.at(FILE)))
    assert "everybody may listen there" in found.detail


def test_what_does_not_last_or_hold_is_a_warning(machine: Machine) -> None:
    machine.file(_PROC.lstrip("/"), "80\n")  # by hand
    (found,) = arranged(machine.system)
    assert (found.status, found.hint) == (Status.WARNING, "`rpx setup ports` lets it last")
    machine.take(permitted_ports(machine.system))
    assert statuses(machine) == [Status.OK]
    machine.file(_PROC.lstrip("/"), "1024\n")  # somebody has changed it since
    assert statuses(machine) == [Status.WARNING]
    machine.file(_PROC.lstrip("/"), "80\n")
    machine.file("etc/sysctl.d/99-x.conf", f"{KEY} = 1024\n")
    assert statuses(machine) == [Status.WARNING, Status.OK]
