"""Orders about one backend or all copies of a service: one shape, five verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rpx.cli.command import Command, Common
from rpx.cli.terminal.output import json_option, print_json
from rpx.cli.terminal.progress import told
from rpx.errors import RpxError, visible
from rpx.model.answers import json_of
from rpx.model.status import AT_REST, State

if TYPE_CHECKING:
    from rpx.runs.api_client import ApiClient

names_argument = click.argument("names", metavar="NAME…", nargs=-1, required=True)
some_names_argument = click.argument("names", metavar="[NAME…]", nargs=-1)
DOWN = frozenset(state.value for state in AT_REST)
GOES_ON = "what was asked for goes on in the background; `rpx ps` shows how far it is"


def _give(common: Common, verb: str, names: tuple[str, ...], *, as_json: bool) -> int:
    client = common.client()
    names = names or _all(client, verb)
    with told(client, names, GOES_ON):
        outcomes = client.order(verb, names)
    if as_json:
        print_json([json_of(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            print(visible(outcome.sentence))
    return next((o.exit_code for o in outcomes if o.exit_code), 0)


def _all(client: ApiClient, verb: str) -> tuple[str, ...]:
    """Whom the command means without a name: of rpx's own, those to whom it makes a difference.

    Raises: RpxError when there is nobody. A oneshot that has done its work is left alone.
    """
    rows = [row for row in client.ps() if not row.external and not row.served_by]
    wanted = (State.STOPPED.value, State.FAILED.value) if verb == "start" else ()
    names = [
        row.label for row in rows if (row.state in wanted if wanted else row.state not in DOWN)
    ]
    if not names:
        raise RpxError(f"there is nothing to {verb}", hint="`rpx ps` shows the states")
    return tuple(names)


@click.command(
    "start",
    cls=Command,
    examples="""\
rpx start api:3001              # one backend
rpx start api worker            # all copies of api, and the worker
rpx start                       # all that are stopped or have failed
""",
)
@some_names_argument
@json_option
@click.pass_obj
def start(common: Common, names: tuple[str, ...], *, as_json: bool) -> int:
    """Start backends that are down, and wait until they are ready."""
    return _give(common, "start", names, as_json=as_json)


@click.command(
    "stop",
    cls=Command,
    examples="""\
rpx stop api:3001               # one backend: the others take its requests
rpx stop worker                 # it stays down until `rpx start worker`
rpx stop                        # all services; the project itself ends with `rpx down`
""",
)
@some_names_argument
@json_option
@click.pass_obj
def stop(common: Common, names: tuple[str, ...], *, as_json: bool) -> int:
    """Stop backends. Requests under way are finished first; nothing starts them again by itself."""
    return _give(common, "stop", names, as_json=as_json)


@click.command(
    "restart",
    cls=Command,
    examples="""\
rpx restart api                 # one copy after the other: no request is lost
rpx restart 3001                # the backend on this port
rpx restart                     # all services, one after the other
""",
)
@some_names_argument
@json_option
@click.pass_obj
def restart(common: Common, names: tuple[str, ...], *, as_json: bool) -> int:
    """Restart backends, each when the one before it is ready again."""
    return _give(common, "restart", names, as_json=as_json)


@click.command(
    "pause-backend",
    cls=Command,
    examples="""\
rpx pause-backend 3001          # no new requests; its process is left running
rpx pause-backend api:1 api:2   # two of them
""",
)
@names_argument
@json_option
@click.pass_obj
def pause_backend(common: Common, names: tuple[str, ...], *, as_json: bool) -> int:
    """Take backends out of rotation and leave their processes running.

    Requests under way finish. It lasts until `rpx resume-backend`, also through restarts.
    """
    return _give(common, "pause-backend", names, as_json=as_json)


@click.command(
    "resume-backend",
    cls=Command,
    examples="""\
rpx resume-backend 3001         # it gets requests again, as soon as it is ready
rpx resume-backend api          # all copies of api
""",
)
@names_argument
@json_option
@click.pass_obj
def resume_backend(common: Common, names: tuple[str, ...], *, as_json: bool) -> int:
    """Let backends that were paused into rotation again."""
    return _give(common, "resume-backend", names, as_json=as_json)
