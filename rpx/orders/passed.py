"""Requests that went through, in words: rows of a list, and all that is known of one."""

from __future__ import annotations

import base64
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from time import perf_counter

from rpx.errors import RpxError, UsageError
from rpx.http.grammar import find_field
from rpx.http.tags import HAS_ID, HAS_TRACE
from rpx.hub.body_copy import BodyCopy
from rpx.hub.process import ProcessRun
from rpx.hub.registry import Registry
from rpx.hub.request_ring import Record
from rpx.model.request_answers import (
    HIDDEN,
    TO_KEEP_BODIES,
    MessageTold,
    RequestRow,
    RequestTold,
    TryTold,
)
from rpx.policy.plan import url_of
from rpx.policy.request_noise import noise

SECRET = frozenset(("authorization", "cookie", "set-cookie", "proxy-authorization"))
INTERIM = frozenset((100, *range(102, 200)))
# No SVG: that is a document, which may have scripts.
PICTURES = frozenset(f"image/{kind}" for kind in ("png", "jpeg", "gif", "webp", "avif", "bmp"))
BEHIND = 0.1  # seconds behind its end: many services print once they have answered


def position(registry: Registry, cursor: str) -> int:
    """How many had ended where a stream is to go on. Raises: RpxError: it is of another run."""
    run, _, ended = cursor.partition(".")
    if run != registry.requests.tags.run or not ended.isascii() or not ended.isdigit():
        raise RpxError(
            f"no request of this run has the cursor {cursor}",
            hint="was the project started anew? Follow without `after`",
        )
    if len(ended) > 15:
        return registry.requests.ended
    return min(int(ended), registry.requests.ended)


def cursor(registry: Registry, ended: int) -> str:
    """Where a stream goes on that has seen so many."""
    return f"{registry.requests.tags.run}.{ended}"


def find(registry: Registry, text: str) -> Record:
    """Return the request of an id: ours, also without what stands for the run; or the latest that
    has brought it as its X-Request-Id, or as its trace. Raises: UsageError.
    """
    ring = registry.requests
    there = ring.all()
    number = ring.tags.number_of(text)
    asked = text.encode("ascii", "replace")
    for record in reversed(there):
        if record.number == number:
            return record
        if asked and record.request and record.request.tags and asked in _brought(record):
            return record
    if not ring.settings.keep:
        raise UsageError("no requests are kept", hint="`requests: false` in rpx.yaml says so")
    made = number is not None and any(record.number > number for record in there)
    what = f"request {text} is no longer kept" if made else f"there is no request {text}"
    hint = (
        f"`rpx requests` shows the last {len(there)}; `requests: {{keep: …}}` is how many are kept"
    )
    raise UsageError(what, hint=hint)


def _brought(record: Record) -> tuple[bytes, ...]:
    request = record.request
    if request is None:
        return ()
    trace = request.field(b"traceparent") if request.tags & HAS_TRACE else None
    told = request.field(b"x-request-id") if request.tags & HAS_ID else None
    return told or b"", (trace or b"").split(b"-")[1] if trace else b""


def told(registry: Registry, record: Record, *, secrets: bool = False) -> RequestTold:
    """Return all that is known of one; `secrets`: also what is hidden otherwise."""
    shown = row(registry, record)
    hidden = frozenset() if secrets else SECRET.union(registry.requests.settings.redact)
    request, answer = record.request, record.answer
    asked = [request.block, request.forwarded] if request is not None else []
    given = [answer.block, b"\r\n" + answer.ours] if answer is not None else []
    lines, missing = _lines(registry, record, shown)
    return RequestTold(
        row=shown,
        request=_message(asked, record.asked, shown.bytes_in, hidden),
        response=_message(given, record.given, shown.bytes_out, hidden),
        tried=tuple(_tries(record, shown)),
        lines=lines,
        lines_missing=missing,
        explained=tuple(_explained(record, shown)),
        url=_url(registry, shown),
    )


