"""Answers of rpx's own: what no backend was asked, and what no backend could answer."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import assert_never

from rpx.http.head import RequestHead
from rpx.http.limits import BadMessage
from rpx.http.own_answers import answer, error_answer
from rpx.http.pages import BackendReport, Page, reason
from rpx.hub.counts import Counts
from rpx.hub.endpoint import Endpoint, Pool
from rpx.hub.registry import Registry
from rpx.hub.request_ring import Record
from rpx.hub.site import Site
from rpx.model.escapes import on_a_terminal
from rpx.model.status import State
from rpx.policy.depend import sentence
from rpx.policy.retry import IDEMPOTENT, Failure
from rpx.policy.routing import Verdict
from rpx.proxy.answer import UNREAD
from rpx.proxy.attempt import LINGER, NEXT, After, Failed
from rpx.proxy.client import NO_REQUEST, Client
from rpx.proxy.grpc_refusal import refuse_grpc, speaks_grpc
from rpx.proxy.machine_pages import show_machine
from rpx.proxy.page_hints import OTHER_PROTOCOL, hint_of, hint_of_broken, hint_of_protocol
from rpx.proxy.peers import is_near
from rpx.proxy.protocol import ask_for_tls, has_answered, wrong_protocol
from rpx.proxy.unknown_place import unknown

_HOW_MANY = "`limits: {requests_per_backend: …}` in rpx.yaml says how many that may be"
_OF_HTTP_2 = (Failure.UNSEEN, Failure.RESET)
_MAYBE_DONE = (Failure.BROKEN_FRESH, Failure.BROKEN_REUSED, Failure.RESET)
LAST_LINES = 10  # of each backend's output on the page


async def without_backend(
    client: Client, request: RequestHead, site: Site | None, found: Verdict
) -> After:
    """Answer what is not for a backend."""
    registry = client.shared.registry
    counts = registry.unrouted if site is None else site.counts
    match found:
        case Verdict.REDIRECT:
            return await _redirected(client, request, counts)
        case Verdict.LAST_HOP:
            return await send_plainly(client, request, 204, counts)
        case Verdict.MISDIRECTED:
            page = _MISDIRECTED
        case Verdict.LOOP:
            page = _LOOP
        case Verdict.UNKNOWN | Verdict.SERVE:  # the latter never is here
            page = unknown(registry, request)
            door, named = client.shared.door, client.named
            if door and named is not None and not registry.routes.knows(request.host):
                if not named or named == request.host:
                    return await show_machine(client, request, door, counts)
                page = _ELSEWHERE
        case _:
            assert_never(found)
    return await send_page(client, request, page, counts)


async def _redirected(client: Client, request: RequestHead, counts: Counts) -> After:
    """Send a client to the same place with TLS, whatever it wants: also a WebSocket."""
    port = client.shared.registry.ports.of(tls=True)
    host = request.host or "localhost"  # HTTP/1.0 may name none, and who takes any takes that
    place = host.encode() + (b"" if port == 443 else b":%d" % port)
    path = b"" if request.target == b"*" else request.target
    return await send_plainly(
        client, request, 308, counts, add=b"Location: https://%b%b\r\n" % (place, path)
    )


async def send_plainly(
    client: Client, request: RequestHead, status: int, counts: Counts | None, *, add: bytes = b""
) -> After:
    """Answer without a page. `counts` None: it is counted elsewhere."""
    keep = keeps(client, request)
    if keep and not request.minor:
        add += b"Connection: keep-alive\r\n"
    date = client.shared.sweeper.date
    if counts is not None:
        counts.answered(status, 0.0)
    head, _ = answer(status, date=date, close=not keep, add=add)
    if client.passage is not None:
        head = client.passage.of_ours(head)
    await client.send_head(head, [])
    return NEXT if keep else LINGER


async def too_many(client: Client, request: RequestHead) -> After:
    """Answer one connection too many."""
    most = client.shared.settings.limits.connections
    page = Page(
        503,
        "Service Unavailable",
        (f"rpx has {most} client connections already, and takes no more.",),
        hint="`limits: {connections: …}` in rpx.yaml says how many it takes",
    )
    unrouted = client.shared.registry.unrouted
    last = replace(request, keep_alive=False)
    return await send_page(client, last, page, unrouted, add=b"Retry-After: 1\r\n")


async def malformed(client: Client, bad: BadMessage) -> After:
    """Refuse what can't be understood. The connection has lost its meaning: it is to be closed."""
    client.counts.answered(bad.status, 0.0)
    kept = client.shared.registry.requests
    if client.record is NO_REQUEST:  # else its body was malformed
        client.record = Record(kept.tags.next(), None, client.peer, client.protocol)
    client.record.rarely().note = bad.reason
    id_ = kept.tags.id_of(client.record.number)
    title = reason(bad.status) or "Bad Request"
    page = Page(bad.status, title, (bad.reason,), request_id=id_)
    date = client.shared.sweeper.date
    head, body = error_answer(page, accept=None, date=date, close=True)
    try:
        await client.send_head(head, [body])
    finally:
        kept.add(client.record)
        client.record = NO_REQUEST
    return LINGER


