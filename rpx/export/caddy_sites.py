"""A Caddyfile that leads requests as rpx does: hosts, paths, routes, what is done on the way."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from rpx.export.caddy_answers import Answers, Mounts
from rpx.export.caddy_words import (
    Matchers,
    block,
    condition_lines,
    filled_template,
    indented,
    seconds,
    value_with,
    word,
)
from rpx.export.project_parts import Parts
from rpx.export.said import Remarked
from rpx.model.config import ANY, Config, Https
from rpx.model.own_settings import Limits, Timeouts
from rpx.model.route import (
    BasicAuth,
    Conditions,
    Cors,
    FieldRules,
    FixedAnswer,
    Redirect,
    Route,
    StaticFiles,
    ToPool,
    Treatment,
)
from rpx.policy.path_patterns import read_pattern
from rpx.policy.sites import SiteSpec, plan_sites

_SHORT: Final = 3  # lines that may be said again and again
_HERE: Final = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class _PathOfHost:
    """What is at one path of a host; "" is all of it."""

    path: str
    site: SiteSpec


class Caddyfile:
    """The text of one; `mounts` says afterwards what it needs of this machine."""

    def __init__(
        self, parts: Parts, told: Mapping[str, str], aliases: Mapping[str, str], said: Remarked
    ) -> None:
        """`aliases` are further names by which services reach proxies, by the `to` of these."""
        self.mounts = Mounts()
        self._parts = parts
        self._told = told
        self._aliases = aliases
        self._said = said
        self._answers = Answers(parts, self.mounts, said)
        self._sites = plan_sites(parts.config.proxies, {})
        self._matchers = Matchers()
        self._snippets: dict[tuple[str, ...], str] = {}  # by their lines

    def text(self) -> str:
        """The whole file."""
        sections = [lines] if (lines := _global_options(self._parts.config)) else []
        sites = [self._site(hosts, places) for hosts, places in self._by_host()]
        sections += [block(f"({name})", lines) for lines, name in self._snippets.items()]
        sections += sites
        return "\n\n".join("\n".join(section) for section in sections) + "\n"

    def _by_host(self) -> Iterator[tuple[list[str], list[_PathOfHost]]]:
        """Hosts that lead to the same, with what is where: longest paths first."""
        found: dict[str, list[_PathOfHost]] = {}
        for site in self._sites.values():
            for to in site.reached:
                host, slash, path = to.partition("/")
                found.setdefault(host, []).append(_PathOfHost(f"{slash}{path}".rstrip("/"), site))
        together: dict[tuple[tuple[str, str], ...], list[str]] = {}
        for host, places in found.items():
            places.sort(key=lambda place: -len(place.path))
            key = tuple((place.path, place.site.name) for place in places)
            together.setdefault(key, []).append(host)
        for hosts in together.values():
            yield hosts, found[hosts[0]]

    def _site(self, hosts: list[str], places: list[_PathOfHost]) -> list[str]:
        self._matchers = Matchers()
        https = next((place.site.https for place in places if place.site.https), None)
        addresses = [each for host in hosts for each in _addresses(host, https, self._parts.config)]
        aliases = [
            f"http://{self._aliases[place.site.reached[0]]}"
            for place in places
            if place.site.reached[0] in self._aliases
        ]
        lines = list(self._tls(https, hosts))
        if self._parts.config.verbose:
            lines.append("log")
        labels = len(hosts[0].split("."))
        route: list[str] = []
        body = self._parts.config.limits.body
        if body is not None:
            route += block("request_body", [f"max_size {body}"])
        for place in places:
            route += self._place(place, labels)
        if places[-1].path:
            route.append("respond 404")
        lines += block("route", route)
        return block(", ".join([*addresses, *dict.fromkeys(aliases)]), lines)

    def _tls(self, https: Https | None, hosts: Sequence[str]) -> Iterator[str]:
        if https is None:
            return
        if https.cert is not None and https.key is not None:
            cert = self.mounts.place(https.cert, "/etc/caddy")
            yield f"tls {word(cert)} {word(self.mounts.place(https.key, '/etc/caddy'))}"
        elif ANY in hosts:
            yield from block("tls internal", ["on_demand"])
        else:
            yield "tls internal"

    def _place(self, place: _PathOfHost, labels: int) -> list[str]:
        site = place.site
        inner: list[str] = []
        for route in site.routes:
            inner += self._route(route, place.path, labels)
        if site.answerer is not None:
            rest = Conditions()
            last = self._treated(site.treatment, labels, site.name)
            last += self._answer(site.answerer, rest, site.name, stem=place.path)
            inner += block("route", last) if site.routes else last
        elif site.routes:
            inner.append("respond 404")
        if not place.path:
            return inner
        name = self._matchers.named(site.name)
        head = block(f"@{name}", [f"path {place.path} {place.path}/*"])
        return [*head, *block(f"route @{name}", inner)]

    # ---- routes

    def _route(self, route: Route, below: str, labels: int) -> list[str]:
        """Directives for one route; of several paths with parts that are needed, one for each."""
        conditions = route.conditions
        target = route.answerer.to if isinstance(route.answerer, Redirect) else ""
        groups = "$" in route.rewrite or "$" in target
        several = [(path,) for path in conditions.paths] if groups else [conditions.paths]
        lines: list[str] = []
        for paths in several or [()]:
            name = self._matchers.named(route.name)
            asked = conditions.model_copy(update={"paths": paths})
            inner = self._treated(route.treatment, labels, route.name)
            inner += self._changed(route, name, asked)
            stem = read_pattern(paths[0]).stem.decode() if len(paths) == 1 else ""
            stem = "" if route.strip_prefix or route.rewrite else stem or below
            prefix = route.strip_prefix
            inner += self._answer(route.answerer, asked, name, stem=stem, prefix=prefix)
            needs = condition_lines(name, asked, groups=groups)
            if needs:
                lines += [*block(f"@{name}", needs), *block(f"route @{name}", inner)]
            else:
                lines += block("route", inner)
        return lines

    def _changed(self, route: Route, name: str, asked: Conditions) -> list[str]:
        if route.strip_prefix:
            return [f"uri strip_prefix {word(route.strip_prefix)}"]
        if not route.rewrite:
            return []
        pattern = read_pattern(asked.paths[0] if asked.paths else "/*")
        return [f"rewrite * {word(filled_template(route.rewrite, name, pattern, '{query}'))}"]

    def _answer(
        self,
        answerer: ToPool | StaticFiles | Redirect | FixedAnswer,
        asked: Conditions,
        name: str,
        *,
        stem: str,
        prefix: str = "",
    ) -> list[str]:
        match answerer:
            case ToPool():
                return self._answers.pool(answerer.pool, _given_back(prefix))
            case StaticFiles():
                return self._answers.static(
                    answerer, stem, lambda kind: self._matchers.named(f"{name}-{kind}")
                )
            case FixedAnswer():
                return self._answers.fixed(answerer)
            case Redirect():
                pattern = read_pattern(asked.paths[0] if asked.paths else "/*")
                to = filled_template(answerer.to, name, pattern, "{query}")
                more = "" if "?" in answerer.to or "#" in answerer.to else "{?query}"
                return [f"redir * {word(to + more)} {answerer.status}"]

    # ---- on the way

    def _treated(self, treatment: Treatment, labels: int, name: str) -> list[str]:
        """What is done to requests and answers: what is long stands on top, and is imported."""
        lines = tuple(self._treatment(treatment, labels))
        if len(lines) <= _SHORT:
            return list(lines)
        known = self._snippets.get(lines)
        if known is None:
            known = self._snippets[lines] = f"way-of-{name}"
        return [f"import {known}"]

    def _treatment(self, treatment: Treatment, labels: int) -> list[str]:
        """Directives for it. What is written last is done to an answer first."""
        lines = self._cors(treatment.cors) if treatment.cors is not None else []
        if treatment.auth is not None:
            why = "the passwords stand in the Caddyfile, as they are now and readable"
            self._said.carried("", "auth", why)
            lines += self._password(treatment.auth)
        for rules in treatment.headers:
            lines += chain(*self._fields("request_header", rules.request, labels))
        for rules in reversed(treatment.headers):
            lines += chain(*reversed(self._fields("header", rules.response, labels)))
        return lines

    def _fields(self, directive: str, rules: FieldRules, labels: int) -> list[list[str]]:
        """Removed, set, added, in this order; those of an answer when its backend has spoken."""
        answers = directive == "header"

        def value(text: str) -> str:
            return word(value_with(text, self._told, labels))

        lines = [[f"{directive} -{name}"] for name in rules.remove]
        late = ">" if answers else ""
        lines += [[f"{directive} {late}{name} {value(text)}"] for name, text in rules.set]
        for name, text in rules.add:
            added = f"+{name} {value(text)}"
            lines.append(
                block(directive, [added, "defer"]) if answers else [f"{directive} {added}"]
            )
        return lines

    def _password(self, auth: BasicAuth) -> list[str]:
        """Names and passwords are compared as they are sent: Caddy's own directive wants hashes."""
        allowed = [
            base64.b64encode(f"{name}:{password}".encode()).decode()
            for name, password in auth.users
        ]
        name = "stranger"
        known = [f'header Authorization "Basic {each}"' for each in allowed]
        return [
            *block(f"@{name}", block("not", known)),
            *block(
                f"route @{name}", ['header WWW-Authenticate `Basic realm="rpx"`', "respond 401"]
            ),
        ]

    def _cors(self, cors: Cors) -> list[str]:
        """CORS by header matchers: a preflight is answered, an answer has what a page may read."""
        known, preflight = "page-of-others", "preflight"
        whole = cors.origins is not None and "*" in cors.origins
        origin = "*" if whole and not cors.credentials else "{header.Origin}"
        wanted = "header Origin *" if whole else f"header_regexp Origin `{self._origins(cors)}`"
        said = [f"Access-Control-Allow-Origin {origin}"]
        if cors.credentials:
            said.append("Access-Control-Allow-Credentials true")
        asked = "{header.Access-Control-Request-Method}"
        methods = word(", ".join(cors.methods)) if cors.methods is not None else asked
        asked = "{header.Access-Control-Request-Headers}"
        fields = word(", ".join(cors.headers)) if cors.headers is not None else asked
        before = [*said, f"Access-Control-Allow-Methods {methods}"]
        before.append(f"Access-Control-Allow-Headers {fields}")
        if cors.max_age is not None:
            before.append(f"Access-Control-Max-Age {cors.max_age:.0f}")
        answer = [*(f"header {each}" for each in before), "header Vary Origin", "respond 204"]
        asks = ["method OPTIONS", "header Access-Control-Request-Method *", wanted]
        return [
            *block(f"@{preflight}", asks),
            *block(f"route @{preflight}", answer),
            *block(f"@{known}", [wanted]),
            *(f"header @{known} >{each}" for each in said),
            "header +Vary Origin",
            "header -Access-Control-Allow-*",
        ]

    def _origins(self, cors: Cors) -> str:
        """A regular expression for the origins that may read."""
        written = cors.origins
        if written is None:
            hosts = [host for host in self._parts.config.hosts if host != ANY]
            written = tuple(dict.fromkeys([*hosts, *_HERE]))
        found = []
        for each in written:
            text = re.escape(each).replace(re.escape("*"), "[^.]+")
            if "://" not in each and each != "null":
                text = f"https?://{text}" + ("" if re.search(r":[0-9]+$", each) else "(?::[0-9]+)?")
            found.append(text)
        return f"^(?:{'|'.join(found)})$".replace("\\-", "-").replace("\\/", "/")


