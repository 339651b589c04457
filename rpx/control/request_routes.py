"""What the control API says of requests that went through: a list, a stream, one of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import make_dataclass
from typing import Any, Final, get_type_hints

import trio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from rpx.control.json_answer import Json
from rpx.control.operations import Misshapen, Operation, Query, body_of, flag, seconds, whole_number
from rpx.control.request_bodies import ReplayBody
from rpx.control.streams import Follow, More
from rpx.control.streams import Json as Line
from rpx.hub.registry import Registry
from rpx.hub.request_ring import Record
from rpx.model.answers import json_of
from rpx.model.request_answers import (
    AnsweredAgain,
    RequestRow,
    RequestsLeftOut,
    RequestsMissed,
    RequestTold,
)
from rpx.orders import passed
from rpx.orders.request_forms import curl_of, har_of
from rpx.orders.sent_again import replay
from rpx.policy.request_filter import request_filter

MANY: Final = 1_000_000
AT_ONCE: Final = 50  # records that become rows before requests have their turn: about a millisecond
GATHER: Final = 0.05  # seconds between two looks of a stream
PACE: Final = 0.25  # of one that is told how much to send at once
OF_ONE: Final = ("curl", "har", "body", "replay")  # what may stand behind the id of one in a path


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
                lines=[RequestRow, RequestsMissed, RequestsLeftOut],
                query=[
                    Query("filter", "A filter word, as `status:5xx`.", repeated=True),
                    Query("tail", "At most so many of the last.", "integer"),
                    Query("follow", "Until the project ends.", "boolean"),
                    Query("after", "The `cursor` of the last one that was seen."),
                    Query("at", "Those under way at a time, in seconds since the epoch.", "number"),
                    Query("noise", "Also assets and hot reloads; true without it.", "boolean"),
                    Query(
                        "at_once",
                        "With `follow`: four times a second at most so many, the latest.",
                        "integer",
                    ),
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
                "/v1/requests/{id}/body",
                "What was kept of a body, as bytes.",
                self.body,
                text="application/octet-stream",
                query=[Query("of", "`request`, or `answer`, which is meant without it.")],
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
        picked = _Picked(
            self._registry, asked.getlist("filter"), noise=flag(request, "noise", default=True)
        )
        tail = whole_number(request, "tail", MANY)
        if not flag(request, "follow"):
            at = seconds(request, "at", 0.0) if "at" in asked else None
            return Json([json_of(row) for row in await self._last(picked, tail, at)])
        at_once = whole_number(request, "at_once", MANY)
        ring = self._registry.requests
        since = passed.position(self._registry, asked["after"]) if "after" in asked else ring.ended
        first = [] if "after" in asked else await self._last(picked, tail)
        told = [json_of(row) for row in first if not row.under_way] + picked.left_out()
        return Follow(self._follow(since, picked, at_once), lambda: told)

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

    async def body(self, request: Request) -> Response:
        """What was kept of a body. Nobody is to open it as a page: it is other people's.

        Raises: Misshapen: `of` is neither.
        """
        record = passed.find(self._registry, request.path_params["id"])
        of = request.query_params.get("of", "answer")
        if of not in {"request", "answer"}:
            raise Misshapen(f"`of` is neither request nor answer: {of}")
        body, kind = passed.body(record, of)
        headers = {"content-disposition": "attachment", "x-content-type-options": "nosniff"}
        return Response(body, headers=headers, media_type=kind)

    async def _last(self, picked: _Picked, tail: int, at: float | None = None) -> list[RequestRow]:
        """The last rows that are picked, oldest first, at most so many; of those `at` a time."""
        rows: list[RequestRow] = []
        for place, record in enumerate(reversed(self._registry.requests.all())):
            if len(rows) == tail:
                break
            if place % AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
            if at is not None and not passed.under_way(self._registry, record, at):
                continue
            if (row := picked.row(record)) is not None:
                rows.append(row)
        return rows[::-1]

    @contextmanager
    def _follow(self, since: int, picked: _Picked, at_once: int) -> Iterator[More]:
        ring, seen = self._registry.requests, since
        gather = GATHER if at_once == MANY else PACE

        async def more() -> list[Line]:
            nonlocal seen
            await ring.wait(seen)
            await trio.sleep(gather)
            records, missed = ring.since(seen)
            seen = ring.ended
            records, more_than = picked.sifted(records, at_once)
            found: list[Line] = []
            for place, record in enumerate(records):
                if place % AT_ONCE == AT_ONCE - 1:
                    await trio.lowlevel.checkpoint()
                if (row := picked.row(record)) is not None:
                    found.append(json_of(row))
            more_than += max(0, len(found) - at_once)
            missed += more_than
            found = found[len(found) - min(at_once, len(found)) :]
            first = [json_of(RequestsMissed(missed))] if missed else []
            return [*first, *found, *picked.left_out()]

        with ring.looking():
            yield more


class _Picked:
    """Which requests are meant, and how many of them are noise that is left out."""

    def __init__(self, registry: Registry, words: list[str], *, noise: bool) -> None:
        """Raises: NoFilterWord."""
        self._registry = registry
        self._wanted = request_filter(words)
        self._noise = noise
        self._left_out = 0
        self._any = not words

    def sifted(self, records: list[Record], most: int) -> tuple[list[Record], int]:
        """Those that may be meant, and how many too many they were: a row takes twenty times as
        long as a look whether it is noise. Words need rows.
        """
        if not self._any:
            return records, 0
        if not self._noise:
            wanted = [record for record in records if not passed.is_noise(record)]
            self._left_out += len(records) - len(wanted)
            records = wanted
        return records[len(records) - min(most, len(records)) :], max(0, len(records) - most)

    def row(self, record: Record) -> RequestRow | None:
        """One of them, or None."""
        if self._noise or not passed.is_noise(record):
            row = passed.row(self._registry, record)
            return row if self._wanted(row) else None
        if self._any or self._wanted(passed.row(self._registry, record)):
            self._left_out += 1
        return None

    def left_out(self) -> list[Line]:
        """A line with how many were left out since the last time, if any were."""
        count, self._left_out = self._left_out, 0
        return [json_of(RequestsLeftOut(count))] if count else []