def body(record: Record, of: str) -> tuple[bytes, str]:
    """Return what was kept of the body of the `request` or the `answer`, and the media type of a
    picture; of anything else that of bytes.

    Raises: UsageError: nothing was kept.
    """
    asked = of == "request"
    copy = record.asked if asked else record.given
    if copy is None or not copy.kept:
        raise UsageError(
            f"no body of the {of} was kept",
            hint=TO_KEEP_BODIES,
        )
    kind = ""
    if asked and record.request is not None:
        kind = _type(record.request.block)
    elif not asked and record.answer is not None:
        kind = _type(record.answer.block + b"\r\n" + record.answer.ours)
    return copy.data, kind if kind in PICTURES else "application/octet-stream"


def under_way(registry: Registry, record: Record, at: float) -> bool:
    """Whether it was at a time (seconds since the epoch), or had ended just before."""
    until = record.ended or perf_counter()
    end = record.at if record.ended else registry.now()
    return end - (until - record.began) <= at <= end + BEHIND


def is_noise(record: Record) -> bool:
    """Whether it asked for an asset, or for what reloads one."""
    request = record.request
    if request is None:
        return False
    if request.upgrade is not None:
        tool = request.field(b"sec-websocket-protocol") or b""
        if tool.startswith(b"vite-"):
            return True
    return noise(request.target)


def row(registry: Registry, record: Record) -> RequestRow:
    """Return one of the list."""
    request, answer, more = record.request, record.answer, record.more
    under_way = not record.ended
    until = record.ended or perf_counter()
    took = until - record.began
    at = (registry.now() if under_way else record.at) - took
    path, _, query = (request.target if request is not None else b"").partition(b"?")
    tags, own = registry.requests.tags, record.backend is not None
    tries = (len(more.tries) if more else 0) + own
    brought, trace = _brought(record) or (b"", b"")
    carried = more.carried if more else None
    frames = [each.frames.count if each.frames else None for each in carried or ()] or [None, None]
    received, sent = record.received, record.sent
    if carried is not None:
        received, sent = carried[0].bytes, carried[1].bytes
    elif sent < 0:
        sent = max(0, answer.length) if answer is not None else 0
    final = (
        answer if answer is not None and (answer.status >= 200 or answer.status == 101) else None
    )
    return RequestRow(
        id=tags.id_of(record.number),
        time=round(at, 6),
        method=request.method.decode("latin-1") if request is not None else "",
        host=request.host if request is not None else "",
        path=path.decode("latin-1"),
        query=query.decode("latin-1"),
        route=record.route,
        status=final.status if final is not None else None,
        ms=_ms(took),
        held_ms=_ms(sum((hold.seconds for hold in more.holds), 0.0)) if more else 0.0,
        bytes_in=received,
        bytes_out=sent,
        client=record.peer.client.decode("latin-1"),
        protocol=record.protocol or f"HTTP/1.{request.minor if request is not None else 1}",
        backend=str(record.backend.address) if record.backend is not None else None,
        tries=tries,
        label=record.backend.label if record.backend is not None else None,
        pid=record.life.pid if record.life is not None else None,
        generation=record.life.generation if record.life is not None else None,
        connect_ms=_ms(more.connecting) if more else 0.0,
        first_ms=_ms(record.first - record.began) if record.first else None,
        type=_type(final.block + b"\r\n" + final.ours) if final is not None else "",
        request_id=brought.decode("latin-1") or tags.id_of(record.number),
        trace_id=trace.decode("latin-1") or tags.trace_of(record.number),
        upgrade=_upgraded(record),
        frames_in=frames[0],
        frames_out=frames[1],
        note=more.note if more else "",
        under_way=under_way,
        cursor="" if under_way else cursor(registry, record.place),
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _type(block: bytes) -> str:
    found = find_field(block, b"content-type") or b""
    return found.partition(b";")[0].strip().decode("latin-1")


def _upgraded(record: Record) -> str | None:
    answer, request = record.answer, record.request
    if answer is None or answer.status != 101 or request is None or request.upgrade is None:
        return None
    return request.upgrade.decode("latin-1").lower()


def _message(
    blocks: Iterable[bytes], copy: BodyCopy | None, size: int, hidden: frozenset[str]
) -> MessageTold:
    lines = (line for block in blocks for line in block.split(b"\r\n") if line)
    headers = tuple(_field(line, hidden) for line in lines)
    if copy is None:
        return MessageTold(headers, None, None, size, 0)
    body, encoding = _text(copy.data, whole=copy.kept == copy.size)
    return MessageTold(headers, body, encoding, size, copy.kept)


def _field(line: bytes, hidden: frozenset[str]) -> tuple[str, str]:
    name, _, value = line.decode("latin-1").partition(":")
    return name, HIDDEN if name.lower() in hidden else value.strip(" \t")


def _text(body: bytes, *, whole: bool) -> tuple[str, str | None]:
    """The body as JSON can have it. Of a beginning, a character that was cut off is none."""
    try:
        return getincrementaldecoder("utf-8")().decode(body, final=whole), None
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), "base64"


