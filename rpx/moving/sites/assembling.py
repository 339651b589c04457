"""Sites become proxies with routes."""

from __future__ import annotations

import re
from typing import Any

from rpx.moving.draft import Draft, DraftService, Written
from rpx.moving.service_names import fresh, name_of
from rpx.moving.sites.web_sites import BackendPool, Rule, WebSite

_HOST = re.compile(r"\*\Z|(?:\*\.)?(?!-)[\w-]+(?:\.[\w-]+)*\.?\Z|\[[\da-fA-F:.]+\]\Z")
_LITERAL = re.compile(r"[A-Za-z0-9_-]+")


class Assembling:
    """Puts sites into a draft. Pools that several rules have are written once.

    `beside` has services that will stand in the same rpx.yaml: their names are taken, and who
    sends requests to one of their proxies' addresses sends them to that proxy.
    """

    def __init__(self, draft: Draft, beside: Draft | None = None) -> None:
        self._draft = draft
        self._beside = {} if beside is None else beside.services
        self._pools: dict[str, str] = {}  # key of a pool: the service that has it
        self._names = {*draft.services, *self._beside}
        self._first: dict[str, Rule] = {}  # of each pool the rule that names it, as its file has it

    def add(self, sites: list[WebSite]) -> None:
        """Take sites in, those that give names to others first."""
        sites = [site for site in sites if self._has_hosts(site)]
        for site in sites:
            site.name = self._fresh(site.name or _name_of_host(site.hosts[0]))
            for rule in sorted(site.rules, key=lambda each: each.origin.line):
                if isinstance(rule.answer, BackendPool) and rule.paths:
                    self._first.setdefault(rule.answer.key, rule)
        for site in sites:
            self._draft.add(DraftService(site.name, self._proxy(site), site.origin))

    def _has_hosts(self, site: WebSite) -> bool:
        """Whether it is for any host; what can be none is left out, and said."""
        for host in [host for host in site.hosts if not _HOST.match(host)]:
            site.hosts.remove(host)
            self._draft.lost("", host, "is no name of a host", site.origin)
        return bool(site.hosts)

    def _fresh(self, name: str) -> str:
        found = fresh(name_of(name, "site"), self._names)
        self._names.add(found)
        return found

    def _proxy(self, site: WebSite) -> Written:
        hosts = list(dict.fromkeys(site.hosts))
        written: Written = {"to": hosts[0] if len(hosts) == 1 else hosts}
        if site.name != _name_of_host(hosts[0]):
            written["name"] = site.name
        rules = [rule for rule in site.rules if rule.paths or rule.conditions]
        last = next((rule for rule in site.rules if rule.takes_all), None)
        if last is not None:
            _tell_all_whose_client(last, rules)
        common = self._of_all(rules, last)
        if last is not None and self._stands_alone(last, common):
            written |= self._answer(last, site.name)
        elif last is not None:
            rules.append(last)
        if site.https is not None:
            written["https"] = site.https
        written |= common
        if routes := [self._route(rule, site, common) for rule in rules]:
            written["routes"] = routes
        elif last is None:
            hint = "write who does: `from`, `static` …"
            self._draft.lost(site.name, hosts[0], "nobody answers there", site.origin, hint)
            written["respond"] = 404
        return written

    @staticmethod
    def _of_all(rules: list[Rule], last: Rule | None) -> Written:
        """What is said of fields, CORS and passwords for the whole proxy."""
        found: Written = {}
        if last is None:
            return found
        headers = _headers(last)
        if headers and all(_within(headers, _headers(rule)) for rule in rules):
            found["headers"] = headers
        for word in ("cors", "auth"):
            if getattr(last, word) is not None:
                found[word] = getattr(last, word)
        return found

    @staticmethod
    def _stands_alone(last: Rule, common: Written) -> bool:
        """Whether what no other rule takes can be said without a route."""
        return not last.change and bool(_headers(last)) == ("headers" in common)

    def _route(self, rule: Rule, site: WebSite, common: Written) -> Written:
        written: Written = {}
        if rule.paths:
            written["path"] = rule.paths[0] if len(rule.paths) == 1 else list(rule.paths)
        fields = {**rule.conditions.get("headers", {})}
        written |= {word: value for word, value in rule.conditions.items() if word != "headers"}
        written |= rule.change
        written |= self._answer(rule, site.name, in_route=True)
        fields |= _without(_headers(rule), common.get("headers", {}))
        if fields:
            written["headers"] = fields
        for word in ("cors", "auth"):
            value = getattr(rule, word)
            if value is None and word in common:
                value = False
            if value is not None and value != common.get(word):
                written[word] = value
        return written

    def _answer(self, rule: Rule, site: str, *, in_route: bool = False) -> Written:
        if isinstance(rule.answer, dict):
            return dict(rule.answer)
        pool = rule.answer
        there = self._pools.get(pool.key) or self._proxy_at(pool)
        if there and in_route:
            return {"proxy": there}
        written = pool.written
        name = site
        if in_route:
            name = rule.name or pool.name or _name_of_rule(self._first.get(pool.key, rule), site)
            name = self._fresh(f"{site}-{name}" if name_of(name) in self._names else name)
            written["name"] = name
        self._pools.setdefault(pool.key, name)
        return written

    def _proxy_at(self, pool: BackendPool) -> str | None:
        """The proxy of somebody else that has exactly these backends."""
        if pool.settings:
            return None
        wanted = [each.address for each in pool.upstreams]
        proxies = (each for each in self._beside.values() if each.is_proxy)
        return next((each.name for each in proxies if _addresses(each) == wanted), None)


