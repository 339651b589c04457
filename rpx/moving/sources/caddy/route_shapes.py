"""Small things about Caddy's routes: whether they answer, which words of the file they are from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rpx.moving.draft import Written
from rpx.moving.sites.web_sites import BackendPool
from rpx.moving.sources.caddy.adapting import Json

ANSWERS = {"reverse_proxy", "file_server", "static_response", "error"}


def merged(one: Written, other: Written) -> Written:
    """Rules for fields, of which the second ones are said later."""
    found: dict[str, Any] = {verb: _copy(said) for verb, said in one.items()}
    for verb, said in other.items():
        if isinstance(said, list):
            found[verb] = [*found.get(verb, []), *(x for x in said if x not in found.get(verb, []))]
        else:
            found[verb] = {**found.get(verb, {}), **said}
    return found


def _copy(said: Any) -> Any:  # noqa: ANN401  # a list or a mapping
    return list(said) if isinstance(said, list) else dict(said)


def own_host(said: Json, pool: BackendPool | None) -> tuple[Json, BackendPool | None]:
    """Which host a backend is told: the client's, or its own (`change_origin`)."""
    verbs = dict(said)
    fields = dict(verbs.get("set") or {})
    host = next((fields.pop(name) for name in list(fields) if name.lower() == "host"), None)
    verbs["set"] = fields
    if (
        host
        and pool is not None
        and host[0] not in {"{http.request.host}", "{http.request.hostport}"}
    ):
        pool = replace(pool, settings=(*pool.settings, ("change_origin", True)))
    return verbs, pool


def has_answer(route: Json) -> bool:
    """Whether one of its handlers answers, or may."""
    for handler in route.get("handle") or []:
        if handler["handler"] in ANSWERS:
            return True
        if handler["handler"] == "subroute" and any(map(has_answer, handler.get("routes") or [])):
            return True
    return False


def words_of(route: Json) -> list[str]:
    """Words that stand in the line of the Caddyfile that a route is from, as far as one can say."""
    for handler in route.get("handle") or []:
        upstreams = handler.get("upstreams") or [{}]
        match handler["handler"]:
            case "reverse_proxy":
                return ["reverse_proxy", str(upstreams[0].get("dial", ""))]
            case "static_response":
                return ["redir" if "Location" in (handler.get("headers") or {}) else "respond"]
            case "file_server":
                return ["file_server"]
            case _:
                for inner in handler.get("routes") or []:
                    if found := words_of(inner):
                        return found
    return []
