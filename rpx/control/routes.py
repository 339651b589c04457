"""What the control API may be asked, as a table: snapshots out, orders in. All of it is JSON."""

from __future__ import annotations

import re
from dataclasses import make_dataclass
from functools import partial
from typing import Any, Final, get_type_hints

import trio
from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route

from rpx.control.handlers import Handlers, metrics_of
from rpx.control.happened import LINES, Happened
from rpx.control.json_answer import Json
from rpx.control.log_windows import LogWindows
from rpx.control.measure import Measure
from rpx.control.metrics import CONTENT_TYPE
from rpx.control.openapi import document
from rpx.control.operations import OTHER_VERSION, Misshapen, Operation, Query
from rpx.control.request_bodies import (
    DownBody,
    DrillBody,
    KillBackendBody,
    NamesBody,
    ReloadBody,
    ScaleBody,
    Stopping,
)
from rpx.control.request_routes import OF_ONE, PassedRequests
from rpx.control.streams import error_json
from rpx.control.surroundings import Surroundings
from rpx.errors import ConfigError, Exit, NotRunning, RpxError, TookTooLong, UsageError
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.journal.timeline import Timeline
from rpx.model.answers import (
    ChangeReport,
    Kill,
    LogLines,
    LogMissed,
    Outcome,
    Ps,
    Wait,
    Why,
)
from rpx.model.drill_run import DrillRun
from rpx.model.figures import Figures
from rpx.model.url_answer import DashboardUrl, UrlWhy
from rpx.orders import pausing, verbs
from rpx.policy.nearness import is_nobodys
from rpx.policy.request_filter import NoFilterWord

# As a dataclass: pydantic takes typing's TypedDict from Python 3.12 on.
_FIGURES: Final[Any] = make_dataclass("Figures", get_type_hints(Figures).items())
_FIGURES.__doc__ = Figures.__doc__
_NAME: Final = Query("name", "A backend or service; all without it.", repeated=True)


class _RequestId(StringConvertor):
    """An X-Request-Id may have slashes, and Starlette unquotes a path before it looks at it."""

    regex = ".*" + "".join(f"(?<!/{part})" for part in OF_ONE)


register_url_convertor("request_id", _RequestId())


def application(
    registry: Registry,
    shutdown: Shutdown,
    measure: Measure,
    happened: Happened,
    around: Surroundings,
) -> Starlette:
    """The API of one running project. It holds no state of its own."""
    handlers = Handlers(registry, shutdown, measure, happened, around)
    table = operations(handlers, around.timeline)

    async def description(_request: Request) -> Response:
        return Json(await trio.to_thread.run_sync(document, table))

    return Starlette(
        routes=[
            *(
                Route(
                    each.path.replace("{id}", "{id:request_id}"),
                    each.answers,
                    methods=[each.method],
                )
                for each in table
            ),
            Route("/v1/openapi.json", description),
            Route("/live", handlers.live),
            Route("/other", handlers.others.link, methods=["POST"]),
        ],
        exception_handlers={RpxError: _refused, HTTPException: _not_here},
    )