def _tries(record: Record, row: RequestRow) -> Iterator[TryTold]:
    for each in record.more.tries if record.more else ():
        yield _try(
            str(each.backend.address), each.life, each.outcome, each.backend.label, each.after
        )
    if record.backend is not None and row.backend is not None:
        outcome = f"answered {row.status}" if row.status is not None else "gave no answer"
        if row.note:
            outcome = row.note
        elif row.status is None and not row.under_way:
            outcome = "the client left before it had answered"
        until = record.ended or perf_counter()
        yield _try(row.backend, record.life, outcome, record.backend.label, until - record.began)


def _try(backend: str, life: ProcessRun | None, outcome: str, label: str, after: float) -> TryTold:
    pid, generation = (life.pid, life.generation) if life is not None else (None, None)
    return TryTold(backend, pid, outcome, label, generation, _ms(after))


def _lines(registry: Registry, record: Record, row: RequestRow) -> tuple[tuple[str, ...], bool]:
    """What those who were asked have printed meanwhile, by time; and whether there may be more."""
    lives = [each.life for each in record.more.tries] if record.more else []
    labels = {life.label for life in (*lives, record.life) if life is not None}
    until = row.time + row.ms / 1000 + BEHIND
    said, missing = [], False
    for speaker in registry.speakers:
        process = speaker.own
        if process is None or process.label not in labels:
            continue
        chunks = process.lines.chunks()
        missing |= bool(chunks) and process.lines.full and chunks[0].at > row.time
        said += [each for each in chunks if row.time <= each.at <= until]
    text = b"".join(each.text for each in sorted(said, key=lambda each: each.at))
    return tuple(text.decode("utf-8", "replace").splitlines()), missing


def _explained(record: Record, row: RequestRow) -> Iterator[str]:
    """Why it took longer than usual, or had no backend's answer, in sentences."""
    for hold in record.more.holds if record.more else ():
        stood = ", ".join(
            f"{label} was {state}{f' ({why})' if why else ''}"
            for label, state, why in hold.backends
        )
        yield f"It waited {hold.seconds:.2f} s for a backend, because none was up: {stood}."
    failed = [*record.more.tries] if record.more else []
    for place, each in enumerate(failed):
        later = failed[place + 1].backend if place + 1 < len(failed) else record.backend
        then = "and nobody else was left to ask."
        if later is not None:
            same = later.label == each.backend.label
            then = "so it was asked again." if same else f"so {later.label} was asked."
        yield f"{each.backend.label} gave no answer ({each.outcome}), {then}"
    if record.request is None:
        yield f"It was no request that could be understood: {row.note}"
    elif row.note and row.label:
        yield f"The answer of {row.label} was not whole, or could not be sent on: {row.note}."
    elif record.backend is None and row.status is not None:
        yield f"rpx answered it by itself, with {row.status}."
    if row.status is None and not row.under_way:
        yield "The client left before it had an answer."


def _url(registry: Registry, row: RequestRow) -> str:
    site = registry.routes.find(row.host, row.path.encode("latin-1")) if row.host else None
    tls = site is not None and site.https is not None
    query = f"?{row.query}" if row.query else ""
    if not row.host:
        return ""
    path = "" if row.path == "*" else row.path
    return url_of(row.host, registry.ports.of(tls=tls), tls=tls).rstrip("/") + path + query