async def bad_gateway(
    client: Client, request: RequestHead, pool: Pool, backend: Endpoint, bad: BadMessage
) -> After:
    """A backend answered, but not in a way that could be sent on, or not in time."""
    what, hint = f"The answer of {backend.label} can't be sent on: {bad.reason}", ""
    if bad.reason == UNREAD:
        what = f"{backend.label} was asked, and takes nothing of the request."
        hint = "`timeouts: {send: …}` in rpx.yaml says how long it may do so"
    elif bad.status == 504:
        what = f"{backend.label} was asked, and has not answered in time."
        hint = "`timeouts: {answer: …}` in rpx.yaml says how long it may take"
    elif bad.speaks and request.upgrade is not None and backend.spec.address.h2c:
        what = f"{backend.label} speaks HTTP/2 alone, which has no WebSockets here."
    elif bad.speaks:
        wrong_protocol(client.shared, backend, bad.speaks)
        what = f"{backend.label} {backend.last_error}."
        hint = hint_of_protocol(backend)
    elif not has_answered(backend):
        hint = OTHER_PROTOCOL
    reports = _reports(client.shared.registry, pool)
    public = "Its backend has given no answer that can be sent on."
    if bad.status == 504:
        public = "Its backend has not answered in time."
    page = Page(bad.status, reason(bad.status), (what,), reports, (), hint, public=public)
    return await send_page(client, request, page, None)  # it is counted with the backend


async def unavailable(
    client: Client,
    request: RequestHead,
    pool: Pool,
    failed: Failed | None,
    *,
    began: float,
) -> After:
    """Nobody is left who could answer; `failed` is how the last attempt did, if any was made.

    `began`: when the request had come, by `perf_counter`.
    """
    failure = failed and failed.failure
    if failure is Failure.BROKEN_FRESH:
        await ask_for_tls(client.shared, pool.backends)
    status, what, hint = _explained(pool, failed)
    if failed and failed.sent and failure in _MAYBE_DONE:
        method = request.method.decode("ascii")
        if request.method not in IDEMPOTENT:
            what += f" A {method} is not sent twice: it may have been done."
    reports = _reports(client.shared.registry, pool)
    public = "It is not up at the moment."
    coming = request.method == b"GET" and any(backend.returning for backend in pool.backends)
    page = Page(status, reason(status), (what,), reports, (), hint, coming, public)
    later = b"Retry-After: 1\r\n" if status == 503 else b""
    return await send_page(client, request, page, pool.counts, began=began, add=later)


