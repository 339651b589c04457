"""Caddy's handlers in rpx's words: backends, fields, fixed answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from rpx.moving.draft import Written
from rpx.moving.sites.here import Resolve, place_of
from rpx.moving.sites.web_sites import BackendPool, Upstream

Json = dict[str, Any]

_PLACEHOLDER = re.compile(r"\{([\w.-]+)\}")
_VALUES = {
    "http.request.host": "$host",
    "http.request.hostport": "$host",
    "http.request.remote.host": "$client",
    "http.request.remote": "$client",
    "http.vars.client_ip": "$client",
    "http.request.scheme": "$scheme",
    "http.request.method": "$method",
    "http.request.uri": "$path",
    "http.request.uri.path": "$path",
    "http.request.uuid": "$request_id",
}
_POLICIES = {
    "least_conn": "least-connections",
    "ip_hash": "ip-hash",
    "client_ip_hash": "ip-hash",
    "random": "random",
    "random_choose": "random",
    "round_robin": "round-robin",
    "weighted_round_robin": "weighted-round-robin",
}
_BY_ITSELF = {"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Upgrade", "Connection"}


@dataclass(slots=True)
class Sayings:
    """What there is to say of a handler: (how it came, what, why, what to do)."""

    lines: list[tuple[str, str, str, str]]

    def say(self, came: str, what: str, why: str, hint: str = "") -> None:
        """Add a line."""
        self.lines.append((came, what, why, hint))


def seconds(nanoseconds: object) -> str:
    """A duration of Caddy's JSON as rpx writes it."""
    if not isinstance(nanoseconds, int):
        return str(nanoseconds)
    if nanoseconds % 10**9 == 0:
        return f"{nanoseconds // 10**9}s"
    return f"{max(nanoseconds // 10**6, 1)}ms"


def filled(text: str) -> str | None:
    """A value with rpx's variables for Caddy's placeholders; None where there is no such one."""
    unknown = [name for name in _PLACEHOLDER.findall(text) if name not in _VALUES]
    if unknown:
        return None
    return _PLACEHOLDER.sub(lambda found: _VALUES[found[1]], text.replace("$", "$$"))


def rules_for_fields(said: Json, told: Sayings) -> Written:
    """`set`, `add` and `remove` of fields, for what Caddy's `headers` says of one direction."""
    found: Written = {}
    for verb in ("set", "add"):
        for name, values in (said.get(verb) or {}).items():
            if name in _BY_ITSELF and any("{" in value for value in values):
                told.say("carried", f"header {name}", "rpx says that by itself")
                continue
            texts = [text for value in values if (text := filled(value)) is not None]
            if len(texts) < len(values):
                told.say("lost", f"header {name}", "rpx has no such variable in `headers`")
            elif len(texts) == 1:
                found.setdefault(verb, {})[name] = texts[0]
            else:
                found.setdefault("add", {})[name] = texts
    if removed := said.get("delete"):
        found["remove"] = list(removed)
    for name in said.get("replace") or {}:
        told.say("lost", f"header {name}", "rpx replaces whole values", "`set` it")
    return found


def pool_of(handler: Json, told: Sayings, resolve: Resolve | None) -> BackendPool | None:
    """The backends of a `reverse_proxy`; None, and it is told why, where that can't be said."""
    transport = handler.get("transport") or {}
    protocol = transport.get("protocol", "http")
    if protocol != "http":
        hint = "start the application with a server of its own, and write it as `from`"
        told.say("lost", f"transport {protocol}", "rpx speaks HTTP with backends", hint)
        return None
    tls = transport.get("tls")
    h2c = "h2c" in (transport.get("versions") or ())
    upstreams: dict[str, Upstream] = {}
    weights = _policy(handler.get("load_balancing") or {}).get("weights")
    for number, each in enumerate([*(handler.get("upstreams") or ()), *_looked_up(handler)]):
        address = _address(each.get("dial", ""), tls, told, resolve)
        if address is None:
            continue
        if h2c and "://" not in address and not address.startswith("unix:"):
            address = f"h2c://{address}"
        weight = weights[number] if weights and number < len(weights) else None
        verify = not (tls or {}).get("insecure_skip_verify")
        if address in upstreams:
            told.say("lost", address, "it stands there twice")
        upstreams.setdefault(address, Upstream(address, weight, verify))
    if not upstreams:
        told.say("lost", "reverse_proxy", "which backends these are can't be told")
        return None
    settings = _settings(handler, told, several=len(upstreams) > 1)
    if h2c and any(each.startswith("unix:") for each in upstreams):
        settings["protocol"] = "h2c"
    return BackendPool(tuple(upstreams.values()), settings=tuple(settings.items()))


