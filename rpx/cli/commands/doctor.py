"""`rpx doctor`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import click

from rpx.cli.command import Command, Common
from rpx.cli.helpers.realm_there import realm_there
from rpx.cli.terminal.output import fitted, json_option, print_json
from rpx.config import find_config, load_config
from rpx.doctor.door_check import front_door
from rpx.doctor.engine_check import engines
from rpx.doctor.findings import Finding, Status
from rpx.doctor.machine import clock, leftovers, versions
from rpx.doctor.names import names
from rpx.doctor.port_check import ports
from rpx.doctor.setup_check import arranged
from rpx.doctor.shown import shown
from rpx.doctor.trust_check import trust
from rpx.errors import ConfigError, Exit, NotRunning, RpxError, visible
from rpx.folders import state_home
from rpx.model.config import Config
from rpx.runs.lease import Lease, find_running

EXAMPLES = """\
rpx doctor                      # ports, the door, containers, names, trust, clock …
rpx doctor --json               # the same for scripts
"""

INDENT = 11  # columns before a finding
COLOURS = {Status.OK: "green", Status.WARNING: "yellow", Status.PROBLEM: "red"}


@click.command("doctor", cls=Command, examples=EXAMPLES)
@json_option
@click.pass_obj
def doctor(common: Common, *, as_json: bool) -> int:
    """Look for what may be wrong on this machine, and say what to do about it.

    In the folder of a project or below it, rpx also looks at the hosts and ports of that project.
    It changes nothing. The exit code is 1 when there is a problem.
    """
    findings: list[Finding] = []
    check = ""
    for finding in _examine(common):
        findings.append(finding)
        if not as_json:
            if finding.check != check:
                check = finding.check
                print(check)
            _show(finding, colour=common.colour(sys.stdout))
    if as_json:
        print_json([_row(finding) for finding in findings])
    problems, warnings = (
        sum(finding.status is status for finding in findings)
        for status in (Status.PROBLEM, Status.WARNING)
    )
    if not as_json:
        click.echo(_summary(problems, warnings), err=True)
    return Exit.FAILED if problems else Exit.FINE


def _examine(common: Common) -> Iterator[Finding]:
    yield from versions()
    config, project = _project(common)
    yield from project
    lease = _lease(common)
    yield from ports(config, lease.supervisor.pid if lease else None)
    yield from front_door()
    yield from arranged()
    yield from engines(config)
    yield from names(config)
    yield from trust(hosts=config.issued if config else None)
    yield from shown(lease, config.issued if config else ())
    yield from clock()
    yield from leftovers(state_home())


def _project(common: Common) -> tuple[Config | None, list[Finding]]:
    """The configuration, if there is one, and what is to be said about it."""
    try:
        path = common.file or find_config()
    except RpxError:
        return None, []
    try:
        config = load_config(path, os.environ, realm=realm_there(path))
    except ConfigError as error:
        count = len(error.problems)
        detail = f"{count} {'mistakes' if count > 1 else 'mistake'}: {error.problems[0].what}"
        finding = Finding("project", str(path), Status.PROBLEM, detail, "`rpx check` says them all")
        return None, [finding]
    where = f", in the realm `{config.realm}`" if config.realm else ""
    return config, [Finding("project", config.name, Status.OK, f"{path} is in order{where}")]


def _lease(common: Common) -> Lease | None:
    try:
        return find_running(None, common.file)
    except NotRunning:
        return None


def _show(finding: Finding, *, colour: bool) -> None:
    word = f"{finding.status.value:<7}"
    if colour:
        word = click.style(word, fg=COLOURS[finding.status])
    text = visible(f"{finding.subject}: {finding.detail}")
    first, *more = fitted(text, INDENT)
    print(f"  {word}  {first}")
    for line in more:
        print(f"{' ' * INDENT}{line}")
    if finding.hint:
        hint = visible(f"hint: {finding.hint}").split("\n")
        print("\n".join(f"           {line}" for line in hint))


def _row(finding: Finding) -> dict[str, str | None]:
    return {
        "check": finding.check,
        "subject": finding.subject,
        "status": finding.status.value,
        "detail": finding.detail,
        "hint": finding.hint or None,
    }


def _summary(problems: int, warnings: int) -> str:
    if not problems and not warnings:
        return "all is well"
    counts = ((problems, "problem"), (warnings, "warning"))
    return ", ".join(f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n)
