"""`rpx check`."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict

import click

from rpx.backend.free_ports import choose_ports, kept_ports
from rpx.backend.other_user import check_users
from rpx.cli.command import Command, Common, profile_option, realm_option
from rpx.cli.commands.ps import backend_cell
from rpx.cli.helpers.certifiable import about_any, check_certified
from rpx.cli.helpers.leading import Leading, leading, table
from rpx.cli.terminal.output import json_option, print_json, print_table, say, warn
from rpx.cli.terminal.table import Cell, Column, Table
from rpx.config import find_config, load_config
from rpx.config.checks.profiles import Selection
from rpx.config.schema_file import renew_schema_file
from rpx.hub.process import shown_command
from rpx.model.config import Config
from rpx.model.ports import Ports
from rpx.model.specs import BackendSpec, processes_of
from rpx.policy.naming import names_of
from rpx.policy.plan import plan_backends, url_of
from rpx.policy.sites import fixed_part
from rpx.runs.lease import running
from rpx.runs.paths import ports_file

EXAMPLES = """\
rpx check                       # the rpx.yaml of this project
rpx check -f shop/rpx.yaml      # another file
rpx check --json                # the same for scripts
"""


COLUMNS = [Column("NAME"), Column("BACKEND"), Column("URL", 1), Column("COMMAND", 2)]
SHORT = 30  # characters of a command where there is no room for all of it


@click.command("check", cls=Command, examples=EXAMPLES)
@profile_option
@realm_option
@json_option
@click.pass_obj
def check(common: Common, *, profiles: tuple[str, ...], realm: str | None, as_json: bool) -> None:
    """Check rpx.yaml without starting anything, and show what `rpx up` would run.

    All that is wrong is reported at once, with exit code 2.
    """
    path = common.file or find_config()
    asked = Selection(profiles)
    config = load_config(path, os.environ, warn, asked, realm=realm)
    renew_schema_file()
    check_certified(config)
    for sentence in about_any(config):
        warn(sentence)
    ports = ports_file(path)
    ours = kept_ports(ports) if running(path) else {}  # taken, but by nobody else
    config = choose_ports(config, ports, keep=False, running=ours)
    specs = plan_backends(
        config, Ports(config.listen.http_port or 0, config.listen.https_port or 0)
    )
    check_users(processes_of(specs))
    ways = leading(config)
    if as_json:
        print_json([_row(config, spec) for spec in specs] + [_row_of(way) for way in ways])
        return
    filled = Table(COLUMNS)
    for spec in specs:
        filled.add(*_cells(config, spec))
    if specs:
        print_table(filled, colour=common.colour(sys.stdout))
    if specs and ways:
        click.echo()
    if ways:
        print_table(table(ways), colour=common.colour(sys.stdout))
    say(f"{path} is in order{f', in the realm `{config.realm}`' if config.realm else ''}")


def _cells(config: Config, spec: BackendSpec) -> tuple[str | Cell, ...]:
    names = names_of(spec)
    command = " ".join(_whose(spec).split())
    short = command if len(command) <= SHORT else f"{command[: SHORT - 1]}…"
    return (
        spec.name,
        backend_cell(names),
        "; also ".join([_where(config, spec), *_also(config, spec)]),
        Cell(command, short),
    )


def _row(config: Config, spec: BackendSpec) -> dict[str, object]:
    """For scripts: what is not known before the project runs is null."""
    tls, port, _ = _listens(config, spec)
    names = names_of(spec)
    return {
        "name": spec.name,
        "backend": names.backend,
        "port": names.port,
        "ports": [asdict(port) for port in names.ports],
        "url": url_of(spec.host, port, tls=tls) if spec.host and port else None,
        "to": spec.host or None,
        "also": _also(config, spec),
        "https": tls,
        "external": spec.external,
        "served_by": _elsewhere(spec) or None,
        "command": _command(spec),
        "route": None,
    }


def _row_of(way: Leading) -> dict[str, object]:
    """A way that requests take, with the keys of a backend: it is none."""
    return {
        "name": way.name or way.proxy,
        **dict.fromkeys(("backend", "port", "url", "served_by", "command")),
        "ports": [],
        "to": way.hosts[0],
        "also": list(way.hosts[1:]),
        "https": None,
        "external": None,
        "route": way.row(),
    }


def _listens(config: Config, spec: BackendSpec) -> tuple[bool, int | None, tuple[int, int]]:
    """Whether its clients come with TLS; the port that is chosen for them, 0 for any free one, None
    for the first of the usual ones; and those.
    """
    tls = fixed_part(spec.host).partition("/")[0] in config.secured
    if tls:
        return tls, config.listen.https_port, (443, 8443)
    return tls, config.listen.http_port, (80, 8080)


def _also(config: Config, spec: BackendSpec) -> list[str]:
    """The other hosts of its proxy, with or without a path."""
    return [to for proxy in config.proxies if proxy.to == spec.host for to in proxy.also]


def _where(config: Config, spec: BackendSpec) -> str:
    if not spec.host:
        return "-"
    tls, given, (usual, others) = _listens(config, spec)
    match given:
        case None:
            return f"{url_of(spec.host, usual, tls=tls)}, or with port {others} and upward"
        case 0:
            return f"{url_of(spec.host, usual, tls=tls)}, with a free port"
        case port:
            return url_of(spec.host, port, tls=tls)


def _whose(spec: BackendSpec) -> str:
    if label := _elsewhere(spec):
        return f"(that of {label})"
    return _command(spec) or "(external)"


def _elsewhere(spec: BackendSpec) -> str:
    """The label of the process behind it where that is another; "": its own one, or none."""
    return spec.server if spec.process is None else ""


def _command(spec: BackendSpec) -> str | None:
    if spec.process is None:
        return None
    return shown_command(spec.process.start)