def operations(api: Handlers, timeline: Timeline | None = None) -> list[Operation]:
    """All that may be asked, in the order of docs/control-api.md."""
    several: dict[str, verbs.Verb] = {
        "restart": verbs.restart,
        "start": verbs.start,
        "stop": verbs.stop,
        "pause-backend": pausing.pause,
        "resume-backend": pausing.resume,
    }
    return [
        Operation(
            "/v1/ps",
            "A row for each backend, as `rpx ps --json`.",
            api.ps,
            list[Ps],
            query=[Query("routes", "Also a row for each route without backends.", "boolean")],
        ),
        Operation(
            "/v1/why",
            "Why backends are in the states they are in, as `rpx why --json`.",
            api.why,
            list[Why],
            query=[_NAME],
        ),
        Operation(
            "/v1/why-url",
            "What becomes of a request for a URL, as `rpx why URL --json`.",
            api.why_url,
            UrlWhy,
            query=[
                Query("url", "The URL.", required=True),
                Query("method", "The method of the request; GET without it."),
                Query("header", "A field of the request, `Name: value`.", repeated=True),
            ],
        ),
        Operation(
            "/v1/waits",
            "Which backends are starting or stopping.",
            api.waits,
            list[Wait],
            query=[
                _NAME,
                Query("within", "Seconds after which whoever asks has them killed.", "number"),
            ],
        ),
        Operation(
            "/v1/stats",
            "Host → `host:port` → figures, as `rpx stats --json`.",
            api.stats,
            dict[str, dict[str, _FIGURES]],
        ),
        Operation(
            "/v1/logs",
            "Output: what is in memory, and with `follow` what is printed from now on.",
            api.logs,
            lines=[LogLines, LogMissed],
            query=[
                _NAME,
                Query("tail", "So many of the last lines of each.", "integer"),
                Query("since", "Nothing from before, in seconds since the epoch.", "number"),
                Query("follow", "Until the project ends.", "boolean"),
                Query("own", "Also what rpx itself says.", "boolean"),
            ],
        ),
        *LogWindows(api.registry, timeline).operations(),
        Operation(
            "/v1/events",
            "What happens from now on, or since an event that was seen.",
            api.events,
            lines=LINES,
            query=[Query("after", "The `id` of the last event that was seen.")],
        ),
        *PassedRequests(api.registry).operations(),
        Operation("/metrics", "Figures, for Prometheus.", api.metrics, text=CONTENT_TYPE),
        *(
            Operation(
                f"/v1/orders/{verb}",
                f"{verb.partition('-')[0].capitalize()} the backends that are named.",
                partial(api.several, work),
                list[Outcome],
                method="POST",
                body=NamesBody,
            )
            for verb, work in several.items()
        ),
        Operation(
            "/v1/orders/kill-backend",
            "Kill one backend's process, as a crash would.",
            api.kill_backend,
            Kill,
            method="POST",
            body=KillBackendBody,
        ),
        Operation(
            "/v1/reload",
            "Read the file again. NDJSON: the plan first, then what became of it.",
            api.reload,
            ChangeReport,
            lines=[ChangeReport],
            method="POST",
            body=ReloadBody,
        ),
        Operation(
            "/v1/scale",
            "Run other numbers of copies; likewise.",
            api.scale,
            ChangeReport,
            lines=[ChangeReport],
            method="POST",
            body=ScaleBody,
        ),
        Operation(
            "/v1/drills",
            "The last drills that were asked for here, the newest last.",
            api.drills,
            list[DrillRun],
        ),
        Operation(
            "/v1/drills",
            "Start a drill, one at a time; the answer comes once it is under way.",
            api.drill,
            DrillRun,
            method="POST",
            body=DrillBody,
        ),
        Operation(
            "/v1/drills/stop",
            "Stop the drill that runs; its report is about what there was.",
            api.stop_drill,
            DrillRun,
            method="POST",
        ),
        Operation(
            "/v1/dashboard",
            "A URL that lets one browser into the dashboard, within a minute.",
            api.dashboard,
            DashboardUrl,
            method="POST",
        ),
        Operation(
            "/v1/down",
            "End the project, after the answer.",
            api.down,
            Stopping,
            method="POST",
            body=DownBody,
            may_be_empty=True,
        ),
    ]


def scraped_application(registry: Registry) -> Starlette:
    """What Prometheus may ask, also over TCP: figures alone, no orders."""

    async def metrics(request: Request) -> Response:
        host = _PORT.sub("", request.headers.get("host", ""))
        if not (is_nobodys(host) or registry.routes.names(host.lower())):
            # A page of another site whose name leads here (DNS rebinding) could read them.
            return PlainTextResponse(f"Ask for localhost, not for {host}.\n", 421)
        return metrics_of(registry)

    return Starlette(routes=[Route("/metrics", metrics)])


_PORT = re.compile(r":[0-9]*+\Z")
# The first that fits. A UsageError that isn't about the request's form asks for what is not there.
_STATUS: Final = (
    (Misshapen, 422),
    (NoFilterWord, 422),
    (ConfigError, 422),
    (UsageError, 404),
    (TookTooLong, 504),
    (NotRunning, 503),
    (RpxError, 409),
)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RpxError)  # noqa: S101 - starlette's handlers are typed for any
    return Json(
        error_json(error), next(status for kind, status in _STATUS if isinstance(error, kind))
    )


async def _not_here(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - starlette's handlers are typed for any
    what = f"the control API has no {request.method} {request.url.path}"
    hint = OTHER_VERSION
    refusal = {"error": {"what": what, "hint": hint, "exit_code": Exit.FAILED}}
    headers = error.headers
    if error.status_code == 405:  # starlette names the methods of the first route of this path
        routes = (
            each for each in request.app.routes if each.matches(request.scope)[0] != Match.NONE
        )
        methods = {method for each in routes for method in each.methods or ()}
        headers = {"Allow": ", ".join(sorted(methods))}
    return Json(refusal, error.status_code, headers=headers)
