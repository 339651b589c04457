"""`rpx setup`: what it shows, whom it asks, what it does, and how it ends."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from rpx.cli.commands import setup as command
from rpx.cli.main import main
from rpx.door.roster import Roster
from rpx.errors import RpxError
from rpx.programs import Step
from rpx.setup import low_ports
from rpx.setup.bindable import Bound
from rpx.setup.part import Part
from tests.setup.conftest import Machine

Printed = pytest.CaptureFixture[str]
FREE = [Bound("127.0.0.1", 80, 0), Bound("::1", 80, 0), Bound("127.0.0.1", 443, 0)]


@pytest.fixture(autouse=True)
def here(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command meets that machine, as root, and nobody at a terminal."""
    monkeypatch.setattr(command, "this_system", lambda: machine.system)
    monkeypatch.setattr(command, "bind_low_ports", lambda: FREE)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.delenv("SUDO_UID", raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    stdin = io.StringIO(typed)
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", stdin)


def test_the_plan_has_every_command_and_every_file_whole(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setattr("rpx.cli.helpers.steps.has_sudo", lambda: True)
    before = machine.tree()
    assert main(["setup", "--dry-run", "ports", "completion"]) == 0
    assert capsys.readouterr().out.replace(str(machine.root), "") == (
        "ports 80 and 443: only root may listen there:"
        " net.ipv4.ip_unprivileged_port_start is 1024\n"
        "  the setting is kept for every boot\n"
        "    $ sudo tee /etc/sysctl.d/50-rpx-ports.conf\n"
        "      < # Everybody on this machine may listen on ports from 80 on, so that rpx can"
        " without root.\n"
        "      < net.ipv4.ip_unprivileged_port_start=80\n"
        "      < # Written by `rpx setup` (4aa2114e65d5, 0 new folders), which takes it"
        " back, too\n"
        "  and holds from now on\n"
        "    $ sudo sysctl -p /etc/sysctl.d/50-rpx-ports.conf\n"
        "completion for bash: not set up\n"
        "  note: bash loads such files by a package, bash-completion, which is not here: install"
        ' it, then `rpx setup` again; or write `eval "$(rpx completion bash)"` into ~/.bashrc\n'
    )
    assert machine.tree() == before


def test_without_a_terminal_the_plan_is_shown_and_nothing_done(
    machine: Machine, capsys: Printed
) -> None:
    before = machine.tree()
    for arguments, yes in (
        (["setup", "ports"], "rpx setup ports --yes"),
        (["setup", "--json"], "rpx setup --yes"),
    ):
        assert main(arguments) == 1
        printed = capsys.readouterr()
        assert "50-rpx-ports.conf" in printed.out
        assert printed.err == (
            "error: nothing was changed: there is no terminal to ask on\n"
            f"hint: `{yes}` does what is shown above\n"
        )
    assert machine.tree() == before


def test_it_asks_does_it_once_and_takes_it_back(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    before = machine.tree()
    at_a_terminal(monkeypatch, "\n")
    assert main(["setup", "ports"]) == 1
    assert capsys.readouterr().err == "do all of that? [y/N] nothing was changed\n"
    assert machine.tree() == before

    at_a_terminal(monkeypatch, "y\n")
    assert main(["setup", "ports"]) == 0
    path = machine.system.at(low_ports.FILE)
    assert capsys.readouterr().err == (
        "do all of that? [y/N] ports 80 and 443:\n"
        f"    $ tee {path}\n"
        f"    $ sysctl -p {path}\n"
        "ports 80 and 443: done\n"
        "ports 80 and 443 can be had, at 127.0.0.1 and ::1\n"
    )
    assert machine.kernel == 80

    done = machine.tree()
    assert main(["setup", "ports"]) == 0  # nobody is asked
    assert capsys.readouterr().err.startswith("there is nothing to do\n")
    assert machine.tree() == done

    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main(["setup", "--undo", "ports"]) == 1
    assert "`rpx setup ports --undo --yes` does" in capsys.readouterr().err
    assert machine.tree() == done
    assert main(["setup", "--undo", "--yes", "ports"]) == 0
    assert machine.tree() == before
    assert capsys.readouterr().err.endswith("ports 80 and 443: done\n")
    assert main(["setup", "--undo", "--yes", "ports"]) == 0
    assert capsys.readouterr().err == "there is nothing to take back\n"


def test_json_has_the_plan_and_then_how_it_is(machine: Machine, capsys: Printed) -> None:
    main(["setup", "--json", "--dry-run", "ports"])
    (part,) = json.loads(capsys.readouterr().out)["parts"]
    assert (part["name"], part["done"], part["problem"]) == ("ports", False, None)
    assert [step["command"][0] for step in part["steps"]] == ["tee", "sysctl"]
    assert part["files"][0]["content"] == part["steps"][0]["input"]
    assert main(["setup", "--json", "--yes", "ports"]) == 0
    after = json.loads(capsys.readouterr().out)
    assert after["done"]
    assert after["parts"][0]["steps"] == []
    assert machine.kernel == 80


def test_what_can_not_be_done_fails_after_the_rest_was_done(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setattr(low_ports, "is_read_only", lambda _: True)
    machine.file("usr/share/bash-completion/bash_completion", "")
    assert main(["setup", "--yes", "ports", "completion"]) == 1
    printed = capsys.readouterr()
    assert "  can't be done: ports 80 and 443: this is a container" in printed.out
    assert "completion for bash: done\nerror: ports 80 and 443: this is a container" in printed.err
    assert "hint: start the container with it" in printed.err
    assert main(["setup", "ports"]) == 1  # there is nothing to ask for
    assert capsys.readouterr().err.startswith("error: ports 80 and 443: this is a container")


def test_trust_is_done_by_the_command_itself_and_its_failure_is_the_last_word(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    part = Part("trust", "certificates", "none yet", (Step("all of it", ("rpx", "trust")),))
    monkeypatch.setattr(command, "trusted_authority", lambda: part)

    def refused(names: Sequence[str], _steps: object) -> None:
        raise RpxError(f"no list for {names}", hint="make one")

    monkeypatch.setattr(command, "make_trusted", refused)
    assert main(["setup", "--yes", "trust", "ports"]) == 1
    printed = capsys.readouterr()
    assert "certificates: none yet\n  all of it\n    $ rpx trust\n" in printed.out
    assert printed.err.endswith("error: no list for []\nhint: make one\n")
    assert machine.kernel == 80


def test_a_door_that_has_other_ports_keeps_them_until_the_last_project_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    for ports, said in (((8080, 8443), True), ((80, 8443), True), ((80, 0), False)):
        roster = Roster(1, "", 0.0, *ports, members=())
        monkeypatch.setattr(command, "read_roster", lambda _, found=roster: found)
        assert main(["setup", "--yes", "ports"]) == 0
        assert ("`rpx down --all`, then start them again" in capsys.readouterr().err) is said


@pytest.mark.parametrize(
    ("bound", "code", "said"),
    [
        ([Bound("::1", 80, errno.EACCES)], 1, "error: ports 80 and 443 can't be had yet: ::1, po"),
        (
            [Bound("::1", 80, errno.EADDRINUSE), FREE[2]],
            0,
            "port 80 is permitted, but nginx has it: ",
        ),
    ],
)
def test_it_looks_at_last_whether_the_ports_can_be_had(
    bound: list[Bound], code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setattr(command, "bind_low_ports", lambda: bound)
    monkeypatch.setattr(command, "strangers_at", lambda _: {80: "nginx"})
    assert main(["setup", "--yes", "ports"]) == code
    assert said in capsys.readouterr().err


def test_a_step_that_needs_root_is_printed_where_sudo_would_ask(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Printed, tmp_path: Path
) -> None:
    sudo = tmp_path / "tools/sudo"
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    sudo.write_text("#!/bin/sh\nexit 1\n")
    sudo.chmod(0o755)
    assert main(["setup", "--yes", "ports"]) == 1
    printed = capsys.readouterr().err
    assert (
        "hint: run this yourself, or `rpx setup ports` on a terminal:\n  printf '%s\\n' " in printed
    )
    assert f" | sudo tee {machine.system.at(low_ports.FILE)} && sudo sysctl -p " in printed

    sudo.write_text('#!/bin/sh\n[ "$1" = -n ] && shift && exec "$@"\n')  # it asks for no password
    assert main(["setup", "--yes", "ports"]) == 0
    assert machine.kernel == 80