def _addresses(service: DraftService) -> list[object]:
    said = service.settings.get("from")
    listed = said if isinstance(said, list) else [said]
    return [each.get("address") if isinstance(each, dict) else each for each in listed]


def _name_of_host(host: str) -> str:
    """What rpx calls a proxy whose first host this is."""
    label = host.partition("/")[0].split(".")[0]
    if label == "*":
        label = host.split(".")[1] if "." in host else "any"
    return name_of(label, "site")


def _name_of_rule(rule: Rule, site: str) -> str:
    parts = _LITERAL.findall(rule.paths[0].partition("*")[0]) if rule.paths else []
    if parts and not rule.paths[0].startswith("~"):
        return "-".join(parts)
    if isinstance(rule.answer, BackendPool):
        return f"{site}-{rule.answer.upstreams[0].address.rpartition(':')[2]}"
    return site


def _tell_all_whose_client(last: Rule, rules: list[Rule]) -> None:
    """The address of the client is told to all if to one: nobody minds, and it is said once."""
    told = {name: text for name, text in last.request.get("set", {}).items() if text == "$client"}
    for rule in rules if told else ():
        rule.request = {**rule.request, "set": {**told, **rule.request.get("set", {})}}


def _headers(rule: Rule) -> Written:
    found: Written = {}
    if rule.request:
        found["request"] = rule.request
    if rule.response:
        found["response"] = rule.response
    return found


def _within(inner: Written, outer: Written) -> bool:
    """Whether all rules for fields of one are in another, too."""
    return all(
        _has(outer.get(way, {}).get(verb), said)
        for way, verbs in inner.items()
        for verb, said in verbs.items()
    )


def _has(there: object, said: object) -> bool:
    if isinstance(said, list):
        return isinstance(there, list) and all(each in there for each in said)
    assert isinstance(said, dict)  # noqa: S101  # what a rule says is one of these two
    return isinstance(there, dict) and all(there.get(key) == value for key, value in said.items())


def _without(headers: Written, common: Written) -> Written:
    """The rules for fields that the proxy doesn't have already."""
    found: Written = {}
    for way, verbs in headers.items():
        for verb, said in verbs.items():
            there = common.get(way, {}).get(verb, {})
            if isinstance(said, list):
                rest: Any = [each for each in said if each not in there]
            else:
                rest = {key: value for key, value in said.items() if there.get(key) != value}
            if rest:
                found.setdefault(way, {})[verb] = rest
    return found