def _given_back(prefix: str) -> list[str]:
    """A backend that doesn't know the prefix is told it, and gets it back where it says places."""
    if not prefix:
        return []
    cookie = '"(?i)(; *path=)/" "${1}' + prefix + '/"'
    return [
        f"header_up X-Forwarded-Prefix {word(prefix)}",
        f"header_down Location ^/ {word(prefix + '/')}",
        f"header_down Set-Cookie {cookie}",
    ]


def _addresses(host: str, https: Https | None, config: Config) -> list[str]:
    """Those of a site. A host with TLS is redirected to it by Caddy itself."""
    if host == ANY:
        plain, secure = f":{config.listen.http_port or 80}", f":{config.listen.https_port or 443}"
    else:
        plain, secure = f"http://{host}", f"https://{host}"
    if https is None:
        return [plain]
    return [secure] if https.redirect else [plain, secure]


def _global_options(config: Config) -> list[str]:
    listen, limits, timeouts = config.listen, config.limits, config.timeouts
    lines = ["skip_install_trust"] if config.secured else []
    if listen.http_port:
        lines.append(f"http_port {listen.http_port}")
    if listen.https_port:
        lines.append(f"https_port {listen.https_port}")
    times = [f"read_header {seconds(timeouts.head)}", f"idle {seconds(timeouts.idle)}"]
    usual = Timeouts()
    servers = block("timeouts", times) if timeouts != usual else []
    if limits.head != Limits().head:
        servers.append(f"max_header_size {limits.head}")
    if listen.trusted_proxies:
        servers.append(f"trusted_proxies static {' '.join(listen.trusted_proxies)}")
    if servers:
        lines += block("servers", servers)
    return ["{", *indented(lines), "}"] if lines else []
