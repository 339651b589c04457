"""The tools that only look: `status`, `why`, `logs`, `requests`, `request`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from rpx.agents.bounded import how_many_fit, plain, text_of
from rpx.agents.log_search import LogCursor, Search, searched
from rpx.agents.tool_answers import (
    BackendSeen,
    LogsAnswer,
    MessageSeen,
    RequestAnswer,
    RequestsAnswer,
    RequestSeen,
    StatusAnswer,
    WhyAnswer,
    moment,
)
from rpx.agents.tool_inputs import (
    LogsInput,
    RequestInput,
    RequestsInput,
    StatusInput,
    WhyInput,
)
from rpx.agents.which_project import Where, how_to_start
from rpx.config.duration import parse_duration
from rpx.errors import NotRunning, UsageError
from rpx.journal.files import services
from rpx.model.answers import Ps
from rpx.model.request_answers import MessageTold, RequestRow
from rpx.model.status import State
from rpx.policy.request_filter import request_filter
from rpx.runs.api_client import ApiClient
from rpx.runs.chosen import chosen
from rpx.runs.history import Wanted
from rpx.runs.paths import journal_folder
from rpx.runs.request_client import passed_request, passed_requests

REST = 150  # characters of an answer around its rows
KEEP = (
    "bodies are kept with `requests: {bodies: 64kb}` in rpx.yaml, or while `rpx requests -f` runs"
)
NONE_YET = "no request has come through yet (or `requests: false` keeps none): `send` makes one"
NONE_LIKE_THAT = "no request is like that; without `filter` there are some"
# What comes first, because somebody has to do something about it.
_BAD = (State.FAILED.value, State.BACKOFF.value, State.UNHEALTHY.value)
_WELL = (State.PAUSED.value, State.STOPPED.value, State.READY.value, State.COMPLETED.value)


def status(asked: StatusInput, where: Where) -> StatusAnswer:
    """Every backend with its state, what is wrong first."""
    lease = where.running(asked.project)
    rows = chosen(ApiClient(lease).ps(routes=True), asked.names)
    now = time.time()
    rows = sorted(rows, key=_gravity)
    begin = _offset(asked.cursor)
    seen = [_backend(row, now) for row in rows[begin:]]
    counts = Counter(row.state for row in rows if row.does is None)
    advice, totals = _advice(rows), dict(counts.most_common())
    around = f"{lease.name}{lease.config}{advice}{totals}"
    fit = how_many_fit(seen, asked.max_chars - REST - len(around))
    end = begin + fit
    return StatusAnswer(
        project=lease.name,
        file=str(lease.config),
        counts=totals,
        backends=tuple(seen[:fit]),
        next=advice,
        cursor=str(end) if end < len(rows) else "",
    )


def _gravity(row: Ps) -> int:
    if row.state in _BAD:
        return _BAD.index(row.state)
    return len(_BAD) + (_WELL.index(row.state) + 1 if row.state in _WELL else 0)


def _advice(rows: Sequence[Ps]) -> str:
    bad = [row.label or row.name for row in rows if row.state in _BAD]
    if bad:
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        return f"`why` {bad[0]}{more}"
    on_the_way = [row.label for row in rows if _gravity(row) == len(_BAD)]
    return f"`wait`: {on_the_way[0]} is on the way" if on_the_way else ""


def _backend(row: Ps, now: float) -> BackendSeen:
    return BackendSeen(
        label=row.label or row.name,
        state=row.state,
        for_seconds=round(max(now - row.since, 0.0), 1),
        url=row.url or "",
        error=row.last_error if row.state != State.READY.value else "",
        waiting_for=tuple(each.name for each in row.waiting_for),
        restarts=row.restarts,
        out_of_rotation=bool(row.backend) and not row.in_rotation,
        pid=row.pid,
        ports=tuple(each.port for each in row.ports),
        in_flight=row.in_flight,
        external=row.external,
        does=row.does or "",
    )


def why(asked: WhyInput, where: Where) -> WhyAnswer:
    """Why backends are as they are; or where a URL leads."""
    client = where.client(asked.project)
    if asked.url:
        return WhyAnswer(url=client.why_url(asked.url, asked.method.upper(), []))
    found = client.why(asked.names)
    if not asked.names:
        found = [each for each in found if each.state not in _WELL]
        if not found:
            return WhyAnswer(next="all is well: `names` explains one that is")
    begin = _offset(asked.cursor)
    fit = how_many_fit(found[begin:], asked.max_chars - REST)
    end = begin + fit
    return WhyAnswer(tuple(found[begin:end]), cursor=str(end) if end < len(found) else "")


def logs(asked: LogsInput, where: Where) -> LogsAnswer:
    """What was printed; also of the last run of a project that does not run. Raises: NotRunning."""
    config, lease = where.find(asked.project)
    folder = journal_folder(config)
    if lease is None and not services(folder):
        raise NotRunning(
            f"it is not running, and there are no logs of an earlier run ({config})",
            hint=how_to_start(config),
        )
    after = LogCursor.of(asked.cursor) if asked.cursor else LogCursor.found_in(asked.since)
    since = _since(asked.since) if asked.since and after is None else None
    search = Search(Wanted(asked.names, None), asked.search, asked.level, since, after)
    client = None if lease is None else ApiClient(lease)
    advice = f"these are of the last run; {how_to_start(config)}" if lease is None else ""
    found = searched(client, folder, search, asked.max_chars - REST - len(advice))
    return LogsAnswer(
        tuple(found.lines),
        str(found.cursor),
        more=found.left and search.forwards,
        older=found.left and not search.forwards,
        next=advice,
    )


def _since(text: str) -> float:
    try:
        return time.time() - parse_duration(text, 1.0)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise UsageError(
            f"`since` is neither a duration nor a time: {text}",
            hint="for example 30s, 10m, or 2026-11-25T20:30",
        ) from None


def requests(asked: RequestsInput, where: Where) -> RequestsAnswer:
    """The last requests, or those that have ended behind a cursor."""
    wanted = request_filter(asked.filter.split())
    every = passed_requests(where.client(asked.project), ())
    rows = [row for row in every if wanted(row)]
    latest = max((row.cursor for row in every if row.cursor), key=_ended, default=asked.cursor)
    room = asked.max_chars - REST
    if asked.cursor:
        begin = _ended(asked.cursor) if _run(asked.cursor) == _run(latest) else 0
        ended = sorted((r for r in rows if r.cursor), key=lambda row: _ended(row.cursor))
        behind = [row for row in ended if _ended(row.cursor) > begin]
        seen = tuple(map(_request, behind))
        fit = how_many_fit(seen, room)
        cursor = behind[fit - 1].cursor if fit < len(seen) else latest
        return RequestsAnswer(seen[:fit], cursor, more=fit < len(seen))
    newest = tuple(map(_request, reversed(rows)))
    fit = how_many_fit(newest, room)
    advice = "" if rows else NONE_LIKE_THAT if every else NONE_YET
    return RequestsAnswer(newest[:fit][::-1], latest, older=fit < len(newest), next=advice)


def _run(cursor: str) -> str:
    return cursor.partition(".")[0]


def _ended(cursor: str) -> int:
    number = cursor.partition(".")[2]
    if not number.isascii() or not number.isdigit() or len(number) > 15:
        raise UsageError(
            f"`{cursor}` is no cursor of `requests`", hint="leave it out: the last ones come then"
        )
    return int(number)


def _request(row: RequestRow) -> RequestSeen:
    return RequestSeen(
        id=row.id,
        at=moment(row.time),
        method=row.method,
        url=f"{row.host}{row.path}{'?' * bool(row.query)}{row.query}"[:500],
        status=row.status,
        ms=row.ms,
        backend=row.label or row.backend or "rpx",
        held_ms=row.held_ms,
        tries=max(row.tries, 1),
        note=row.note,
        under_way=row.under_way,
    )


def request(asked: RequestInput, where: Where) -> RequestAnswer:
    """All about one request."""
    begin = _offset(asked.cursor)
    told = passed_request(where.client(asked.project), asked.id)
    room = asked.max_chars
    answered = told.response
    if begin and answered.body is not None and answered.encoding is None:
        rest, size = answered.body[begin:], max(answered.size - begin, 0)
        answered = replace(answered, body=rest, size=size)
    response = message_seen(answered, room // 4)
    end = begin + len(response.body)
    goes_on = response.body and end < len(told.response.body or "")
    return RequestAnswer(
        row=told.row,
        explained=told.explained,
        tried=told.tried,
        lines=last_lines(told.lines, room // 4),
        request=message_seen(told.request, room // 4),
        response=response,
        lines_missing=told.lines_missing,
        cursor=str(end) if goes_on else "",
    )


def last_lines(lines: Sequence[str], room: int) -> tuple[str, ...]:
    """The last of these that have room."""
    return tuple(lines[len(lines) - how_many_fit(lines[::-1], room) :]) if lines else ()


def message_seen(told: MessageTold, room: int) -> MessageSeen:
    """A head and what is known of its body, which is shown if it is text."""
    if not told.size and not told.kept:
        return MessageSeen(told.headers)
    if told.body is None:
        return MessageSeen(told.headers, told.size, not_shown=f"not kept: {KEEP}")
    if told.encoding is not None:
        return MessageSeen(told.headers, told.size, not_shown="binary")
    return MessageSeen(told.headers, told.size, *text_shown(told.body, told.size, room))


def text_shown(body: str, size: int, room: int) -> tuple[str, str]:
    """As much of the text of a body of `size` bytes as has room, and what to say of the rest."""
    shown = body[:room]
    while len(text_of(plain(shown))) > room + 2:  # line ends and quotes take two characters
        shown = shown[: len(shown) * 3 // 4]
    left = size - len(shown.encode("utf-8", "surrogateescape"))
    return shown, f"{left} more bytes" if left > 0 else ""


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 9:
        raise UsageError(f"`{cursor}` is no cursor of this tool", hint="leave it out")
    return int(cursor)
