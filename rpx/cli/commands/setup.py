"""`rpx setup`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import click

from rpx.cli.at_tab.scripts import SCRIPTS
from rpx.cli.command import Command
from rpx.cli.commands.trust import make_trusted
from rpx.cli.commands.untrust import make_untrusted
from rpx.cli.helpers.shown_plan import plan_json, plan_lines
from rpx.cli.helpers.steps import Steps
from rpx.cli.terminal.output import json_option, print_json, say
from rpx.doctor.holders import strangers_at, what_then
from rpx.door.roster import read_roster
from rpx.door.starting import door_place
from rpx.errors import Exit, Problem, RpxError, UsageError
from rpx.setup.bindable import LOW_PORTS, Bound, bind_low_ports
from rpx.setup.browser_trust import ITSELF, trusted_authority, withdrawn_authority
from rpx.setup.door_service import lasting_place
from rpx.setup.launch_daemon import launched_ports, withdrawn_daemon
from rpx.setup.low_ports import permitted_ports, withdrawn_ports
from rpx.setup.part import Part
from rpx.setup.port_keepers import is_held
from rpx.setup.system import System, this_system
from rpx.setup.systemd_units import held_ports, withdrawn_units
from rpx.setup.tab_completion import completed_words, withdrawn_words

EXAMPLES = """\
rpx setup                       # once on a machine: shows what it will do, asks, does it
rpx setup --dry-run             # only shows
rpx setup ports                 # only that part; there are ports, trust and completion
rpx setup --always-on           # and pages are shown while no project runs (systemd)
rpx setup --undo                # takes back what it has done: shows, asks, does it
"""

PARTS = ("ports", "trust", "completion", "always-on")
Planned = dict[str, Callable[[], Part]]


@click.command("setup", cls=Command, examples=EXAMPLES)
@click.argument("names", metavar="[PART…]", nargs=-1, type=click.Choice(PARTS))
@click.option(
    "--always-on",
    is_flag=True,
    help="Also let systemd hold the ports, so that pages are shown while no project runs (Linux)",
)
@click.option(
    "--shared",
    is_flag=True,
    help="For a machine that others use: systemd holds the ports for you alone (Linux)",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be done")
@click.option("--undo", is_flag=True, help="Take back what setup has done, and nothing else")
@click.option("-y", "--yes", is_flag=True, help="Do it without asking")
@json_option
def setup(
    names: tuple[str, ...],
    *,
    always_on: bool,
    shared: bool,
    dry_run: bool,
    undo: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Prepare this machine, once: ports 80 and 443 without root, certificates, completion.

    URLs then have no port, browsers accept https, and Tab completes commands. Each command and file
    is shown before anything is done; sudo is used for what needs root.
    """
    if dry_run and yes:
        raise UsageError("`--dry-run` and `--yes` are opposites", hint="leave one of them out")
    system = this_system()
    known = _undoing(system) if undo else _doing(system, always_on=always_on, shared=shared)
    chosen = {name: look for name, look in known.items() if name in (names or PARTS)}
    planned = {name: look() for name, look in chosen.items()}
    plan = list(planned.values())
    if not (as_json and yes):
        _show(plan, as_json=as_json)
    if dry_run:
        return Exit.FINE
    command = " ".join(("rpx setup", *names, *(["--undo"] if undo else [])))
    if all(part.done for part in plan):
        say(f"there is nothing to {'take back' if undo else 'do'}")
    elif any(part.steps for part in plan) and not (yes or _agreed(command, asks=not as_json)):
        say("nothing was changed")
        return Exit.FAILED
    problems = [part.problem for part in plan if part.problem is not None]
    problems += _take(planned, chosen, command)
    if as_json and yes:
        _show([look() for look in chosen.values()], as_json=True)
    if "ports" in chosen and not (undo or problems or is_held(system)):
        problems += _check_ports()
    _complain(problems)
    return Exit.FINE


