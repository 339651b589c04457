"""Traefik's services as pools of backends, and middlewares as what is done to requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from rpx.moving.draft import Draft, Written
from rpx.moving.lined import Lined
from rpx.moving.sites.cors_fields import add_to_cors, whole_cors
from rpx.moving.sites.here import place_of
from rpx.moving.sites.passwords import auth_of
from rpx.moving.sites.web_sites import BackendPool, Upstream

_CORS = {
    "accesscontrolalloworiginlist": "Access-Control-Allow-Origin",
    "accesscontrolallowmethods": "Access-Control-Allow-Methods",
    "accesscontrolallowheaders": "Access-Control-Allow-Headers",
    "accesscontrolallowcredentials": "Access-Control-Allow-Credentials",
    "accesscontrolmaxage": "Access-Control-Max-Age",
}
_LOST = {
    "compress": "rpx compresses nothing",
    "ratelimit": "rpx limits no rates",
    "inflightreq": "`limits: {requests_per_backend: …}` is for the whole project",
    "ipallowlist": "rpx does not choose by address",
    "ipwhitelist": "rpx does not choose by address",
    "forwardauth": "rpx asks nobody who may come in",
    "digestauth": "rpx has `auth: {basic: …}`",
    "errors": "rpx's own page says why, and comes back by itself",
}


def low(lined: Lined | None) -> dict[str, Lined]:
    """A mapping by small names: Traefik's are stripPrefix or stripprefix."""
    return {} if lined is None else {name.lower(): said for name, said in lined.mapping.items()}


@dataclass(slots=True)
class Middled:
    """What middlewares do: words of a route."""

    change: Written = field(default_factory=dict)
    answer: Written | None = None
    request: Written = field(default_factory=dict)
    response: Written = field(default_factory=dict)
    cors: object = None
    auth: object = None
    to_https: bool = False
    prefixes: tuple[str, ...] = ()  # that are cut off, where these are several


def pool_of_service(
    name: str, services: dict[str, Lined], draft: Draft, router: Lined
) -> BackendPool | None:
    """The backends of a service; None, and it is said why, where there are none."""
    written = low(services.get(name.lower()))
    if balancer := written.get("loadbalancer"):
        return _balanced(name, balancer, draft)
    if (weighted := written.get("weighted")) is not None:
        return _weighted(name, weighted, services, draft)
    if name.endswith("@internal"):
        why, hint = "is Traefik's own page", "`rpx ps`, http://rpx.localhost"
        draft.lost("", name, why, router.origin, hint)
    elif not written:
        draft.lost("", f"service {name}", "isn't in this file", router.origin)
    else:
        kind = next(iter(written))
        draft.lost("", f"{name}: {kind}", "rpx has nothing for it", written[kind].origin)
    return None


def _balanced(name: str, written: Lined, draft: Draft) -> BackendPool | None:
    found: dict[str, Upstream] = {}
    settings: Written = {}
    for key, said in low(written).items():
        match key:
            case "servers":
                _servers(said, name, draft, found)
            case "passhostheader":
                settings |= {"change_origin": True} if said.text.lower() == "false" else {}
            case "serverstransport" | "responseforwarding" | "strategy":
                draft.carried("", f"{name}: {key}", "rpx does that by itself", said.origin)
            case "sticky":
                settings["sticky"] = _sticky(said)
            case "healthcheck":
                settings["health_check"] = _health(low(said), name, draft)
            case _:
                draft.lost("", f"{name}: {key}", "rpx has nothing for it", said.origin)
    if not found:
        draft.lost("", f"service {name}", "has no server", written.origin)
        return None
    return BackendPool(tuple(found.values()), name, tuple(settings.items()))


def _sticky(said: Lined) -> object:
    cookie = low(low(said).get("cookie")).get("name")
    return {"cookie": cookie.text} if cookie else True


def _servers(listed: Lined, name: str, draft: Draft, found: dict[str, Upstream]) -> None:
    for server in listed.items:
        _server(low(server), server, name, draft, found=found)


def _server(
    said: dict[str, Lined], where: Lined, name: str, draft: Draft, *, found: dict[str, Upstream]
) -> None:
    url = urlsplit(said["url"].text) if "url" in said else urlsplit("")
    secure = url.scheme == "https"
    place = place_of(url.netloc, 443 if secure else 80)
    if place is None or url.scheme not in {"http", "https", "h2c"}:
        draft.lost("", f"{name}: {url.geturl()}", "is no address of HTTP", where.origin)
        return
    if place.guess:
        why = f"`{place.guess}` is the name of a container or host: taken for {place.address}"
        draft.guessed("", url.geturl(), why, where.origin)
    address = place.address if url.scheme == "http" else f"{url.scheme}://{place.address}"
    weight = said.get("weight")
    number = int(weight.text) if weight is not None and weight.text.isdigit() else None
    found.setdefault(address, Upstream(address, number))