def _looked_up(handler: Json) -> list[Json]:
    """The one name whose addresses are looked up again and again: as many as there are copies."""
    said = handler.get("dynamic_upstreams") or {}
    if said.get("source") != "a" or not said.get("name"):
        return []
    return [{"dial": f"{said['name']}:{said.get('port') or 80}"}]


def _address(dial: str, tls: object, told: Sayings, resolve: Resolve | None) -> str | None:
    if dial.startswith("unix/"):
        return f"unix:{dial.removeprefix('unix/')}"
    place = place_of(f"localhost{dial}" if dial.startswith(":") else dial, 80, resolve)
    if place is None or "{" in dial:
        told.say("lost", dial, "is no address that can be told now")
        return None
    if place.guess:
        why = f"`{place.guess}` is the name of a container or host: taken for {place.address}"
        told.say("guessed", dial, why)
    return f"https://{place.address}" if tls is not None else place.address


def _settings(handler: Json, told: Sayings, *, several: bool) -> Written:
    found = _turns(handler.get("load_balancing") or {}, told, several=several)
    checks = handler.get("health_checks") or {}
    if check := checks.get("active"):
        found["health_check"] = _health_check(check, told)
    if checks.get("passive"):
        told.say("carried", "passive health checks", "rpx takes a backend out at its first failure")
    lost = ["handle_response", "rewrite", *([] if _looked_up(handler) else ["dynamic_upstreams"])]
    for word in lost:
        if word in handler:
            told.say("lost", word, "rpx has nothing for it")
    return found


def _policy(balancing: Json) -> Json:
    """How backends are chosen; by a cookie, how the first time."""
    policy: Json = balancing.get("selection_policy") or {}
    return policy.get("fallback") or {} if policy.get("policy") == "cookie" else policy


def _turns(balancing: Json, told: Sayings, *, several: bool) -> Written:
    """How backends take turns, and whether clients stay with theirs."""
    policy = balancing.get("selection_policy") or {}
    name = policy.get("policy")
    if name == "cookie":
        sticky: Written = {"cookie": policy["name"]} if policy.get("name") else {}
        if policy.get("max_age"):
            sticky["ttl"] = seconds(policy["max_age"])
        fallback = {"selection_policy": policy.get("fallback") or {"policy": "round_robin"}}
        return {**_turns(fallback, told, several=several), "sticky": sticky or True}
    if name in _POLICIES:
        strategy = _POLICIES[name]
        return {} if strategy.endswith("round-robin") else {"strategy": strategy}
    if name is not None:
        told.say("lost", f"lb_policy {name}", "rpx takes turns", "`strategy` says how")
    elif several:
        told.say("carried", "lb_policy", "backends take turns; Caddy picks one at random")
    return {}


def _health_check(check: Json, told: Sayings) -> Written:
    found: Written = {"path": check.get("uri") or check.get("path") or "/"}
    for word, said in check.items():
        match word:
            case "interval" | "timeout":
                found[word] = seconds(said)
            case "passes":
                found["healthy_threshold"] = said
            case "fails":
                found["unhealthy_threshold"] = said
            case "expect_status":
                found["expect"] = f"{said}00-{said}99" if said < 10 else said
            case "headers":
                found |= _asked_with(said)
            case "uri" | "path":
                pass
            case _:
                told.say("lost", f"health_{word}", "rpx asks the backend's port by GET")
    return found


def _asked_with(said: Json) -> Written:
    fields = {name: values[0] for name, values in said.items()}
    host = fields.pop("Host", None)
    return {**({"host": host} if host else {}), **({"headers": fields} if fields else {})}