def _doing(system: System, *, always_on: bool, shared: bool) -> Planned:
    place = lasting_place()
    mac = system.platform == "darwin"
    known: Planned = {
        "ports": lambda: launched_ports(system, place) if mac else permitted_ports(system),
        "trust": trusted_authority,
        "completion": lambda: completed_words(system, SCRIPTS.__getitem__),
    }
    if shared and not mac:
        return known | {"ports": lambda: held_ports(system, place, shared=True)}
    if always_on and not mac:
        return known | {"always-on": lambda: held_ports(system, place)}
    return known


def _undoing(system: System) -> Planned:
    mac = system.platform == "darwin"
    return {
        "always-on": lambda: withdrawn_units(system),
        "ports": lambda: withdrawn_daemon(system) if mac else withdrawn_ports(system),
        "trust": withdrawn_authority,
        "completion": lambda: withdrawn_words(system),
    }


def _show(plan: Sequence[Part], *, as_json: bool) -> None:
    if as_json:
        print_json(plan_json(plan))
    else:
        print("\n".join(plan_lines(plan)), flush=True)


def _agreed(command: str, *, asks: bool) -> bool:
    """Ask. Raises: RpxError where there is nobody to ask."""
    if not (asks and sys.stdin.isatty()):
        raise RpxError(
            "nothing was changed: there is no terminal to ask on",
            hint=f"`{command} --yes` does what is shown above",
        )
    sys.stderr.write("do all of that? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _take(plan: Mapping[str, Part], chosen: Planned, again: str) -> list[Problem]:
    """Take the steps of each part, as far as that goes; what has gone wrong."""
    steps = Steps(unattended=True, told=True)
    problems: list[Problem] = []
    for name, part in plan.items():
        ours = [step.command[1] for step in part.steps if step.command[0] == ITSELF]
        try:
            if ours:
                _ITSELF[ours[0]](Steps(unattended=True))
            elif not (part.steps and steps.take(part.title, part.steps)):
                continue
        except RpxError as error:
            problems += error.problems
            continue
        if chosen[name]().done:
            say(f"{part.title}: done")
        else:
            what = f"{part.title}: every step was taken, but it is not as it should be"
            hint = "see what the commands above say when you run them yourself"
            problems.append(Problem(what, hint=hint))
    try:
        steps.complete(again)
    except RpxError as error:
        problems += error.problems
    return problems


def _trust(steps: Steps) -> None:
    make_trusted([], steps)


_ITSELF: Final[dict[str, Callable[[Steps], None]]] = {"trust": _trust, "untrust": make_untrusted}


def _check_ports() -> list[Problem]:
    """Take both ports for an instant; say how that went. What is not permitted is a problem."""
    bound = bind_low_ports()
    refused = [each for each in bound if not each.permitted]
    if refused:
        what = f"ports 80 and 443 can't be had yet: {'; '.join(map(str, refused))}"
        return [Problem(what, hint="`rpx doctor` looks at what else there is")]
    taken = {each.port for each in bound if each.taken}
    if free := [str(each) for each in LOW_PORTS if each not in taken]:
        say(f"port{'s' if free[1:] else ''} {' and '.join(free)} can be had, at {_hosts(bound)}")
    roster = read_roster(door_place())
    strangers = strangers_at(roster) if taken else {}
    for port in sorted(taken):
        if who := strangers.get(port):
            say(f"port {port} is permitted, but {who} has it: {what_then(port)}")
        else:
            say(f"port {port} is permitted, and the door of your projects has it")
    if roster is not None and (roster.http or 80, roster.https or 443) != LOW_PORTS:
        kept = " and ".join(str(port) for port in (roster.http, roster.https) if port)
        say(
            f"the door that runs now has {kept}, for as long as projects run:"
            " `rpx down --all`, then start them again"
        )
    return []


def _hosts(bound: Sequence[Bound]) -> str:
    return " and ".join(dict.fromkeys(each.host for each in bound))


def _complain(problems: Sequence[Problem]) -> None:
    """Raises: RpxError with all of them, if there are any."""
    if problems:
        error = RpxError(problems[0].what)
        error.problems = tuple(problems)
        raise error
