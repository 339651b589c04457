"""What the control API says of requests that went through: a list, a stream, one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import make_dataclass
from typing import Any, Final, get_type_hints

import trio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from rpx.control.json_answer import Json
from rpx.control.operations import Operation, Query, body_of, flag, whole_number
from rpx.control.request_bodies import ReplayBody
from rpx.control.streams import Follow, More
from rpx.control.streams import Json as Line
from rpx.hub.registry import Registry
from rpx.model.answers import json_of
from rpx.model.request_answers import AnsweredAgain, RequestRow, RequestsMissed, RequestTold
from rpx.orders import passed
from rpx.orders.request_forms import curl_of, har_of
from rpx.orders.sent_again import replay
from rpx.policy.request_filter import Test, request_filter

MANY: Final = 1_000_000
AT_ONCE: Final = 50  # records that become rows before requests have their turn: about a millisecond
GATHER: Final = 0.05  # seconds between two looks of a stream


_SECRETS: Final = Query("secrets", "Also what is `•••` otherwise.", "boolean")
# Its JSON has the keys of the row and the others side by side.
_TOLD: Final = {**get_type_hints(RequestRow), **get_type_hints(RequestTold)}
TOLD: Final[Any] = make_dataclass("RequestTold", [e for e in _TOLD.items() if e[0] != "row"])
TOLD.__doc__ = RequestTold.__doc__


class PassedRequests:
    """The endpoints, over the one registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def operations(self) -> list[Operation]:
        """What may be asked of them."""
        return [
            Operation(
                "/v1/requests",
                "The last requests, as `rpx requests --json`; with `follow` those that end from now"
                " on, too.",
                self.requests,
                list[RequestRow],
                lines=[RequestRow, RequestsMissed],
                query=[
                    Query("filter", "A filter word, as `status:5xx`.", repeated=True),
                    Query("tail", "At most so many of the last.", "integer"),
                    Query("follow", "Until the project ends.", "boolean"),
                    Query("after", "The `cursor` of the last one that was seen."),
                ],
            ),
            Operation(
                "/v1/requests/{id}",
                "All about one request, as `rpx request ID --json`.",
                self.request,
                TOLD,
                query=[_SECRETS],
            ),
            Operation(
                "/v1/requests/{id}/curl",
                "A command that sends the same, as `rpx request ID --curl`.",
                self.curl,
                text="text/plain",
                query=[_SECRETS],
            ),
            Operation(
                "/v1/requests/{id}/har",
                "It as HAR 1.2, as `rpx request ID --har`.",
                self.har,
                dict[str, Any],
                query=[_SECRETS],
            ),
            Operation(
                "/v1/requests/{id}/replay",
                "Send it again; what is different.",
                self.replay,
                list[AnsweredAgain],
                method="POST",
                body=ReplayBody,
                may_be_empty=True,
            ),
        ]

    async def requests(self, request: Request) -> Response:
        """The last ones that all of `filter` mean, oldest first, at most `tail`; `follow`: and
        those that end from now on, or behind `after`, the cursor of a row.
        """
        asked = request.query_params
        wanted = request_filter(asked.getlist("filter"))
        tail = whole_number(request, "tail", MANY)
        if not flag(request, "follow"):
            found = [row async for row in self._rows(wanted)]
            return Json([json_of(row) for row in found[len(found) - min(tail, len(found)) :]])
        ring = self._registry.requests
        since = passed.position(self._registry, asked["after"]) if "after" in asked else ring.ended
        if "after" not in asked and tail:
            found = [row async for row in self._rows(wanted) if not row.under_way]
            first = found[-tail:]
        else:
            first = []
        return Follow(self._follow(since, wanted), lambda: map(json_of, first))

    async def request(self, request: Request) -> Response:
        """All that is known of one. `secrets`: also what is hidden otherwise."""
        return Json(self._told(request).json())

    async def curl(self, request: Request) -> Response:
        """A command that sends the same."""
        return PlainTextResponse(f"{curl_of(self._told(request))}\n")

    async def har(self, request: Request) -> Response:
        """It as HAR."""
        return Json(har_of(self._told(request)))

    async def replay(self, request: Request) -> Response:
        """Send one again; what came of each time."""
        empty = not await request.body()
        body = ReplayBody() if empty else await body_of(request, ReplayBody)
        id_ = request.path_params["id"]
        found = await replay(self._registry, id_, to=body.to, times=body.times, yes=body.yes)
        return Json([json_of(each) for each in found])

    def _told(self, request: Request) -> RequestTold:
        record = passed.find(self._registry, request.path_params["id"])
        return passed.told(self._registry, record, secrets=flag(request, "secrets"))

    async def _rows(self, wanted: Test) -> AsyncIterator[RequestRow]:
        for place, record in enumerate(self._registry.requests.all()):
            if place % AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
            row = passed.row(self._registry, record)
            if wanted(row):
                yield row

    @contextmanager
    def _follow(self, since: int, wanted: Test) -> Iterator[More]:
        ring, seen = self._registry.requests, since

        async def more() -> list[Line]:
            nonlocal seen
            await ring.wait(seen)
            await trio.sleep(GATHER)
            records, lost = ring.since(seen)
            seen = ring.ended
            rows = []
            for place, record in enumerate(records):
                if place % AT_ONCE == AT_ONCE - 1:
                    await trio.lowlevel.checkpoint()
                rows.append(passed.row(self._registry, record))
            found: list[Line] = [json_of(row) for row in rows if wanted(row)]
            return [json_of(RequestsMissed(lost)), *found] if lost else found

        ring.look(1)
        try:
            yield more
        finally:
            ring.look(-1)
