"""Who answers what the control API is asked: snapshots out, orders in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import trio
from starlette.requests import Request
from starlette.responses import Response

from rpx.control.dashboard.gathering import Gathering
from rpx.control.dashboard.live_state import LiveState, drill_sources
from rpx.control.dashboard.others_part import OthersPart
from rpx.control.dashboard.state_stream import StateStream
from rpx.control.happened import Happened
from rpx.control.json_answer import Json
from rpx.control.measure import Measure
from rpx.control.metrics import CONTENT_TYPE, prometheus
from rpx.control.operations import body_of, flag, seconds, whole_number
from rpx.control.request_bodies import (
    DownBody,
    DrillBody,
    KillBackendBody,
    NamesBody,
    ReloadBody,
    ScaleBody,
)
from rpx.control.streams import NDJSON, Carried, Follow, events, ndjson, output, printed_json
from rpx.control.surroundings import Surroundings
from rpx.errors import RpxError
from rpx.hub.mailbox import ProjectOrder
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.answers import json_of
from rpx.model.status import OWN_WORDS, Printed
from rpx.model.url_answer import DashboardUrl
from rpx.orders import verbs, whole
from rpx.orders.reasons import why
from rpx.orders.rows import leaders, missing_folders, rows
from rpx.orders.url_why import url_why
from rpx.orders.waits import waits
from rpx.policy.naming import heard, names_of, select

TAIL: Final = 100_000  # lines; more than any ring keeps


def metrics_of(registry: Registry) -> Response:
    """The figures for Prometheus."""
    return Response(prometheus(registry), headers={"content-type": CONTENT_TYPE})


class Handlers:
    """The endpoints, over the one registry."""

    def __init__(
        self,
        registry: Registry,
        shutdown: Shutdown,
        measure: Measure,
        happened: Happened,
        around: Surroundings | None = None,
    ) -> None:
        around = around or Surroundings()
        self._dashboard = around.dashboard
        self._drills = around.drills
        self.others = OthersPart(around.others)
        self._happened = happened
        self._measure = measure
        self.registry = registry
        self._shutdown = shutdown
        self._gathering = Gathering(
            {
                **LiveState(registry, measure).sources(),
                **drill_sources(self._drills),
                **self.others.sources(),
            }
        )

    async def dashboard(self, _request: Request) -> Response:
        """A URL of the dashboard, with a new token. Raises: RpxError where there is none."""
        if self._dashboard is None:
            raise RpxError(
                "this project has no dashboard",
                hint="it needs a proxy, or `listen.http_port`, and no `dashboard: false`",
            )
        return Json(json_of(DashboardUrl(self._dashboard.url(self.registry))))

    async def live(self, request: Request) -> Response:
        """How all is, and what changes of it, for dashboards; `after`: the id that was seen."""
        reader = self._gathering.reader(request.query_params.get("after"))
        return StateStream(reader, self._shutdown, self.registry.requests.looking)

    async def ps(self, request: Request) -> Response:
        """A row for each backend, in the shape of `rpx ps --json`; `routes`: for those, too."""
        usage = await trio.to_thread.run_sync(self._measure, leaders(self.registry))
        missing = None
        if flag(request, "routes"):
            missing = await trio.to_thread.run_sync(missing_folders, self.registry)
        return Json([json_of(row) for row in rows(self.registry, usage, missing)])

    async def why(self, request: Request) -> Response:
        """Why the backends that are named are in the states they are in."""
        labels = self._labels(request.query_params.getlist("name"))
        now = trio.current_time()
        backends = [b for label, b in self.registry.backends.items() if label in labels]
        return Json([json_of(why(self.registry, backend, now)) for backend in backends])

    async def why_url(self, request: Request) -> Response:
        """What becomes of a request for `url`; `method` and each `header` are those it has."""
        asked = request.query_params
        method, headers = asked.get("method", "GET"), asked.getlist("header")
        return Json(json_of(await url_why(self.registry, asked.get("url", ""), method, headers)))

    async def waits(self, request: Request) -> Response:
        """Who is on the way up or down; of those that are named, if any are."""
        names = request.query_params.getlist("name")
        labels = self._labels(names) if names else None
        found = waits(
            self.registry,
            self.registry.steady(),
            labels,
            ending=self._shutdown.asked,
            within=seconds(request, "within", math.inf),
        )
        return Json([json_of(wait) for wait in found])

    async def stats(self, _request: Request) -> Response:
        """Host → `host:port` → figures."""
        return Json(self.registry.stats())

    async def metrics(self, _request: Request) -> Response:
        """The same and more, for Prometheus."""
        return metrics_of(self.registry)

    async def logs(self, request: Request) -> Response:
        """The last lines of each speaker that is named (all but rpx, if none is), by time."""
        asked = request.query_params
        own = flag(request, "own")
        speakers = [names_of(backend.spec) for backend in self.registry.speakers]
        wanted = heard(speakers, asked.getlist("name"), own=own)
        count = whole_number(request, "tail", TAIL)
        since = seconds(request, "since", 0.0)
        tail = partial(self._tail, wanted, count, since)
        if flag(request, "follow"):
            return Follow(output(self.registry, wanted), tail)
        return Response(ndjson(tail()), media_type=NDJSON)

    async def events(self, request: Request) -> Response:
        """Changes of state and notes, from now on, or after the one with this id."""
        number = self._happened.since(request.query_params.get("after"))
        return Follow(events(self._happened, number), lambda: [self._happened.begin(number)])

    async def down(self, request: Request) -> Response:
        """End the project politely, or now. Said twice, it is no second Ctrl-C."""
        body = await body_of(request, DownBody) if await request.body() else DownBody()
        if not self._shutdown.asked:
            self._shutdown.request()
        if body.now:
            self._shutdown.patience.lose()
        return Json({"stopping": True})

    async def reload(self, request: Request) -> Response:
        """Read the file again; what has been done, and what became of it.

        Who accepts NDJSON is told first what is to be done, then what came of it.
        """
        body = await body_of(request, ReloadBody)
        return await self._change(ProjectOrder(dry=body.dry_run), request)

    async def scale(self, request: Request) -> Response:
        """Run other numbers of copies, likewise."""
        body = await body_of(request, ScaleBody)
        return await self._change(ProjectOrder(body.services, dry=body.dry_run), request)

    async def _change(self, order: ProjectOrder, request: Request) -> Response:
        whole.give(self.registry, order)
        if NDJSON in request.headers.get("accept", ""):
            await order.planned.wait()
            whole.reported(order)  # what is wrong with it has a status
            return Carried(order)
        await order.done.wait()
        return Json(whole.reported(order).json())

    async def kill_backend(self, request: Request) -> Response:
        """Kill one backend's process, as a crash would."""
        body = await body_of(request, KillBackendBody)
        kill = await verbs.kill_backend(
            self.registry,
            body.target,
            signum=verbs.signal_number(str(body.signal)),
            down_for=body.down_for,
            come_back=body.restart,
        )
        return Json(json_of(kill))

    async def drills(self, _request: Request) -> Response:
        """The last drills that were asked for here, the newest last."""
        return Json([json_of(drill) for drill in self._drills.all()])

    async def drill(self, request: Request) -> Response:
        """Start a drill; the answer comes when it is under way."""
        return Json(json_of(await self._drills.start(await body_of(request, DrillBody))))

    async def stop_drill(self, _request: Request) -> Response:
        """Stop the one that runs."""
        return Json(json_of(self._drills.stop()))

    async def several(
        self,
        work: verbs.Verb,
        request: Request,
    ) -> Response:
        """Restart, start or stop the backends that are named."""
        body = await body_of(request, NamesBody)
        return Json([json_of(outcome) for outcome in await work(self.registry, body.names)])

    def _labels(self, names: Sequence[str]) -> set[str]:
        rows = self.registry.snapshot()
        if not names:
            return {row.label for row in rows}
        return {row.label for name in names for row in select(rows, name)}

    def _tail(self, wanted: Callable[[str], bool], count: int, since: float) -> list[Any]:
        there = self.registry.speakers
        rings = [(each.label, each.lines) for each in there if each.lines is not None]
        rings.append((OWN_WORDS, self.registry.words))
        lines: list[Printed] = []
        for ring in (ring for label, ring in rings if wanted(label)):
            lines += ring.chunks(count, since)
        return [printed_json(printed) for printed in sorted(lines, key=lambda one: one.at)]
