"""A request on the way of a route: what it is to its backend, and what its answer is to its client.

What a route says is compiled once (`Course`), and again only for another configuration.
"""

from __future__ import annotations

import os
from binascii import hexlify
from collections.abc import Iterable
from time import perf_counter
from typing import Final

from rpx.http.answer_head import AnswerHead
from rpx.http.forwarded import Forwarding, host_of, scheme_of
from rpx.http.given_back import NO_SWAP, Swap, names_places, places
from rpx.http.head import RequestHead
from rpx.http.response import ResponseHead
from rpx.http.rewrite import below_prefix
from rpx.http.treatment import Treating
from rpx.http.variables import RequestVariables
from rpx.hub.counts import Counts
from rpx.hub.registry import Registry
from rpx.hub.site import Way
from rpx.model.route import Redirect, StaticFiles
from rpx.model.specs import EndpointSpec
from rpx.policy.path_patterns import PathPattern, read_pattern
from rpx.policy.sites import NOTHING
from rpx.policy.templates import PathChange, Template


class Course:
    """What is done with the requests of one way, compiled. `treating`: None for nothing.

    `elsewhere` is where a redirect leads. `files` are sent as they are, and asked for as the client
    has it. `stems` are, by pattern, beginnings that a file's path need not have below its folder.
    """

    __slots__ = (
        "_cut",
        "_swaps",
        "change",
        "changes",
        "elsewhere",
        "files",
        "prefix",
        "stems",
        "treating",
    )

    def __init__(self, way: Way, hosts: Iterable[str]) -> None:
        """`hosts` are those of the project."""
        route, answerer = way.route, way.answerer
        self.treating: Treating | None = None
        if way.treatment != NOTHING:
            self.treating = Treating(
                way.treatment, realm=way.realm, hosts=hosts, project=way.variables
            )
        strip, rewrite = (route.strip_prefix, route.rewrite) if route is not None else ("", "")
        self.change = PathChange(strip, rewrite)
        self.changes = bool(self.change)
        self.prefix = strip.rstrip("/").encode()
        self._cut = Swap(b"", self.prefix)
        self.elsewhere = Template(answerer.to) if isinstance(answerer, Redirect) else None
        self._swaps: dict[str, Swap] = {}
        self.stems: dict[str, bytes] = {}
        self.files: StaticFiles | None = None
        sends_files = isinstance(answerer, StaticFiles)
        if isinstance(answerer, StaticFiles) and self.treating is None and not self.changes:
            self.files = answerer
        for text in route.conditions.paths if route is not None else ():
            pattern = read_pattern(text)
            if rewrite and (swap := _swap(pattern, rewrite)):
                self._swaps[text] = swap
            if sends_files and pattern.below and not self.changes:
                self.stems[text] = pattern.stem

    def swap(self, path: bytes, pattern: PathPattern) -> Swap:
        """How paths of a backend differ from those of clients, for a request of this path."""
        if self.prefix:
            return self._cut if self.change.target(path, pattern) is not path else NO_SWAP
        return self._swaps.get(pattern.text, NO_SWAP)


class Courses:
    """All of a project; they are made when they are needed, anew for another configuration."""

    __slots__ = ("_by_way", "_sites")

    def __init__(self) -> None:
        self._sites: object = None
        self._by_way: dict[Way, Course] = {}

    def of(self, way: Way, registry: Registry) -> Course:
        """Return that of a way of one of its sites."""
        if registry.sites is not self._sites:
            self._sites, self._by_way = registry.sites, {}
        course = self._by_way.get(way)
        if course is None:
            course = self._by_way[way] = Course(way, registry.hosts)
        return course


class Passage:
    """One request, as the client has sent it, on its way.

    `pattern` means its path. `status` and `at` (by `perf_counter`) are of the head that answers it,
    0 until there is one.
    """

    __slots__ = ("_treated", "at", "counts", "course", "pattern", "peer", "request", "status")

    def __init__(
        self, way: Way, course: Course, pattern: PathPattern, request: RequestHead, peer: Forwarding
    ) -> None:
        self.counts: Counts | None = way.counts  # where it is counted; None: elsewhere
        self.request = request
        self.peer = peer
        self.course = course
        self.pattern = pattern
        self._treated: tuple[Treating, RequestVariables] | None = None
        if course.treating is not None:
            self._treated = course.treating, RequestVariables(request, peer, _new_id)
        self.status = 0
        self.at = 0.0

    def to_backend(self, head: bytes) -> bytes:
        """Return a whole head as it is to be sent to a backend."""
        if self._treated is None:
            return head
        treating, variables = self._treated
        return treating.to_backend(head, variables)

    def of_backend(self, response: ResponseHead, backend: EndpointSpec) -> ResponseHead:
        """Return an answer of a backend for the client."""
        self.status, self.at = response.status, perf_counter()
        course, request = self.course, self.request
        if (course.changes or backend.change_origin) and names_places(response.block):
            swap = course.swap(request.path, self.pattern) if course.changes else NO_SWAP
            if backend.change_origin or swap is not NO_SWAP:
                response = at_home(response, request, self.peer, backend, swap)
        if self._treated is not None:
            treating, variables = self._treated
            response = treating.of_backend(response, request, variables)
        return response

    def of_ours(self, head: AnswerHead) -> AnswerHead:
        """Return an answer of rpx's own for the client."""
        self.status, self.at = head.status, perf_counter()
        if self._treated is None:
            return head
        treating, variables = self._treated
        return treating.of_ours(head, self.request, variables)


def at_home(
    response: ResponseHead,
    request: RequestHead,
    peer: Forwarding,
    backend: EndpointSpec,
    swap: Swap = NO_SWAP,
) -> ResponseHead:
    """Return an answer of a backend, with the places that it names as the client knows them."""
    if not names_places(response.block):
        return response
    host = host_of(request, peer)
    ours = b"%b://%b" % (scheme_of(request, peer), host) if host else b""
    theirs: tuple[bytes, ...] = (backend.change_origin,)
    if not backend.change_origin:  # it has been told what rpx itself has been asked for
        theirs = backend.address.origin.encode(), b"%b://%b" % (peer.proto, request.authority)
    block = places(ours, theirs, swap).given_back(response.block)
    return response if block is response.block else response.altered(block)


def prepared(
    course: Course, request: RequestHead, peer: Forwarding, pattern: PathPattern
) -> RequestHead:
    """Return the request as it is for whoever answers: with the path that the route makes of it."""
    before = request.target
    target = course.change.target(before, pattern)
    if target is before:
        return request
    if course.prefix:
        return below_prefix(request, peer, target, course.prefix)
    return request.altered(target, request.block)


def _swap(pattern: PathPattern, rewrite: str) -> Swap | None:
    """What a rewrite does, if it only takes one beginning of a path for another."""
    before, group, after = rewrite.partition("$1")
    if not pattern.below or not group or after or "$" in before or "?" in before:
        return None
    if pattern.expression is not None or not before.endswith("/"):
        return None
    return Swap(before.rstrip("/").encode(), pattern.stem)


def _new_id() -> bytes:
    return hexlify(os.urandom(16))


ANY: Final = read_pattern("/*")  # what the rest of a site takes
