"""Routes as the rest of rpx sees them: what a request must be, what is done to it, who answers.

Frozen and complete like `rpx.model.config`, of which these are a part.
"""

from __future__ import annotations

from pathlib import Path

from rpx.model.base import Model


class Conditions(Model):
    """What a request must be for a route. Each that says something must hold.

    `paths` are patterns as they were written, of which one must match (none: any path). `methods`
    are in upper case. `headers` and `query` have names and values; the value "*" is any. Names of
    headers are in lower case.
    """

    paths: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()


class FieldRules(Model):
    """Which fields of a head are replaced, added, removed, in this order: removed, set, added.

    Values may name variables (`$host`). A name to `remove` is in lower case; with `*` at its end it
    is the beginning of names.
    """

    set: tuple[tuple[str, str], ...] = ()
    add: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()


class HeaderRules(Model):
    """What becomes of the fields of requests, and of answers."""

    request: FieldRules = FieldRules()
    response: FieldRules = FieldRules()


class Cors(Model):
    """Which pages of other origins may read answers (Fetch, CORS protocol).

    `origins` None: every host of the project, and localhost with any port; "*" among them: all.
    `methods` and `headers` None: whatever a preflight asks for. `max_age` is seconds.
    """

    origins: tuple[str, ...] | None = None
    methods: tuple[str, ...] | None = None
    headers: tuple[str, ...] | None = None
    credentials: bool = False
    max_age: float | None = None


class BasicAuth(Model):
    """Who may ask (RFC 7617): names and passwords."""

    users: tuple[tuple[str, str], ...]


class Treatment(Model):
    """What is done to requests and answers on the way. `headers` are applied in their order."""

    headers: tuple[HeaderRules, ...] = ()
    cors: Cors | None = None
    auth: BasicAuth | None = None


class ToPool(Model):
    """Backends answer: those of the pool that is known by this `to`."""

    pool: str


class StaticFiles(Model):
    """Files below a folder answer. `max_age` is seconds; None: browsers ask again each time.

    `spa`: a path that isn't there, and looks like no file, gets the index. `listing`: a folder
    without an index is listed.
    """

    folder: Path
    index: str = "index.html"
    spa: bool = False
    max_age: float | None = None
    listing: bool = False


class Redirect(Model):
    """Clients are sent elsewhere. `to` is a path or a URL, in which `$1`, `$name` stand for parts
    of the path.
    """

    to: str
    status: int = 302


class FixedAnswer(Model):
    """One answer for all; the Content-Type is among its `headers`."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


Answerer = ToPool | StaticFiles | Redirect | FixedAnswer


class Route(Model):
    """What matches, what is done to the request and the answer, who answers.

    `name` is unique in its project: statistics have it. The path of a request is changed by at most
    one of `strip_prefix` (`/api`) and `rewrite` (`/v2/$1`); "" is neither. `where` is the
    `file:line:column` that it is written at, for messages.
    """

    name: str
    conditions: Conditions
    answerer: Answerer
    strip_prefix: str = ""
    rewrite: str = ""
    treatment: Treatment = Treatment()
    where: str = ""
