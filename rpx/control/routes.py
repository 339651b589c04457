"""What the control API answers to: snapshots out, orders in. All of it is JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import trio
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from rpx.control.measure import Measure
from rpx.control.metrics import CONTENT_TYPE, prometheus
from rpx.control.streams import (
    NDJSON,
    Carried,
    Follow,
    error_json,
    events,
    ndjson,
    output,
    printed_json,
)
from rpx.errors import Exit, RpxError, UsageError
from rpx.hub.mailbox import ProjectOrder
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.answers import json_of
from rpx.model.status import OWN_WORDS, Printed
from rpx.orders import pausing, verbs, whole
from rpx.orders.reasons import why
from rpx.orders.rows import folders, ps_row, route_rows
from rpx.orders.url_why import url_why
from rpx.orders.waits import waits
from rpx.policy.naming import heard, names_of, select
from rpx.policy.nearness import is_nobodys

M = TypeVar("M", bound=BaseModel)
OTHER_VERSION = "is the running rpx of another version than this command?"
YES = ("1", "true")
TAIL = 100_000  # lines; more than any ring keeps


class Json(JSONResponse):
    """In ASCII: what services print need not be text, and half of a character has no UTF-8."""

    def render(self, content: object) -> bytes:
        """`content` as JSON without spaces, in ASCII."""
        return json.dumps(content, separators=(",", ":")).encode()


class NamesBody(BaseModel):
    """The body of restart, start and stop: what each name means is in policy.naming."""

    model_config = ConfigDict(extra="forbid")
    names: list[str] = Field(min_length=1)


class KillBackendBody(BaseModel):
    """The body of kill-backend. `down_for` is seconds; `restart` false: it stays down."""

    model_config = ConfigDict(extra="forbid")
    target: str
    signal: str | int = "KILL"
    down_for: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    restart: bool = True


class DownBody(BaseModel):
    """The body of down. `now`: wait for nobody, as at a second Ctrl-C."""

    model_config = ConfigDict(extra="forbid")
    now: bool = False


class ReloadBody(BaseModel):
    """The body of reload. `dry_run`: only say what would be done."""

    model_config = ConfigDict(extra="forbid")
    dry_run: bool = False


class ScaleBody(ReloadBody):
    """The body of scale: copies by service."""

    services: dict[str, int] = Field(min_length=1)


def application(registry: Registry, shutdown: Shutdown, measure: Measure) -> Starlette:
    """The API of one running project. It holds no state of its own."""
    api = Api(registry, shutdown, measure)
    several: dict[str, verbs.Verb] = {
        "restart": verbs.restart,
        "start": verbs.start,
        "stop": verbs.stop,
        "pause-backend": pausing.pause,
        "resume-backend": pausing.resume,
    }
    return Starlette(
        routes=[
            Route("/v1/ps", api.ps),
            Route("/v1/why", api.why),
            Route("/v1/why-url", api.why_url),
            Route("/v1/waits", api.waits),
            Route("/v1/stats", api.stats),
            Route("/v1/logs", api.logs),
            Route("/v1/events", api.events),
            Route("/metrics", api.metrics),
            Route("/v1/down", api.down, methods=["POST"]),
            Route("/v1/reload", api.reload, methods=["POST"]),
            Route("/v1/scale", api.scale, methods=["POST"]),
            Route("/v1/orders/kill-backend", api.kill_backend, methods=["POST"]),
            *(
                Route(f"/v1/orders/{verb}", partial(api.several, work), methods=["POST"])
                for verb, work in several.items()
            ),
        ],
        exception_handlers={RpxError: _refused, HTTPException: _not_here},
    )


def scraped_application(registry: Registry) -> Starlette:
    """What Prometheus may ask, also over TCP: figures alone, no orders."""

    async def metrics(request: Request) -> Response:
        host = _PORT.sub("", request.headers.get("host", ""))
        if not (is_nobodys(host) or registry.routes.names(host.lower())):
            # A page of another site whose name leads here (DNS rebinding) could read them.
            return PlainTextResponse(f"Ask for localhost, not for {host}.\n", 421)
        return _metrics(registry)

    return Starlette(routes=[Route("/metrics", metrics)])


def _metrics(registry: Registry) -> Response:
    return Response(prometheus(registry), headers={"content-type": CONTENT_TYPE})


class Api:
    """The endpoints, over the one registry."""

    def __init__(self, registry: Registry, shutdown: Shutdown, measure: Measure) -> None:
        self._measure = measure
        self._registry = registry
        self._shutdown = shutdown

    async def ps(self, request: Request) -> Response:
        """A row for each backend, in the shape of `rpx ps --json`; `routes`: for those, too."""
        rows = [*self._registry.snapshot(), *self._registry.goodbyes()]
        leaders = {row.label: row.pid for row in rows if row.pid is not None}
        usage = await trio.to_thread.run_sync(self._measure, leaders)
        told_by = {b.label: self._registry.told_by(b) for b in self._registry.backends.values()}
        shown = [ps_row(row, usage.get(row.label), told_by.get(row.label)) for row in rows]
        if request.query_params.get("routes") in YES:
            missing = await trio.to_thread.run_sync(_missing, folders(self._registry))
            shown += route_rows(self._registry, missing)
        return Json([json_of(row) for row in shown])

    async def why(self, request: Request) -> Response:
        """Why the backends that are named are in the states they are in."""
        labels = self._labels(request.query_params.getlist("name"))
        now = trio.current_time()
        backends = [b for label, b in self._registry.backends.items() if label in labels]
        return Json([json_of(why(self._registry, backend, now)) for backend in backends])

    async def why_url(self, request: Request) -> Response:
        """What becomes of a request for `url`; `method` and each `header` are those it has."""
        asked = request.query_params
        method, headers = asked.get("method", "GET"), asked.getlist("header")
        return Json(json_of(await url_why(self._registry, asked.get("url", ""), method, headers)))

    async def waits(self, request: Request) -> Response:
        """Who is on the way up or down; of those that are named, if any are."""
        names, limit = request.query_params.getlist("name"), request.query_params.get("within")
        labels = self._labels(names) if names else None
        found = waits(
            self._registry,
            self._registry.steady(),
            labels,
            ending=self._shutdown.asked,
            within=math.inf if limit is None else _seconds("within", limit),
        )
        return Json([json_of(wait) for wait in found])

    async def stats(self, _request: Request) -> Response:
        """Host → `host:port` → figures."""
        return Json(self._registry.stats())

    async def metrics(self, _request: Request) -> Response:
        """The same and more, for Prometheus."""
        return _metrics(self._registry)

    async def logs(self, request: Request) -> Response:
        """The last lines of each speaker that is named (all but rpx, if none is), by time."""
        asked = request.query_params
        own = asked.get("own") in YES
        speakers = [names_of(backend.spec) for backend in self._registry.speakers]
        wanted = heard(speakers, asked.getlist("name"), own=own)
        count = _whole("tail", asked.get("tail"), TAIL)
        since = _seconds("since", asked.get("since"))
        tail = partial(self._tail, wanted, count, since)
        if asked.get("follow") in YES:
            return Follow(output(self._registry, wanted), tail)
        return Response(ndjson(tail()), media_type=NDJSON)

    async def events(self, _request: Request) -> Response:
        """Changes of state and notes, from now on."""
        return Follow(events(self._registry))

    async def down(self, request: Request) -> Response:
        """End the project politely, or now. Said twice, it is no second Ctrl-C."""
        body = await _body(request, DownBody) if await request.body() else DownBody()
        if not self._shutdown.asked:
            self._shutdown.request()
        if body.now:
            self._shutdown.patience.lose()
        return Json({"stopping": True})

    async def reload(self, request: Request) -> Response:
        """Read the file again; what has been done, and what became of it.

        Who accepts NDJSON is told first what is to be done, then what came of it.
        """
        body = await _body(request, ReloadBody)
        return await self._change(ProjectOrder(dry=body.dry_run), request)

    async def scale(self, request: Request) -> Response:
        """Run other numbers of copies, likewise."""
        body = await _body(request, ScaleBody)
        return await self._change(ProjectOrder(body.services, dry=body.dry_run), request)

    async def _change(self, order: ProjectOrder, request: Request) -> Response:
        whole.give(self._registry, order)
        if NDJSON in request.headers.get("accept", ""):
            await order.planned.wait()
            whole.reported(order)  # what is wrong with it has a status
            return Carried(order)
        await order.done.wait()
        return Json(whole.reported(order).json())

    async def kill_backend(self, request: Request) -> Response:
        """Kill one backend's process, as a crash would."""
        body = await _body(request, KillBackendBody)
        kill = await verbs.kill_backend(
            self._registry,
            body.target,
            signum=verbs.signal_number(str(body.signal)),
            down_for=body.down_for,
            come_back=body.restart,
        )
        return Json(json_of(kill))

    async def several(
        self,
        work: verbs.Verb,
        request: Request,
    ) -> Response:
        """Restart, start or stop the backends that are named."""
        body = await _body(request, NamesBody)
        return Json([json_of(outcome) for outcome in await work(self._registry, body.names)])

    def _labels(self, names: Sequence[str]) -> set[str]:
        rows = self._registry.snapshot()
        if not names:
            return {row.label for row in rows}
        return {row.label for name in names for row in select(rows, name)}

    def _tail(self, wanted: Callable[[str], bool], count: int, since: float) -> list[Any]:
        there = self._registry.speakers
        rings = [(each.label, each.lines) for each in there if each.lines is not None]
        rings.append((OWN_WORDS, self._registry.words))
        lines: list[Printed] = []
        for ring in (ring for label, ring in rings if wanted(label)):
            lines += ring.chunks(count, since)
        return [printed_json(printed) for printed in sorted(lines, key=lambda one: one.at)]


async def _body(request: Request, shape: type[M]) -> M:
    try:
        return shape.model_validate_json(await request.body())
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in wrong["loc"]) or "the body"
        raise UsageError(
            f"{where}: {wrong['msg']}",
            hint=OTHER_VERSION,
        ) from None


def _missing(folders: Iterable[Path]) -> set[Path]:
    return {folder for folder in folders if not folder.is_dir()}


def _whole(name: str, text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"`{name}` is not a whole number: {text}")
    return min(int(text), default)


def _seconds(name: str, text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        raise UsageError(f"`{name}` is not a number of seconds: {text}") from None


_PORT = re.compile(r":[0-9]*+\Z")
_STATUS = {Exit.USAGE: 422, Exit.TIMEOUT: 504, Exit.NOT_RUNNING: 503}


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RpxError)  # noqa: S101 - starlette's handlers are typed for any
    return Json(error_json(error), _STATUS.get(Exit(error.exit_code), 409))


async def _not_here(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - starlette's handlers are typed for any
    what = f"the control API has no {request.method} {request.url.path}"
    hint = OTHER_VERSION
    return Json(
        {"error": {"what": what, "hint": hint, "exit_code": Exit.FAILED}}, error.status_code
    )
