"""Which way a URL takes: what `rpx why URL` says about it, without asking anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import trio

from rpx.http.cookies import take_cookie
from rpx.http.head import RequestHead
from rpx.http.treatment import Treating
from rpx.hub.endpoint import Endpoint, Pool
from rpx.hub.registry import Registry
from rpx.hub.site import Site, Way
from rpx.model.config import ANY
from rpx.model.route import FixedAnswer, Redirect, StaticFiles
from rpx.model.suggest import did_you_mean
from rpx.model.url_answer import MayAnswer, PassedBy, UrlWhy
from rpx.orders.asked_url import AskedUrl, asked_url
from rpx.orders.file_why import look_for_file
from rpx.policy.path_patterns import PathPattern
from rpx.policy.route_reasons import unmet
from rpx.policy.route_table import ANY_PATH
from rpx.policy.route_words import path_change
from rpx.policy.routing import Verdict, verdict
from rpx.policy.templates import PathChange, Template

MOST_HOSTS: Final = 10  # which a hint lists
CLIENT: Final = b"127.0.0.1"  # who asks, for strategies that go by that


@dataclass(frozen=True, slots=True)
class _Asker:
    """A client with a connection of its own. `named`: the host that its TLS began with."""

    named: str | None
    by_tls_port: bool = False

    def has_tls(self, request: RequestHead, /) -> bool:  # noqa: ARG002 - as `verdict` asks
        return self.named is not None

    def may_ask_for(self, host: str, /) -> bool:  # noqa: ARG002 - as `verdict` asks
        return True


async def url_why(
    registry: Registry, url: str, method: str = "GET", headers: Sequence[str] = ()
) -> UrlWhy:
    """Tell what becomes of a request. `headers` are fields as they are sent: `Name: value`.

    Raises: UsageError for what is no URL, and for what no client could send.
    """
    asked = asked_url(url, method, headers)
    request = asked.request
    site = registry.routes.find(request.host, request.path)
    nothing = _nothing(asked)
    if site is None:
        return _unknown(registry, asked, nothing)
    known = replace(
        nothing,
        to=site.to,
        name=_name(site),
        reached=_reached(site, request),
        routes=len(site.ways),
        notes=_notes(registry, site, asked),
    )
    if asked.scheme == "https" and site.https is None:
        plain = _url(registry, site, request)
        return _said(
            known,
            f"{known.name} has no `https`: the connection ends before anything is asked",
            outcome="no answer",
            hint=f"{plain} is without TLS; `https: true` gives it TLS",
        )
    named = request.host if asked.scheme == "https" else None
    match verdict(site, request, _Asker(named)):
        case Verdict.REDIRECT:
            place = _url(registry, site, request)
            text = f"{known.name} has `https`: redirect to {place} (308)"
            return _said(known, text, outcome="https", status=308, location=place)
        case Verdict.LOOP | Verdict.LAST_HOP | Verdict.MISDIRECTED as found:
            return _said(known, f"nobody is asked: {found.value}", outcome="no answer")
        case _:
            return await _by_route(registry, site, request, known)


async def _by_route(registry: Registry, site: Site, request: RequestHead, known: UrlWhy) -> UrlWhy:
    found = site.table.find(request) if site.table is not None else None
    way, pattern = found or (site.rest, ANY_PATH)
    number = site.ways.index(way) + 1 if found is not None else None
    lead = []
    if number is not None:
        lead = [f"route {number} of {known.name}"]
    elif site.ways:
        lead = [f"no route of {known.name} takes it"]
    known = replace(
        known,
        route=number,
        route_name=way.name if number is not None else "",
        passed=_passed(site.ways[: number - 1] if number is not None else site.ways, request),
        does=way.does,
        place=way.place,
    )
    if (refused := _refused(registry, way, request, lead, known)) is not None:
        return refused
    return await _answered(way, request, pattern, lead, known)


def _refused(
    registry: Registry, way: Way, request: RequestHead, lead: list[str], known: UrlWhy
) -> UrlWhy | None:
    """What is answered before anybody is asked; None: it may go on."""
    treating = Treating(way.treatment, realm=way.name, hosts=registry.hosts, project=way.variables)
    if treating.cors is not None and treating.cors.preflight(request) is not None:
        text = ", ".join([*lead, "a CORS preflight: rpx answers it (204)"])
        return _said(known, text, outcome="preflight", status=204)
    if treating.auth is not None and not treating.auth.allow(request):
        text = ", ".join([*lead, "a name and a password are asked for (401)"])
        if request.field(b"authorization") is None:
            return None  # a note says so: who asks wants to know what is behind it
        users = way.treatment.auth.users if way.treatment.auth is not None else ()
        names = ", ".join(name for name, _ in users)
        hint = f"they are those of {names}: give them as `-H 'Authorization: Basic …'`"
        return _said(known, text, outcome="password", status=401, hint=hint)
    return None


async def _answered(
    way: Way,
    request: RequestHead,
    pattern: PathPattern,
    lead: list[str],
    known: UrlWhy,
) -> UrlWhy:
    route, target = way.route, request.target
    if way.treatment.auth is not None and request.field(b"authorization") is None:
        names = ", ".join(name for name, _ in way.treatment.auth.users)
        note = f"a name and a password are asked for first (401): those of {names}"
        known = replace(known, notes=(*known.notes, note))
    changed = path_change(route) if route is not None else ""
    if route is not None and changed:
        target = PathChange(route.strip_prefix, route.rewrite).target(target, pattern)
        lead = [*lead, changed]
    if way.pool is not None:
        return _of_pool(way.pool, way.service, request, lead, replace(known, target=_text(target)))
    match way.answerer:
        case Redirect(to=to, status=status):
            place = _text(Template(to).filled(request.target, pattern))
            text = ", ".join([*lead, f"redirect to {place} ({status})"])
            return _said(known, text, outcome="redirect", status=status, location=place)
        case FixedAnswer(status=status):
            text = ", ".join([*lead, f"answer {status}"])
            return _said(known, text, outcome="answer", status=status)
        case StaticFiles() as files:
            stem = pattern.stem if pattern.below and not changed else b""
            begun = replace(known, sentence="".join(f"{each}, " for each in lead))
            return await _of_files(files, request, target, stem, begun)
        case _:
            text = ", ".join([*lead, "and nobody answers (404)"])
            hint = f"a `from` of {known.name} is for what no route takes"
            return _said(known, text, outcome="unknown path", status=404, hint=hint)


def _of_pool(
    pool: Pool, service: str, request: RequestHead, lead: list[str], known: UrlWhy
) -> UrlWhy:
    preferred = None
    if pool.affinity is not None:
        _, values = take_cookie(request.block, pool.affinity.cookie)
        preferred = pool.affinity.member(values)
    turn = pool.whose_turn(CLIENT, preferred)
    addresses = ", ".join(str(each.spec.address) for each in pool.backends)
    text = ", ".join([*lead, f"{service}: {pool.spec.strategy} over {addresses}"])
    hint = ""
    if not any(each.in_rotation for each in pool.backends):
        hint = f"none is in rotation: `rpx why {service}` says why; requests wait up to"
        hint += f" {pool.spec.hold:g} s for one that is to come back"
    notes = known.notes
    if pool.affinity is not None:
        cookie = pool.affinity.cookie.decode()
        whose = f"that of {preferred.label}" if preferred is not None else "a client keeps it"
        notes = (*notes, f"sticky by the cookie `{cookie}`: {whose}")
    return _said(
        replace(known, notes=notes),
        text,
        outcome="backend",
        service=service,
        strategy=pool.spec.strategy,
        backends=tuple(_may_answer(each, turn) for each in pool.backends),
        hint=hint,
    )


def _may_answer(endpoint: Endpoint, turn: Endpoint | None) -> MayAnswer:
    return MayAnswer(
        label=endpoint.label,
        backend=str(endpoint.spec.address),
        state=endpoint.visible_state.value,
        in_rotation=endpoint.in_rotation,
        weight=endpoint.weight,
        in_flight=endpoint.in_flight,
        next=endpoint is turn,
        last_error=endpoint.standing.last_error if not endpoint.in_rotation else "",
    )


async def _of_files(
    files: StaticFiles, request: RequestHead, target: bytes, stem: bytes, known: UrlWhy
) -> UrlWhy:
    path = target.partition(b"?")[0]
    text = f"{known.sentence}files in {files.folder}: {_text(path)}"
    known = replace(known, target=_text(target))
    if request.method not in (b"GET", b"HEAD"):
        return _said(known, f"{text}: only for GET and HEAD (405)", outcome="files", status=405)
    status, file, hint = await trio.to_thread.run_sync(look_for_file, files, path, stem)
    return _said(known, text, outcome="files", status=status, file=file, hint=hint)


# ---- what isn't there


def _unknown(registry: Registry, asked: AskedUrl, nothing: UrlWhy) -> UrlWhy:
    host, known = asked.request.host, ", ".join(registry.hosts[:MOST_HOSTS])
    if len(registry.hosts) > MOST_HOSTS:
        known += f" and {len(registry.hosts) - MOST_HOSTS} more"
    if registry.routes.knows(host):
        paths = [to for site in registry.sites.values() for to in site.spec.reached]
        here = ", ".join(to for to in paths if to.partition("/")[0] == host)
        text = f"{host} is known, but not this path of it (404)"
        hint = f"there are {here}" if here else ""
        return _said(nothing, text, outcome="unknown path", status=404, hint=hint)
    if host in registry.routes.elsewhere:
        text = f"{host} is a host of another project"
        return _said(nothing, text, outcome="unknown host", hint="`rpx projects` says of which")
    hint = did_you_mean(host, registry.hosts)
    hint += f"the hosts of this project are {known}" if known else "this project has no proxy"
    return _said(
        nothing,
        f"no proxy has the host {host} (404)",
        outcome="unknown host",
        status=404,
        hint=hint,
    )


def _passed(ways: Sequence[Way], request: RequestHead) -> tuple[PassedBy, ...]:
    found = []
    for number, way in enumerate(ways, 1):
        assert way.route is not None  # noqa: S101 - for the type checker: these are the routes'
        found.append(PassedBy(number, way.name, unmet(way.route.conditions, request)))
    return tuple(found)


def _notes(registry: Registry, site: Site, asked: AskedUrl) -> tuple[str, ...]:
    notes = []
    reached = _reached(site, asked.request)
    if reached == ANY:
        notes.append("`*` takes any host that nobody else has")
    elif reached.startswith("*."):
        notes.append(f"the host is one of `{reached}`")
    tls = asked.scheme == "https"
    listening = registry.ports.of(tls=tls)
    if listening and (asked.port or (443 if tls else 80)) != listening:
        host = asked.request.host
        notes.append(f"rpx listens at {asked.scheme}://{host}:{listening}")
    return tuple(notes)


def _reached(site: Site, request: RequestHead) -> str:
    """The host as it stands in `to`."""
    host = request.host
    if host in site.hosts:
        return host
    above = "*." + host.partition(".")[2]
    return above if above in site.hosts else ANY if ANY in site.hosts else host


def _url(registry: Registry, site: Site, request: RequestHead) -> str:
    """Where clients get what is asked for."""
    tls = site.https is not None
    port, usual = registry.ports.of(tls=tls), 443 if tls else 80
    place = "" if port == usual else f":{port}"
    return f"{'https' if tls else 'http'}://{request.host}{place}{_text(request.target)}"


def _name(site: Site) -> str:
    return site.spec.name or site.rest.service or site.to


def _text(word: bytes) -> str:
    return word.decode("utf-8", "surrogateescape")


def _said(known: UrlWhy, text: str, **more: object) -> UrlWhy:
    return replace(known, sentence=f"{known.url}: {text}", **more)  # type: ignore[arg-type]


def _nothing(asked: AskedUrl) -> UrlWhy:
    return UrlWhy(
        url=asked.url,
        method=_text(asked.request.method),
        sentence="",
        outcome="",
        to=None,
        reached="",
        name="",
        route=None,
        routes=0,
        route_name="",
        passed=(),
        does="",
        target=None,
        status=None,
        location=None,
        file=None,
        service="",
        strategy=None,
        backends=(),
        place=None,
        notes=(),
        hint="",
    )
