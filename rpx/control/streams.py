"""Answers without an end: what happens from now on, one JSON object per line (NDJSON)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from typing import Any, Final

import trio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rpx.control.happened import Happened
from rpx.errors import RpxError
from rpx.hub.backlog import Backlog
from rpx.hub.mailbox import ProjectOrder
from rpx.hub.registry import Registry
from rpx.model.answers import LogLines, LogMissed, json_of
from rpx.model.status import Printed
from rpx.orders.whole import reported

Json = Mapping[str, Any]
More = Callable[[], Awaitable[list[Json]]]  # waits for what is next
NDJSON: Final = "application/x-ndjson"
BATCH: Final = 32 * 1024  # bytes of output: coding them takes 0.1 ms


def ndjson(items: Iterable[Json]) -> bytes:
    """One line for each. Lone surrogates, which stand for bytes that aren't UTF-8, are escaped."""
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def error_json(error: RpxError) -> Json:
    """What is wrong, with all that a command needs to say it."""
    problem = error.problems[0]
    what = {
        "what": problem.what,
        "hint": problem.hint,
        "exit_code": error.exit_code,
        "problems": [asdict(each) for each in error.problems],
    }
    return {"error": what}


def printed_json(printed: Printed) -> Json:
    """Lines that came at once; bytes that aren't UTF-8 are lone surrogates (PEP 383)."""
    text = printed.text[:-1].decode("utf-8", "surrogateescape")
    return json_of(LogLines(printed.label, printed.at, text))


@contextmanager
def output(registry: Registry, wanted: Callable[[str], bool]) -> Iterator[More]:
    """What these print from now on."""
    backlog = Backlog()

    async def more() -> list[Json]:
        await backlog.wait()
        printed = [printed_json(one) for one in backlog.take(BATCH) if wanted(one.label)]
        missed = [json_of(LogMissed(n, who)) for who, n in backlog.take_missed() if wanted(who)]
        return missed + printed

    with registry.lines.feed(backlog):
        yield more


@contextmanager
def events(happened: Happened, number: int) -> Iterator[More]:
    """What happens after the event of this number."""
    seen = number

    async def more() -> list[Json]:
        nonlocal seen
        seen, lines = await happened.after(seen)
        return list(lines)

    yield more


class Carried(Response):
    """Sends what a change that is planned does, and what came of it once it is done: two lines."""

    media_type = NDJSON

    def __init__(self, order: ProjectOrder) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._order = order

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        plan = replace(reported(self._order), outcomes=None).json()
        await send({"type": "http.response.body", "body": ndjson([plan]), "more_body": True})
        await self._order.done.wait()
        await send({"type": "http.response.body", "body": ndjson(self._end()), "more_body": False})

    def _end(self) -> Iterator[Json]:
        try:
            report = reported(self._order).json()
        except RpxError as error:
            yield error_json(error)
        else:
            if "outcomes" in report:  # or it was only a look
                yield {"outcomes": report["outcomes"]}


class Follow(Response):
    """Sends what `first` gives, then what `source` does, until the client leaves.

    Not starlette's StreamingResponse: that wants an async generator, and one that is left early
    is finished by the garbage collector. A client that reads slowly holds up nobody: what it
    misses is dropped, and `{"missed": n}` says so.
    """

    media_type = NDJSON

    def __init__(
        self,
        source: AbstractContextManager[More],
        first: Callable[[], Iterable[Json]] = tuple,
    ) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._source = source
        self._first = first

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        with self._source as more:  # before `first`: nothing falls between them
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            first = ndjson(self._first())
            await send(start)
            await send({"type": "http.response.body", "body": first, "more_body": True})
            async with trio.open_nursery() as nursery:
                nursery.start_soon(until_left, receive, nursery.cancel_scope)
                while True:
                    if rows := await more():
                        body = ndjson(rows)
                        await send({"type": "http.response.body", "body": body, "more_body": True})


async def until_left(receive: Receive, stream: trio.CancelScope) -> None:
    """Cancel a stream once its client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.cancel(reason="the client has left")