def _explained(pool: Pool, failed: Failed | None) -> tuple[int, str, str]:
    """Return status, sentence and hint."""
    if failed is None:
        return 503, f"No backend of {pool.host} is up.", hint_of(pool)
    failure = failed.failure
    match failure:
        case Failure.STARVED:
            hint = "raise `ulimit -n`, or set `limits: {connections: …}` in rpx.yaml"
            return 503, f"No backend of {pool.host} was asked: {failure.value}.", hint
        case Failure.FULL | Failure.REFUSING:
            hint = "" if failure is Failure.REFUSING else _HOW_MANY
            return 503, f"Every backend of {pool.host} {failure.value}.", hint
        case Failure.TIMEOUT:
            return 504, f"No backend of {pool.host} took the connection in time.", hint_of(pool)
        case Failure.REFUSED | Failure.UNRESOLVED | Failure.UNSECURED | Failure.FOREIGN:
            return 502, f"No backend of {pool.host} answered: {failed.why}.", hint_of(pool)
        case Failure.BROKEN_FRESH | Failure.BROKEN_REUSED | Failure.UNSEEN | Failure.RESET:
            wrong = (b.last_error for b in pool.backends if hint_of_protocol(b))
            what = f"The backend of {pool.host} that was asked {next(wrong, failure.value)}."
            return 502, what, hint_of_broken(pool) if failure not in _OF_HTTP_2 else ""
        case _:
            assert_never(failure)


async def send_page(
    client: Client,
    request: RequestHead,
    page: Page,
    counts: Counts | None,
    *,
    began: float | None = None,
    add: bytes = b"",
) -> After:
    """Answer with a page. `counts`: where; None: elsewhere. `began` as of `unavailable`, if it took
    a time that matters; `add` are lines with their CRLF.

    Raises: OSError, WireCut when the client has gone.
    """
    if counts is not None:
        counts.answered(page.status, perf_counter() - began if began is not None else 0.0)
        counts.errors += page.status >= 500
    registry = client.shared.registry
    if page.public and not is_near(request, client.peer, registry.routes.names):
        page = Page(page.status, page.title, (page.public,))
    page = replace(page, request_id=registry.requests.tags.id_of(client.record.number))
    keep = keeps(client, request)
    if speaks_grpc(request):
        await refuse_grpc(client, page, close=not keep)
        return NEXT if keep else LINGER
    if keep and not request.minor:
        add += b"Connection: keep-alive\r\n"
    head, body = error_answer(
        page,
        accept=request.field(b"accept"),
        date=client.shared.sweeper.date,
        close=not keep,
        head_only=request.method == b"HEAD",
        add=add,
    )
    if client.passage is not None:
        head = client.passage.of_ours(head)
    await client.send_head(head, [body])
    return NEXT if keep else LINGER


def keeps(client: Client, request: RequestHead) -> bool:
    """Whether a client's connection goes on after an answer that nobody else has a part in."""
    # A body that nobody has read would be taken for the next request.
    return request.keep_alive and not request.length and not client.shared.draining


_MISDIRECTED = Page(
    421,
    "Misdirected Request",
    ("This connection was opened for another host, and its certificate doesn't cover this one.",),
    hint="open a connection for each host, or ask without a server name",
)

_ELSEWHERE = Page(
    421,
    "Misdirected Request",
    ("This connection was opened for another project than that of this host.",),
    hint="open a connection for each host",
)

_LOOP = Page(
    508,
    "Loop Detected",
    ("This request has been through rpx five times: a backend sends it back here.",),
    hint="let the backend's own proxy change the Host (its option is often `changeOrigin`)",
)


def _reports(registry: Registry, pool: Pool) -> tuple[BackendReport, ...]:
    return tuple(_report(registry, backend) for backend in pool.backends)


def _report(registry: Registry, backend: Endpoint) -> BackendReport:
    suspect = (
        backend.visible_state is State.READY and not backend.in_rotation
    )  # a request knows it first
    state = (State.UNHEALTHY if suspect else backend.visible_state).value
    if backend.external:
        state += " (external)"
    if backend.obstacles:
        state += f" {sentence(backend.obstacles)}"
    if not backend.weight:
        state += ", weight 0"
    return BackendReport(
        name=backend.label,
        address=str(backend.spec.address),
        state=state,
        since=f"{registry.age(backend.standing):.0f} s",
        # That of one that a user has stopped is how it was stopped.
        last_error="" if backend.visible_state is State.STOPPED else backend.last_error,
        output=tuple(
            on_a_terminal(line.text, colour=False).decode("utf-8", "replace")
            for line in (backend.lines.tail(LAST_LINES) if backend.lines is not None else ())
        ),
    )
