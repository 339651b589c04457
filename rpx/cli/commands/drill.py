"""`rpx drill`: the failover test as one command, with a report."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import partial

import click
import trio

from rpx.backend.file_limit import raise_file_limit
from rpx.cli.at_tab.offered import BACKENDS, PROXIES
from rpx.cli.command import Command, Common
from rpx.cli.helpers.arguments import seconds
from rpx.cli.terminal.chart import characters, chart
from rpx.cli.terminal.meanwhile import Meanwhile, ProgressLines
from rpx.cli.terminal.output import fitted, json_option, print_json, print_table, width
from rpx.cli.terminal.table import Column, Table
from rpx.drill.damage import KINDS, Plan, service_rows, victim
from rpx.drill.grpc_connection import GRPC_PATH
from rpx.drill.rehearsal import Drill, DrillOptions
from rpx.drill.report import Damage, Report, to_json
from rpx.errors import Exit, UsageError, visible
from rpx.runs.api_client import ApiClient
from rpx.runs.lease import find_running

EXAMPLES = """\
rpx drill api                           # 200 requests/s for 10 s; one copy is killed in the middle
rpx drill api --kill 3001 --down-for 2s # this one, and it rests before it is started again
rpx drill api --hang --duration 20s     # one copy stops answering for a while
rpx drill greeter --grpc                # calls of grpc.health.v1, for a server of gRPC
rpx drill api --json --allow-errors 5   # for CI: exit code 1 when more than five failed
"""

MOST = 1_000_000  # requests of one drill; each is remembered
FASTEST = 20_000  # requests a second; more than one process can send


_damage = partial(click.option, is_flag=False, flag_value="", metavar="[BACKEND]", type=BACKENDS)


@click.command("drill", cls=Command, examples=EXAMPLES)
@click.argument("name", metavar="NAME", type=PROXIES)
@_damage("--kill", help="Kill the backend (SIGKILL): what a drill does unless you choose otherwise")
@_damage(
    "--stop", help="Ask the backend to stop (SIGTERM); a well-made server finishes its requests"
)
@_damage("--hang", help="Suspend the backend for a while (SIGSTOP, then SIGCONT)")
@_damage("--slow", help="Suspend the backend for 90 of every 100 ms")
@click.option("--rate", type=click.IntRange(1, FASTEST), default=200, metavar="N",
              show_default=True,
              help="Send this many requests a second, whatever becomes of others")  # fmt: skip
@click.option("--duration", metavar="DURATION", default="10s", show_default=True,
              help="Send requests for this long: 10s, 1m30s")  # fmt: skip
@click.option(
    "--at", metavar="DURATION", help="Do the damage at this time (default: half of the duration)"
)
@click.option("--down-for", metavar="DURATION",
              help="Keep the backend down (default: 0) or suspended (a quarter of the"
              " duration)")  # fmt: skip
@click.option("--path", metavar="PATH", default="/", show_default=True, help="Ask for this path")
@click.option("--grpc", is_flag=False, flag_value="", metavar="[SERVICE]",
              help="Call grpc.health.v1, of the server or of this service of it")  # fmt: skip
@click.option("--allow-errors", type=click.IntRange(0), default=0, show_default=True, metavar="N",
              help="Let this many requests fail before the exit code is 1")  # fmt: skip
@json_option
@click.option("--progress", is_flag=True, help="With --json: lines, also about the requests so far")
@click.pass_obj
def drill(
    common: Common,
    /,
    *,
    name: str,
    rate: int,
    duration: str,
    at: str | None,
    down_for: str | None,
    path: str,
    grpc: str | None,
    allow_errors: int,
    as_json: bool,
    progress: bool,
    **damage: str | None,
) -> int:
    """Send a steady load to the service NAME, damage one of its backends, and report.

    Without BACKEND, rpx chooses one that others can stand in for. A request has failed when it got
    no whole answer, or a status of 500 or above. The time of a request counts from the moment when
    it was due. Ctrl-C ends the drill: a suspended process goes on, and the report covers the
    requests so far.
    """
    kind, target = _chosen(damage)
    if progress and not as_json:
        raise UsageError("`--progress` without `--json`", hint="people see a line as it is")
    lasts = seconds("--duration", duration)
    if not lasts:
        raise UsageError("`--duration` is 0: nothing would be sent", hint="for example 10s")
    if rate * lasts > MOST:
        raise UsageError(
            f"{rate} requests/s for {lasts:g} s are more than {MOST:,} requests",
            hint="lower `--rate` or `--duration`",
        )
    when = seconds("--at", at) if at is not None else lasts / 2
    suspends = kind in ("hang", "slow")
    down = seconds("--down-for", down_for) if down_for is not None else suspends * lasts / 4
    if when + down >= lasts:
        what = "`--at` and `--down-for` together" if down else "`--at`"
        reach = "reach" if down else "reaches"
        raise UsageError(
            f"{what} ({when + down:g} s) {reach} beyond the end of the load ({lasts:g} s)",
            hint="raise `--duration`, so that the load goes on after the damage",
        )
    path = _path(path, grpc=grpc is not None)
    raise_file_limit()
    lease = find_running(None, common.file)
    client = ApiClient(lease)
    rows = service_rows(client.ps(), name)
    hit = victim(rows, target or None)
    options = DrillOptions(name, str(hit.url), path, rate, lasts, allow_errors, grpc)
    plan = Plan(kind, hit.label, when, down)
    where = f"{options.url}{path}"
    with (ProgressLines if progress else Meanwhile)(lasts) as line:
        line.say(f"{rate} requests/s to {where} for {lasts:g} s; after {when:g} s: {plan.sentence}")
        run = Drill(client, lease, options, plan, line.say, show=line.show)
        report = trio.run(run.run)
    if as_json:
        found = to_json(report)
        print(json.dumps(found)) if progress else print_json(found)
    else:
        _show(report, colour=common.colour(sys.stdout))
    if run.interrupted is not None:
        return 128 + run.interrupted
    return Exit.FINE if report.passed else Exit.FAILED


def _chosen(damage: Mapping[str, str | None]) -> tuple[str, str | None]:
    """What kind of damage, and to whom, if that was said."""
    given = [kind for kind in KINDS if damage[kind] is not None]
    if len(given) > 1:
        flags = " and ".join(f"`--{kind}`" for kind in given)
        raise UsageError(f"{flags} exclude each other", hint="one kind of damage in each drill")
    kind = given[0] if given else "kill"
    return kind, damage[kind]


def _path(path: str, *, grpc: bool) -> str:
    """What is asked for."""
    if grpc and path != "/":
        raise UsageError("`--grpc` and `--path` exclude each other", hint="leave out `--path`")
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or " " in path:
        raise UsageError(f"`--path` is not a path: {path}", hint="for example /users?page=2")
    return GRPC_PATH if grpc else path


def _show(report: Report, *, colour: bool) -> None:
    """For people: the chart, the phases, what rpx counted, and the verdict."""
    print()
    look = characters(sys.stdout.encoding or "ascii")
    for line in chart(report, look, colour=colour, width=width()):
        print(line)
    print()
    numbers = [("REQUESTS", 3), ("P50", 4), ("P99", 2), ("LONGEST", 1)]
    filled = Table([Column("PHASE"), *(Column(name, rank, right=True) for name, rank in numbers)])
    for name, phase in report.phases.items():
        times = (phase.p50, phase.p99, phase.longest)
        filled.add(
            name,
            str(phase.requests),
            *(f"{each:.1f} ms" if phase.requests else "-" for each in times),
        )
    print_table(filled, colour=colour)
    print()
    if report.damage is not None:
        print("\n".join(fitted(_what_rpx_did(report.damage))))
    print("\n".join(fitted(_counts(report))))
    for why, count in report.failures.items():
        print(visible(f"  {count} × {why}"))
    if report.late > LATE:
        print(f"this machine was busy: requests were sent up to {report.late:.0f} ms late")
    print(_verdict(report, colour=colour))


LATE = 20.0  # milliseconds after which what was measured is the load generator's as well


def _what_rpx_did(damage: Damage) -> str:
    label = f"{damage.label} (pid {damage.pid})"
    if damage.left is None:
        return f"{label} stayed in rotation"
    left = f"{label} left the rotation after {_span(damage.left - damage.at)}"
    if damage.returned is None:
        return f"{left} and had not returned at the end"
    return f"{left} and returned after {_span(damage.returned - damage.at)}"


def _span(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def _counts(report: Report) -> str:
    counted = {"retried": report.retried, "held": report.held}
    ours = ", ".join(f"{count} {what}" for what, count in counted.items() if count is not None)
    return f"{report.sent} sent, {report.failed} failed{', ' + ours if ours else ''}"


def _verdict(report: Report, *, colour: bool) -> str:
    allowed = f" ({report.allowed} allowed)" if report.allowed else ""
    if report.cut_short:
        text = (
            f"{report.cut_short} after {_ended(report):.1f} s, {report.unfinished} more under way"
        )
        style = "yellow"
    elif report.passed:
        text, style = f"passed{allowed}", "green"
    else:
        text, style = f"failed: {report.failed} requests had no good answer{allowed}", "red"
    return click.style(text, fg=style, bold=True) if colour else text


def _ended(report: Report) -> float:
    return max((part.at for part in report.timeline if part.requests), default=0.0)
