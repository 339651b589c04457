"""A request for a site with routes: which of its ways it takes, and who answers there."""

from __future__ import annotations

from time import perf_counter

from rpx.http.head import RequestHead
from rpx.http.pages import Page
from rpx.http.treatment import Treating
from rpx.hub.site import Site, Way
from rpx.model.route import FixedAnswer, Redirect, StaticFiles
from rpx.policy.path_patterns import PathPattern
from rpx.proxy.attempt import After
from rpx.proxy.client import Client
from rpx.proxy.exchange import Exchange
from rpx.proxy.fixed import redirect, respond
from rpx.proxy.passage import ANY, Course, Passage, prepared
from rpx.proxy.refusals import send_page, send_plainly
from rpx.proxy.static_files import send_file
from rpx.proxy.unknown_place import unknown


async def answer_by_route(client: Client, request: RequestHead, site: Site) -> After:
    """Get a request answered on the way of the first route that takes it, or of all the rest.

    Raises as `answer` does.
    """
    record, shared = client.record, client.shared
    way, pattern = site.rest, ANY
    if site.table is not None and (found := site.table.find(request)) is not None:
        way, pattern = found
        record.route = way.name
    course = shared.courses.of(way, shared.registry)
    if (files := course.files) is not None:  # nothing is done to them on the way
        stem = _stem(course, pattern, site, request)
        return await send_file(client, request, files, request.path, counts=way.counts, stem=stem)
    passage = client.passage = Passage(way, course, pattern, request, client.peer)
    try:
        if course.treating is not None:
            refused = await _refused(client, request, course.treating)
            if refused is not None:
                return refused
        asked = prepared(course, request, client.peer, pattern) if course.changes else request
        if (pool := way.pool) is not None:
            return await Exchange(client, asked, pool).run()
        return await _answered(client, passage, asked, way, site)
    finally:
        client.passage = None
        counts = passage.counts
        if counts is not None and passage.status:
            until = passage.at if client.lasting else perf_counter()
            counts.answered(passage.status, until - record.began)
            counts.errors += passage.status >= 500


async def _refused(client: Client, request: RequestHead, treating: Treating) -> After | None:
    """Answer what nobody else is to see; None: it may go on."""
    if treating.cors is not None and (lines := treating.cors.preflight(request)) is not None:
        return await send_plainly(client, request, 204, None, add=lines)
    if treating.auth is not None and not treating.auth.allow(request):
        return await send_page(client, request, _UNAUTHORIZED, None, add=treating.auth.challenge)
    return None


async def _answered(
    client: Client,
    passage: Passage,
    asked: RequestHead,
    way: Way,
    site: Site,
) -> After:
    """Give an answer of rpx's own. `asked` is the request with the path that the route makes."""
    request, elsewhere = passage.request, passage.course.elsewhere
    match way.answerer:
        case Redirect(status=status) if elsewhere is not None:
            place = elsewhere.filled(request.target, passage.pattern)
            return await redirect(client, request, status, place)
        case FixedAnswer() as fixed:
            return await respond(client, request, fixed)
        case StaticFiles() as files:
            passage.counts = None  # it counts more than that
            if passage.course.prefix and request.path == passage.course.prefix:
                return await send_file(client, request, files, b"", counts=way.counts)
            stem = _stem(passage.course, passage.pattern, site, request)
            return await send_file(client, request, files, asked.path, counts=way.counts, stem=stem)
        case _:
            return await send_page(client, request, unknown(client.shared.registry, request), None)


def _stem(course: Course, pattern: PathPattern, site: Site, request: RequestHead) -> bytes:
    """How the path of a request begins, which names of files need not; b"": they have all of it."""
    if course.changes or not pattern.below:
        return b""
    return course.stems.get(pattern.text) or site.stem(request.host, request.path)


_UNAUTHORIZED = Page(
    401,
    "Unauthorized",
    ("A name and a password are needed here.",),
    hint="curl: `-u NAME:PASSWORD`; they stand under `auth` in rpx.yaml",
    public="A name and a password are needed here.",
)