def _weighted(
    name: str, written: Lined, services: dict[str, Lined], draft: Draft
) -> BackendPool | None:
    """Several services, of which each has a share."""
    found: list[Upstream] = []
    for each in (low(written).get("services") or written).items:
        said = low(each)
        inner = (
            pool_of_service(said["name"].text, services, draft, each) if "name" in said else None
        )
        share = said.get("weight")
        weight = int(share.text) if share is not None and share.text.isdigit() else 1
        found += [
            replace(upstream, weight=weight * (upstream.weight or 1))
            for upstream in (inner.upstreams if inner else ())
        ]
    return BackendPool(tuple(found), name) if found else None


def _health(said: dict[str, Lined], name: str, draft: Draft) -> Written:
    found: Written = {}
    for key, value in said.items():
        match key:
            case "path" | "interval" | "timeout":
                text = value.text
                found[key] = f"{text}s" if key != "path" and text.isdigit() else text
            case "hostname":
                found["host"] = value.text
            case "headers":
                found["headers"] = {field: text.text for field, text in value.mapping.items()}
            case "status" if value.text.isdigit():
                found["expect"] = int(value.text)
            case _:
                draft.lost("", f"{name}: healthCheck {key}", "rpx has nothing for it", value.origin)
    return found


def treatment_of(
    names: list[str], middlewares: dict[str, Lined], draft: Draft, router: Lined
) -> Middled:
    """What middlewares do, one after the other."""
    found = Middled()
    for name in _chained(names, middlewares):
        written = low(middlewares.get(name.partition("@")[0].lower()))
        if not written:
            draft.lost("", f"middleware {name}", "isn't in this file", router.origin)
        for kind, said in written.items():
            _treat(found, kind, said, name, draft)
    return found


def _chained(names: list[str], middlewares: dict[str, Lined], depth: int = 0) -> Iterator[str]:
    for name in names:
        chain = low(middlewares.get(name.partition("@")[0].lower())).get("chain")
        inner = low(chain).get("middlewares")
        if inner is not None and depth < 10:
            yield from _chained([item.text for item in inner.items], middlewares, depth + 1)
        else:
            yield name


def _treat(found: Middled, kind: str, said: Lined, name: str, draft: Draft) -> None:
    words = low(said)
    match kind:
        case "stripprefix":
            listed = words.get("prefixes")
            found.prefixes = tuple(p.text.rstrip("/") for p in listed.items) if listed else ()
        case "addprefix" if "prefix" in words:
            found.change = {"rewrite": f"{words['prefix'].text.rstrip('/')}/$1"}
        case "redirectscheme":
            found.to_https = True
        case "redirectregex" | "replacepathregex" | "replacepath":
            _replaced(found, kind, words, said, draft)
        case "headers":
            _fields(found, words, draft)
        case "basicauth":
            users = [item.text.partition(":")[0] for item in (words.get("users") or said).items]
            found.auth = auth_of(users, draft, "", f"{name}: basicAuth", said.origin)
        case "buffering" if "maxrequestbodybytes" in words:
            limits = draft.top.setdefault("limits", {})
            most = int(words["maxrequestbodybytes"].text)
            limits["body"] = max(most, limits.get("body", 0))
        case _:
            why = _LOST.get(kind, "rpx has nothing for it")
            draft.lost("", f"{name}: {kind}", why, said.origin)


def _replaced(
    found: Middled, kind: str, words: dict[str, Lined], said: Lined, draft: Draft
) -> None:
    """A path, or a whole URL, that is put together anew; expressions of whole URLs are lost."""
    to = (
        (words.get("replacement") or words.get("path") or said)
        .text.replace("${", "$")
        .replace("}", "")
    )
    if kind == "replacepath":
        found.change = {"rewrite": to}
        return
    expression = words["regex"].text if "regex" in words else ""
    below = re.fullmatch(r"\^?(/[\w/.-]*?)/?\(\.\*\)\$?", expression)
    if kind == "replacepathregex" and below and to.endswith("$1"):
        found.change = {"rewrite": to if to.endswith("/$1") else f"{to[:-2]}/$1"}
        return
    why = "rpx compares paths with an expression, in `path` of a route"
    draft.lost("", kind, why, said.origin, "`path: ~…` and `rewrite` or `redirect`")


def _fields(found: Middled, words: dict[str, Lined], draft: Draft) -> None:
    cors: Written = {}
    for key, said in words.items():
        if key in {"customrequestheaders", "customresponseheaders"}:
            rules = found.request if key == "customrequestheaders" else found.response
            for name, value in said.mapping.items():
                if value.text:
                    rules.setdefault("set", {})[name] = value.text.replace("$", "$$")
                else:
                    rules.setdefault("remove", []).append(name)
        elif key in _CORS:
            text = ", ".join(item.text for item in said.items) or said.text
            if key.endswith("originlist") and len(said.items) > 1:
                cors["origins"] = [item.text for item in said.items]
            else:
                add_to_cors(cors, _CORS[key], text)
        else:
            hint = "`headers: {response: {set: …}}`"
            draft.lost("", key, "rpx has no word of its own for it", said.origin, hint)
    found.cors = whole_cors(cors) or found.cors
