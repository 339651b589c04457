"""The supervisor's side of `rpx up`: from a configuration to an exit code."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import trio

from rpx.app import Options, serve
from rpx.backend.file_limit import raise_file_limit
from rpx.backend.usage import measure
from rpx.changes.project import Load, Terms
from rpx.cli.failures import report_bug
from rpx.cli.helpers.certifiable import check_certified
from rpx.cli.helpers.dashboard_host import with_dashboard
from rpx.cli.observers.abort import Abort
from rpx.cli.observers.console import Console
from rpx.cli.observers.narrator import Narrator
from rpx.cli.observers.sentences import KEYS, ORDER
from rpx.cli.observers.unknown_names import UnknownNames
from rpx.cli.supervisor.at_the_door import member_of
from rpx.cli.supervisor.background import let_go
from rpx.cli.supervisor.others_running import OthersRunning
from rpx.cli.supervisor.remains import clear_deserted, say, sweep
from rpx.cli.supervisor.signals import end_with_the_guardian, handle_signals
from rpx.cli.supervisor.wishes import Wishes
from rpx.cli.terminal.output import width
from rpx.cli.terminal.screen import Screen
from rpx.cli.typed import words_for
from rpx.config import config_from_mapping, find_config, load_config
from rpx.config.checks.profiles import Selection
from rpx.config.find import file_of
from rpx.config.schema_file import renew_schema_file
from rpx.config.worktree import realm_at
from rpx.control.api import Control
from rpx.control.dashboard.host import DashboardHost
from rpx.control.drilling import Drills
from rpx.control.surroundings import Surroundings
from rpx.folders import here, odd_places
from rpx.hub.clock import WakingClock
from rpx.hub.observer import Observer
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.journal.files import Files
from rpx.journal.timeline import Timeline
from rpx.journal.writer import Journal
from rpx.model.config import Config
from rpx.model.ports import Ports
from rpx.policy.naming import names_of, select
from rpx.policy.plan import plan_backends, routes_only
from rpx.policy.scaling import scaled
from rpx.runs.held import Hold, take
from rpx.runs.lease import Identity, Lease
from rpx.runs.paths import journal_folder, ports_file

GOES_ON = "`rpx attach` shows it, `rpx down` stops it"
STDERR = "stderr.txt"  # of a run in the background, beside its logs


def supervise(file: Path | None, wishes: Wishes, *, verbose: bool, no_start: bool) -> int:
    """Run the project of a file until it is asked to end.

    `verbose` as the setting of that name; `no_start`: only its routes. Raises: RpxError before
    anything is started.
    """
    path = file or find_config()
    asked = Selection(wishes.profiles, wishes.names)

    def load(warn: Callable[[str], None], realm: str | None = wishes.realm) -> Config:
        config = load_config(path, os.environ, warn, asked, realm=realm)
        check_certified(config)
        if verbose:
            config = config.model_copy(update={"verbose": True})
        return with_dashboard(routes_only(config) if no_start else config)

    config = load(lambda text: say(f"warning: {text}"))
    renew_schema_file()

    def load_again(warn: Callable[[str], None]) -> Config:
        again = load(warn)
        if again.realm == config.realm:
            return again
        # Its hosts are known to everybody by now; and a worktree that was removed has no realm.
        warn(f"the realm is {_realm(again)} from the next run on, and {_realm(config)} till then")
        return load(lambda _: None, config.realm)

    return hold_and_run(config, path, wishes, load_again)


def _realm(config: Config) -> str:
    return f"`{config.realm}`" if config.realm else "none"


def supervise_settings(written: Mapping[str, object], wishes: Wishes) -> int:
    """Run the project that stands on the command line, likewise.

    It takes the place of the one that the working directory has, or would have, a file for: so
    commands find it, and there is never a question which of two they mean.
    """
    root = here()
    written = {"realm": realm_at(root), **written}
    config = config_from_mapping(written, root=root, environ=os.environ, label="the command line")
    return hold_and_run(with_dashboard(config), file_of(root), wishes)


def hold_and_run(config: Config, path: Path, wishes: Wishes, load: Load | None = None) -> int:
    """Run a project as the only one of its `path`; `load` reads that again."""
    _check_service(config, wishes)
    raise_file_limit()
    run_id = secrets.token_hex(6)
    me, guardian = Identity.of(os.getpid()), Identity.of(os.getppid())
    with take(Lease(me, guardian, run_id, config.name, path, realm=config.realm)) as hold:
        if hold.crashed is not None:
            sweep(hold.crashed)
        clear_deserted()
        return trio.run(run, config, hold, wishes, load, clock=WakingClock())


def _check_service(config: Config, wishes: Wishes) -> None:
    """Raise UsageError when there is no single service whose exit code could be that of all."""
    if wishes.exit_code_from is not None:
        specs = plan_backends(scaled(config, dict(wishes.scale)), Ports())
        select([names_of(spec) for spec in specs], wishes.exit_code_from, one=True)


async def run(config: Config, hold: Hold, wishes: Wishes, load: Load | None) -> int:
    """Signals, observers and the project itself; the exit code."""
    shutdown = Shutdown()
    folder, began = journal_folder(hold.lease.config), time.time()

    def ready(registry: Registry) -> None:
        hold.publish(first_url(registry))
        for note in odd_places(hold.lease.socket.parent):
            registry.say(note)
        if wishes.detached:
            let_go(folder / STDERR)

    dashboard = DashboardHost.of(config.dashboard_host, hold.lease.run_id, config.name)
    observers: list[Observer] = [
        Journal(Files(folder, config.logs), config.name, hold.lease.config, report),
        Narrator(
            report,
            words_for(hold.lease.config) if load else None,
            ORDER if wishes.detached else KEYS,
        ),
        Control(
            hold.lease.socket,
            ready,
            measure,
            hold.keep,
            Surroundings(
                dashboard,
                Drills((sys.executable, "-P", "-m", "rpx", "-f", str(hold.lease.config), "drill")),
                OthersRunning(hold.lease.config),
                Timeline(folder, began),
            ),
        ),
        UnknownNames(),
    ]
    if not wishes.detached:

        def deserted() -> None:
            if not shutdown.asked:
                name = hold.lease.name
                say(f"rpx: the reader of this output has gone; `{name}` goes on: {GOES_ON}")

        screen = Screen(sys.stdout.fileno(), deserted)
        observers.insert(0, Console(screen.write, report, colour=wishes.colour, columns=width))
    abort = Abort(wishes.exit_code_from)
    if wishes.abort_on_exit or wishes.exit_code_from is not None:
        observers.append(abort)
    options = Options(
        hold.lease.run_id,
        report,
        colour=wishes.colour,
        member=member_of(config, hold.lease, os.environ),
        terms=Terms(load, wishes.names, dict(wishes.scale), ports_file(hold.lease.config)),
        identity=str(hold.lease.config),
        folder=hold.lease.socket.parent,
        dashboard=dashboard,
        early=(lambda text: say(f"rpx: {text}")) if wishes.detached else (lambda _: None),
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(handle_signals, shutdown)
        nursery.start_soon(end_with_the_guardian, shutdown)
        await serve(config, options, shutdown, observers)
        nursery.cancel_scope.cancel(reason="the project has ended")
    return abort.exit_code(shutdown.exit_code)


def first_url(registry: Registry) -> str | None:
    """Where the first proxy answers."""
    return next((registry.page(to) for to in registry.sites), None)


def report(group: ExceptionGroup[Exception]) -> None:
    """What an error boundary has caught: rpx goes on, and says that it is not well."""
    say(str(report_bug(group)))
