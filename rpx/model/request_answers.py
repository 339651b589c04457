"""What is told of requests that went through: the shapes of `rpx requests` and `rpx request`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rpx.model.answers import json_of, read

HIDDEN = "•••"  # what stands in the place of a secret
TO_KEEP_BODIES = (
    "bodies are kept while `rpx requests -f` or the dashboard is open, or with `requests: {bodies:"
    " 64kb}`"
)
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))  # RFC 9110 §9.2.1


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request, as `rpx requests` shows it: first the keys that scripts rely on, then the rest.

    `time` is when it came, in seconds since the epoch. All of `…ms` are milliseconds: `ms` from its
    head to the end of its answer, `held_ms` of that for want of a backend, `connect_ms` to connect
    to one, `first_ms` until the answer's head was there (None: there was none). `bytes_…` are of
    bodies, and of what a tunnel carried. `query` is without its `?`. `method` and `path` are empty
    of what was no request. `status` None: the client has got no answer. `backend` None: rpx has
    answered itself, or nobody. `tries`: how many backends were asked.

    `request_id` and `trace_id` are those that the backend was told. `note`: what went wrong, as the
    end of a sentence. `under_way`: it goes on, and ends when a side leaves. `frames_…` are those of
    a WebSocket, None of anything else. `cursor`: where a stream goes on behind it, "" of what is
    under way.
    """

    id: str
    time: float
    method: str
    host: str
    path: str
    query: str
    route: str | None
    status: int | None
    ms: float
    held_ms: float
    bytes_in: int
    bytes_out: int
    client: str
    protocol: str
    backend: str | None
    tries: int
    label: str | None
    pid: int | None
    generation: int | None
    connect_ms: float
    first_ms: float | None
    type: str
    request_id: str
    trace_id: str
    upgrade: str | None
    frames_in: int | None
    frames_out: int | None
    note: str
    under_way: bool
    cursor: str

    @property
    def retried(self) -> bool:
        """More than one backend was asked, or one of them twice."""
        return self.tries > 1


@dataclass(frozen=True, slots=True)
class MessageTold:
    """A request or an answer: its field lines in their order, and what was kept of its body.

    `body` None: nothing was kept. `encoding` "base64": of bytes that are no text. `kept`: how many
    of its `size` bytes `body` has.
    """

    headers: tuple[tuple[str, str], ...]
    body: str | None
    encoding: str | None
    size: int
    kept: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> MessageTold:
        """The JSON as a value."""
        headers = tuple((name, value) for name, value in row.get("headers") or ())
        return read(cls, row, headers=headers)


@dataclass(frozen=True, slots=True)
class TryTold:
    """A backend that was asked: which run of its process, what came of it, after how long."""

    backend: str
    pid: int | None
    outcome: str
    label: str
    generation: int | None
    ms: float


@dataclass(frozen=True, slots=True)
class RequestTold:
    """All that is known of one request. `explained`: sentences about what was not as usual.

    `lines` are those that the processes of the backends that were asked have printed meanwhile;
    `lines_missing`: they may have printed more, which is no longer in memory. `url`: where it
    would be asked for again.
    """

    row: RequestRow
    request: MessageTold
    response: MessageTold
    tried: tuple[TryTold, ...]
    lines: tuple[str, ...]
    lines_missing: bool
    explained: tuple[str, ...]
    url: str

    def json(self) -> dict[str, Any]:
        """As `rpx request ID --json` prints it: the keys of its row, then the others."""
        return json_of(self.row) | {
            "request": json_of(self.request),
            "response": json_of(self.response),
            "tried": [json_of(each) for each in self.tried],
            "lines": list(self.lines),
            "lines_missing": self.lines_missing,
            "explained": list(self.explained),
            "url": self.url,
        }

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> RequestTold:
        """The JSON as a value."""
        return cls(
            row=read(RequestRow, row),
            request=MessageTold.of(row["request"]),
            response=MessageTold.of(row["response"]),
            tried=tuple(read(TryTold, each) for each in row.get("tried") or ()),
            lines=tuple(row.get("lines") or ()),
            lines_missing=bool(row.get("lines_missing")),
            explained=tuple(row.get("explained") or ()),
            url=row.get("url") or "",
        )


@dataclass(frozen=True, slots=True)
class RequestsMissed:
    """So many requests have left the memory before a stream came to them, or came too fast for one
    that takes only some at once.
    """

    missed: int


@dataclass(frozen=True, slots=True)
class RequestsLeftOut:
    """So many assets and hot reloads would have come, and aren't wanted."""

    left_out: int


@dataclass(frozen=True, slots=True)
class AnsweredAgain:
    """What came of a request that was sent again. `ms` is the time until the end of its answer,
    `bytes` the size of its body. `differs`: what is other than it was, in words; `body`: of texts
    the lines that are, as `diff -u` has them.
    """

    status: int
    ms: float
    bytes: int
    differs: tuple[str, ...]
    body: tuple[str, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> AnsweredAgain:
        """The JSON as a value."""
        lists = {name: tuple(row.get(name) or ()) for name in ("differs", "body")}
        return read(cls, row, **lists)
