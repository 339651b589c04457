"""`rpx run`."""

from __future__ import annotations

import errno
import os
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import click

from rpx.backend.environment import child_environment
from rpx.backend.free_ports import (
    choose_ports,
    is_free,
    kept_ports,
    ports_for_services,
    written_ones,
)
from rpx.backend.other_user import account_to_become, change_to
from rpx.backend.shell import argv
from rpx.cli.at_tab.offered import STARTED
from rpx.cli.command import Command, Common, realm_option
from rpx.cli.helpers.certifiable import accepting
from rpx.cli.helpers.in_container import become
from rpx.cli.helpers.realm_there import realm_there
from rpx.cli.terminal.output import warn
from rpx.config import find_config, load_config
from rpx.config.checks.profiles import Selection
from rpx.errors import RpxError, UsageError
from rpx.model.config import Config, Start
from rpx.model.ports import Ports
from rpx.model.specs import BackendSpec, ProcessSpec
from rpx.policy.naming import names_of, select
from rpx.policy.plan import for_services, plan_backends
from rpx.runs.lease import running
from rpx.runs.paths import ports_file

EXAMPLES = """\
rpx run api -- python manage.py migrate   # with the environment and in the folder of api
rpx run api 'echo $PORT'                  # one text goes to the shell
rpx run db psql -U postgres               # inside the container of db
rpx run api                               # its own command, in the foreground: for a debugger
"""

NOT_FOUND, NOT_EXECUTABLE = 127, 126  # as the shell has it
PYTHONS = (signal.SIGPIPE, signal.SIGXFSZ)  # ignored by Python, which the command must not inherit


@click.command(
    "run",
    cls=Command,
    examples=EXAMPLES,
    context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True},
)
@realm_option
@click.argument("name", metavar="NAME", type=STARTED)
@click.argument("command", metavar="[--] [COMMAND…]", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def run(common: Common, name: str, command: tuple[str, ...], *, realm: str | None) -> None:
    """Run a command once, with the environment and in the folder of the service NAME. The command
    has the terminal to itself, and `rpx run` ends with its exit code.

    rpx routes nothing to the command and does not restart it. The project need not run.
    """
    path = common.file or find_config()
    config = load_config(
        path,
        os.environ,
        warn,
        Selection(names=(name,)),  # also one that belongs to no run without its profile
        realm=realm_there(path, realm),
    )
    file = ports_file(path)
    ours = kept_ports(file) if running(path) else {}
    there = choose_ports(config, file, keep=False, running=ours)
    listening = _listening(config, path, file, ours)
    shown = plan_backends(there, listening)
    config = choose_ports(config, file, keep=False, running=written_ones(ours))
    process = _service(shown, plan_backends(config, listening), name)
    words = command[1:] if command[:1] == ("--",) else command
    asked = words if len(words) > 1 else "".join(words)
    if process.start.container is not None:
        become(asked, process, path)
    usual = accepting(config)
    _become(
        asked or process.start.command,
        process.start,
        child_environment(process, colour=False, usual=usual),
    )


def _service(shown: list[BackendSpec], specs: list[BackendSpec], name: str) -> ProcessSpec:
    """The first copy of ours that `name` means among those `shown` by `rpx ps`.

    `specs` are the same in that order, with ports that are free now.
    """
    chosen = {names.label for names in select([names_of(spec) for spec in shown], name)}
    for known, spec in zip(shown, specs, strict=True):
        if known.label in chosen and spec.process is not None:
            return spec.process
    raise UsageError(
        f"`{name}` has no `start`: there is no environment and no folder to run anything in",
        hint="name one of the services that rpx starts, see `rpx check`",
    )


def _listening(config: Config, path: Path, file: Path, ours: Mapping[str, Sequence[int]]) -> Ports:
    """Of all listeners: those that rpx would try, but for `ours`, which a running project has."""
    known = {port for ports in ours.values() for port in ports}
    services = ports_for_services(
        for_services(config), config, file, lambda port: port in known or is_free(port)
    )
    return replace(_ports(config, path), services=services)


def _ports(config: Config, path: Path) -> Ports:
    """Of the public ones, for RPX_URL: as above."""
    http, https = config.listen.http_port or 80, config.listen.https_port or 443
    lease = running(path)
    if lease is None or lease.url is None:
        return Ports(http, https)
    parts = urlsplit(lease.url)
    if parts.scheme == "https":
        return Ports(http, parts.port or 443)
    return Ports(parts.port or 80, https)


def _become(command: str | tuple[str, ...], start: Start, environment: dict[str, str]) -> None:
    """Replace this process: terminal, signals and exit code are then the command's own."""
    try:
        os.chdir(start.cwd)
    except OSError as error:
        raise RpxError(f"can't run anything in {start.cwd}: {error.strerror}") from None
    account = account_to_become(start.user)
    sys.stdout.flush()
    for signum in PYTHONS:
        signal.signal(signum, signal.SIG_DFL)
    program, *rest = argv(command, environment)
    if account is not None:
        change_to(account)
    try:
        os.execvpe(program, [program, *rest], environment)  # noqa: S606 - the user's own command
    except OSError as error:
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
        raise RpxError(
            f"can't run `{shlex.join([program, *rest])}`: {error.strerror}",
            hint="it was looked for on the PATH that the service has" if missing else "",
            exit_code=NOT_FOUND if missing else NOT_EXECUTABLE,
        ) from None
