"""One drill from beginning to end: load, damage in the middle, and what rpx says meanwhile."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psutil
import trio

from rpx.drill.damage import Plan, Struck, aim, strike
from rpx.drill.http_client import Target
from rpx.drill.report import Damage, Report, Shot, counted, phases, timeline
from rpx.drill.steady_load import Load
from rpx.errors import RpxError
from rpx.model.status import Event, RotationChanged
from rpx.runs.api_client import ApiClient
from rpx.runs.hearing import hear_events
from rpx.runs.lease import Lease

AGREE = 0.02  # seconds
SHOW_EVERY = 0.25

Say = Callable[[str], None]
Show = Callable[[Sequence[Shot]], None]  # must not wait
Stats = dict[str, Any]  # of one host: `host:port` → figures


@dataclass(frozen=True, slots=True)
class DrillOptions:
    """What is to be sent where, and how much of it may fail. `grpc` is as of Target."""

    service: str
    url: str
    path: str
    rate: float
    duration: float
    allowed: int
    grpc: str | None = None


class Drill:
    """The state of one drill. `interrupted` is the signal that cut it short."""

    def __init__(
        self,
        client: ApiClient,
        lease: Lease,
        options: DrillOptions,
        plan: Plan,
        say: Say,
        *,
        show: Show = lambda _: None,
    ) -> None:
        """`say` gets what has happened, `show` what has come of the requests so far, at times."""
        self._client = client
        self._lease = lease
        self._options = options
        self._plan = plan
        self._say = say
        self._show = show
        self._host = urlsplit(options.url).hostname or ""
        self._load = Load(target(lease, options), options.rate, options.duration)
        self._ahead = 0.0  # rpx's clock minus trio's here
        self._struck: Struck | None = None
        self._rotation: list[tuple[float, bool]] = []  # on rpx's clock
        self.interrupted: int | None = None
        self._cut_short = ""

    async def run(self) -> Report:
        """Do it. Raises: RpxError when it cannot be begun, or the damage could not be done."""
        aimed = await aim(self._client, self._plan.label)
        self._ahead = aimed.at - trio.current_time()
        before = await self._stats()
        async with trio.open_nursery() as nursery:
            await nursery.start(self._obey_signals, nursery.cancel_scope)
            await nursery.start(self._follow, nursery.cancel_scope)
            nursery.start_soon(self._show_now_and_then)
            async with trio.open_nursery() as work:
                await work.start(self._load.run)
                work.start_soon(self._damage, aimed.pid)
            nursery.cancel_scope.cancel(reason="the load is over")
        return self._report(before, await self._stats())

    async def _damage(self, pid: int) -> None:
        await trio.sleep_until(self._load.began + self._plan.at)
        self._say(f"{self._plan.at:g} s: {self._plan.sentence}")
        # Noted beforehand too: cut short, it has happened all the same.
        self._struck = Struck(pid, trio.current_time() + self._ahead)
        self._struck = await strike(self._client, self._plan, pid, self._struck.at)
        if self._struck.replaced:
            self._say(f"process {pid} has been replaced by rpx before the damage was over")

    async def _show_now_and_then(self) -> None:
        while True:
            await trio.sleep(SHOW_EVERY)
            self._show(self._load.shots)

    async def _obey_signals(
        self,
        everything: trio.CancelScope,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for self.interrupted in signals:
                self._cut_short = "interrupted"
                everything.cancel(reason="somebody has seen enough")

    async def _follow(
        self, everything: trio.CancelScope, *, task_status: trio.TaskStatus[None]
    ) -> None:
        await hear_events(self._lease, self._hear, task_status=task_status)
        self._cut_short = "rpx ended"
        everything.cancel(reason="nobody is left to send to")

    def _hear(self, event: Event) -> None:
        if isinstance(event, RotationChanged) and event.label == self._plan.label:
            self._rotation.append((event.at, event.in_rotation))

    async def _stats(self) -> Stats | None:
        """The service's figures; None: rpx has ended meanwhile."""
        try:
            stats: dict[str, Stats] = await trio.to_thread.run_sync(self._client.stats)
        except RpxError:
            return None
        return stats.get(self._host)

    def _report(self, before: Stats | None, after: Stats | None) -> Report:
        load, options, shots = self._load, self._options, self._load.shots
        damage = self._done()
        failures, statuses = counted(shots)
        lasted = trio.current_time() - load.began
        return Report(
            service=options.service,
            url=options.url,
            path=options.path,
            rate=options.rate,
            duration=options.duration,
            allowed=options.allowed,
            damage=damage,
            sent=len(shots),
            failures=failures,
            statuses=statuses,
            retried=_grown("retries", before, after),
            held=_grown("held", before, after),
            longest=round(max((shot.took for shot in shots), default=0.0) * 1000, 2),
            late=round(load.late * 1000, 2),
            phases=phases(shots, damage, lasted),
            timeline=timeline(shots, damage, options.duration),
            cut_short=self._cut_short,
            unfinished=load.under_way,
        )

    def _done(self) -> Damage | None:
        if self._struck is None:
            return None
        begin = self._load.began + self._ahead
        at = self._struck.at
        # The clocks agree to some milliseconds: what came out of the damage cannot be before it.
        rotation = tuple(
            (max(when, at) - begin, up) for when, up in self._rotation if when > at - AGREE
        )
        return Damage(
            kind=self._plan.kind,
            label=self._plan.label,
            pid=self._struck.pid,
            at=at - begin,
            lasts=self._plan.lasts,
            replaced=self._struck.replaced,
            rotation=rotation,
        )


def target(lease: Lease, options: DrillOptions) -> Target:
    """Where the proxy of `lease` listens for this service. Raises: RpxError."""
    parts = urlsplit(options.url)
    tls = parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    addresses = listening(lease.supervisor.pid, port)
    return Target(addresses, port, parts.netloc, options.path, tls, options.grpc)


def listening(pid: int, port: int) -> tuple[str, ...]:
    """The addresses on which process `pid` listens on `port`."""
    try:
        found = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        found = []
    addresses = [
        each.laddr.ip
        for each in found
        if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
    ]
    anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what others have bound to
    # IPv4 first: that is what most clients use for names below localhost.
    return tuple(sorted({anywhere.get(ip, ip) for ip in addresses}, key=lambda ip: ":" in ip)) or (
        "127.0.0.1",
        "::1",
    )


def _grown(figure: str, before: Stats | None, after: Stats | None) -> int | None:
    if before is None or after is None:
        return None
    return _sum(after, figure) - _sum(before, figure)


def _sum(stats: Stats, figure: str) -> int:
    return sum(int(row[figure]) for row in stats.values())
