"""Answers without an end: what happens from now on, one JSON object per line (NDJSON)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any, Final, Generic, TypeVar, assert_never

import trio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rpx.hub.bus import Bus, Subscription
from rpx.model.status import Event, Line, Note, RotationChanged, Routed, StateChanged

T = TypeVar("T")
Json = Mapping[str, Any]
NDJSON: Final = "application/x-ndjson"
DEPTH: Final = 2000  # lines: what a backend prints while its reader is busy with a screenful


def ndjson(items: Iterable[Json]) -> bytes:
    """One line for each. Lone surrogates, which stand for bytes that aren't UTF-8, are escaped."""
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def line_json(line: Line) -> Json:
    """A line of output; bytes that aren't UTF-8 are lone surrogates (PEP 383)."""
    text = line.text.decode("utf-8", "surrogateescape")
    return {"label": line.label, "at": line.at, "text": text}


def event_json(event: Event) -> Json:
    """A change of state or of rotation, something rpx says, or a request and who answered it."""
    match event:
        case StateChanged():
            fields = {"before": event.before.value, "after": event.after.value}
            return {"type": "state", **asdict(event), **fields}
        case RotationChanged():
            return {"type": "rotation", **asdict(event)}
        case Note():
            return {"type": "note", **asdict(event)}
        case Routed():
            return {"type": "request", **asdict(event)}
        case _:
            assert_never(event)


class Follow(Response, Generic[T]):
    """Sends what `first` gives, then what the bus carries, until the client leaves.

    Not starlette's StreamingResponse: that wants an async generator, and one that is left early
    is finished by the garbage collector. A client that reads slowly holds up nobody: what it
    misses is dropped, and `{"missed": n}` says so.
    """

    media_type = NDJSON

    def __init__(
        self,
        bus: Bus[T],
        show: Callable[[T], Json | None],
        first: Callable[[], Iterable[Json]] = tuple,
    ) -> None:
        """`show` gives None for what this client doesn't want to see."""
        super().__init__()
        del self.headers["content-length"]
        self._subscribe: AbstractContextManager[Subscription[T]] = bus.subscribe(DEPTH)
        self._show = show
        self._first = first

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        with self._subscribe as news:  # before `first`: nothing falls between them
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            first = ndjson(self._first())
            await send(start)
            await send({"type": "http.response.body", "body": first, "more_body": True})
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_until_left, receive, nursery.cancel_scope)
                async for item in news:
                    body = self._batch([item, *news.take()], news.take_missed())
                    if body:
                        chunk = {"type": "http.response.body", "body": body, "more_body": True}
                        await send(chunk)

    def _batch(self, items: list[T], missed: int) -> bytes:
        rows = [shown for item in items if (shown := self._show(item)) is not None]
        return ndjson([{"missed": missed}, *rows] if missed else rows)


async def _until_left(receive: Receive, stream: trio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.cancel(reason="the client has left")
