"""`rpx --from … --to …`: a project that stands on the command line instead of in rpx.yaml.

The flags become the keys of rpx.yaml that they are named after, and go the same way; what is
wrong with them is said in terms of the flags.
"""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from rpx.backend.guardian import guard
from rpx.cli.command import Common
from rpx.cli.failures import reported
from rpx.cli.flag_routes import parts, routes_of, with_words, words_of
from rpx.cli.helpers.loading import loading
from rpx.cli.supervisor.at_the_door import begin_door
from rpx.cli.supervisor.wishes import Wishes
from rpx.errors import Problem, RpxError, UsageError

OPTIONS: Final[list[click.Parameter]] = [
    click.Option(
        ["--from", "from_"],
        multiple=True,
        metavar="ADDRESS,…",
        help="Run without an rpx.yaml, with these backends: host:port, port, unix:path or URL, with"
        " commas between them or a --from for each",
    ),
    click.Option(
        ["--to"],
        multiple=True,
        metavar="HOST,…",
        help="Answer requests for this host: api.localhost; or for several, with commas between"
        " them or a --to for each. '*' is any that nobody else has",
    ),
    click.Option(
        ["--path"],
        multiple=True,
        metavar="PATH=ADDRESS,…",
        help="Let other backends answer a path and all below it: /api=4000; a --path for each",
    ),
    click.Option(
        ["--static"],
        multiple=True,
        type=click.Path(),  # for Tab: what is wrong with it is said later
        metavar="[PATH=]DIR",
        help="Answer from the files of a folder, what is below a path, or all that no path takes",
    ),
    click.Option(
        ["--strip"], is_flag=True, help="Cut these paths off before who answers sees them"
    ),
    click.Option(
        ["--realm"],
        metavar="NAME",
        help='Put this label before the last one of the host, or none: "". Default: that of the git'
        " worktree",
    ),
    click.Option(
        ["--http-port"], metavar="PORT", help="Listen for HTTP on this port; 0 is any free one"
    ),
    click.Option(
        ["--https"], is_flag=True, help="Serve https, with a certificate of your local authority"
    ),
    click.Option(
        ["--https-port"], metavar="PORT", help="Listen for HTTPS on this port; 0 is any free one"
    ),
    click.Option(
        ["--health-path"],
        metavar="PATH",
        help="Check the health of each backend with GETs of this path",
    ),
    click.Option(
        ["--start"],
        metavar="COMMAND",
        help="Run this command for each address, with PORT set to its port",
    ),
    click.Option(
        ["--strategy"],
        metavar="STRATEGY",
        help="Choose backends by round-robin, weighted-round-robin, least-connections, random or"
        " ip-hash",
    ),
    click.Option(
        ["--sticky"], is_flag=True, help="Send each client to the backend that it had before"
    ),
    click.Option(
        ["--verbose"],
        is_flag=True,
        help="Print a line for each request, with the backend that answered it",
    ),
]

# Where a value stands in the configuration → the flag that it came from.
_FLAGS: Final = {
    "from": "--from",
    "to": "--to",
    "static": "--static",
    "realm": "--realm",
    "listen.http_port": "--http-port",
    "listen.https_port": "--https-port",
    "https": "--https",
    "health_check.path": "--health-path",
    "start": "--start",
    "start.command": "--start",
    "strategy": "--strategy",
    "sticky": "--sticky",
    "verbose": "--verbose",
}
_QUOTED = re.compile(rf"`({'|'.join(map(re.escape, _FLAGS))})(?:(: )|(?=`))")
_PLACE = re.compile(r"\b(?:from\[(\d+)\](?:\.\w+)?|to\[(\d+)\])")


def flags_given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the flags that stand on the command line."""
    names = {option.name for option in OPTIONS}
    return {k: v for k, v in parameters.items() if k in names and v not in ((), None, False)}


def run_flags(common: Common, flags: Mapping[str, Any]) -> int:
    """Run the project that the flags describe, like `rpx up` does with that of a file.

    Raises: UsageError when they describe none, or a file is named beside them.
    """
    if common.file is not None:
        raise UsageError(
            "`--file` and `--from` exclude each other: both say what to run",
            hint="`rpx up --file FILE` runs a file",
        )
    if not {"from_", "to", "path", "static"} & flags.keys():
        raise UsageError(
            "the command line has neither a command nor `--from` and `--to`",
            hint="for example `rpx up`, or `rpx --from localhost:3000 --to api.localhost`",
        )
    wishes = Wishes(colour=common.colour(sys.stdout))
    begin_door()  # before there is a guardian, which would sweep it away
    return guard(lambda: reported(lambda: _supervise(wishes, settings(flags))))


def settings(flags: Mapping[str, Any]) -> dict[str, object]:
    """The flags as keys of rpx.yaml."""
    written: dict[str, object] = {}
    if "from_" in flags:
        written["from"] = parts(flags["from_"])
    if "to" in flags:
        hosts = parts(flags["to"])
        written["to"] = hosts if len(hosts) > 1 else hosts[0]
    for key in ("realm", "start", "strategy", "sticky", "https", "verbose"):
        if key in flags:
            written[key] = flags[key]
    listen = {key: flags[key] for key in ("http_port", "https_port") if key in flags}
    if listen:
        written["listen"] = listen
    written |= routes_of(flags)
    if "health_path" in flags:
        written["health_check"] = {"path": flags["health_path"]}
    return written


def say_in_flags(error: BaseException, written: Mapping[str, object]) -> None:
    """Tell the same problems to somebody who has not written a file, but flags that are `written`
    as `settings` has it.
    """
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            say_in_flags(each, written)
    elif isinstance(error, RpxError):
        words = words_of(written.get("routes", ()))
        error.problems = tuple(_translated(problem, words) for problem in error.problems)


def _translated(problem: Problem, words: Sequence[str]) -> Problem:
    what, hint = (_in_flags(with_words(text, words)) for text in (problem.what, problem.hint))
    where = "" if problem.where.startswith("routes[") else _place(problem.where)
    return Problem(what, where, problem.excerpt, hint)


def _in_flags(text: str) -> str:
    """`listen.http_port` becomes `--http-port`, `to: a` becomes `--to a`, from[1] is counted."""
    text = _QUOTED.sub(lambda found: f"`{_FLAGS[found[1]]}{' ' if found[2] else ''}", text)
    return _PLACE.sub(_counted, text)


def _counted(place: re.Match[str]) -> str:
    if place[1]:
        return f"address {int(place[1]) + 1} of --from"
    return f"host {int(place[2]) + 1} of --to"


def _place(where: str) -> str:
    """The flag, where it isn't the one that the sentence begins with anyway."""
    return "" if where in _FLAGS else _in_flags(where)


def _supervise(wishes: Wishes, written: Mapping[str, object]) -> int:
    # Until somebody hears them (handle_signals): half of a start-up is no good place to end at.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
    with loading():
        from rpx.cli.supervisor.assembly import supervise_settings  # noqa: PLC0415 - after the fork

    try:
        return supervise_settings(written, wishes)
    except BaseException as error:
        say_in_flags(error, written)
        raise
