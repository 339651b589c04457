"""`proxy_set_header`, `add_header` and their like as rules for fields, and CORS."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rpx.moving.draft import Written
from rpx.moving.sites.cors_fields import CORS_FIELDS, add_to_cors, whole_cors
from rpx.moving.sources.nginx.directive_scope import Scope
from rpx.moving.sources.nginx.directives import Directive

_VARIABLES = {
    "host": "$host", "http_host": "$host", "remote_addr": "$client", "scheme": "$scheme",
    "request_uri": "$path", "uri": "$path", "document_uri": "$path", "request_method": "$method",
    "request_id": "$request_id", "server_name": "$host",
}  # fmt: skip
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
# rpx says these itself, as proxies are expected to.
_OWN = {
    "upgrade", "connection", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
    "x-forwarded-port", "x-forwarded-server", "forwarded", "x-scheme", "x-forwarded-scheme",
    "x-forwarded-ssl", "proxy",
}  # fmt: skip
_FRAMING = {"content-length", "transfer-encoding", "te", "trailer", "keep-alive", "date"}


@dataclass(slots=True)
class Fields:
    """Rules for fields of requests and answers; what `cors` says, None for nothing; the Host that
    backends are told, as nginx writes it, "" where nothing is said.
    """

    request: Written = field(default_factory=dict)
    response: Written = field(default_factory=dict)
    cors: object = None
    host: str = ""


def fields_of(scope: Scope, *, proxied: bool) -> Fields:
    """What becomes of fields in a location. `proxied`: a backend answers there."""
    fields = Fields()
    if proxied:
        _of_requests(scope, fields)
        hidden = [each.args[0] for each in scope.nearest("proxy_hide_header") if each.args]
        if hidden:
            fields.response["remove"] = hidden
    _of_answers(scope, fields)
    return fields


def filled(text: str) -> str | None:
    """A value with rpx's variables in the place of nginx's; None where one has no such variable."""
    unknown = False

    def put(found: re.Match[str]) -> str:
        nonlocal unknown
        name = found[1] or found[2]
        unknown = unknown or name not in _VARIABLES
        return _VARIABLES.get(name, "")

    whole = "".join(
        put(part) if isinstance(part, re.Match) else part.replace("$", "$$")
        for part in _parts(text)
    )
    return None if unknown else whole


def _parts(text: str) -> list[str | re.Match[str]]:
    parts: list[str | re.Match[str]] = []
    at = 0
    for found in _VARIABLE.finditer(text):
        parts += [text[at : found.start()], found]
        at = found.end()
    return [*parts, text[at:]]


def _of_requests(scope: Scope, fields: Fields) -> None:
    for each in scope.nearest("proxy_set_header"):
        if len(each.args) != 2:
            continue
        name, value = each.args
        low = name.lower()
        if low == "host":
            fields.host = value
        elif low in _FRAMING:
            scope.carried(each, "how a message is sent is rpx's own affair")
        elif low in _OWN and (low in {"upgrade", "connection"} or "$" in value or not value):
            scope.carried(each, "rpx does that by itself")
        elif not value:
            fields.request.setdefault("remove", []).append(name)
        elif (text := filled(value)) is None:
            scope.lost(each, "rpx has no such variable", "docs/routes.md lists those of `headers`")
        else:
            fields.request.setdefault("set", {})[name] = text


def _of_answers(scope: Scope, fields: Fields) -> None:
    cors: Written = {}
    for each in scope.nearest("add_header"):
        if len(each.args) < 2:
            continue
        name, value = each.args[:2]
        if name.lower() in CORS_FIELDS:
            scope.carried(each, "is said by `cors`, which answers preflights, too")
            add_to_cors(cors, name, value)
        elif (text := filled(value)) is None:
            scope.lost(each, "rpx has no such variable", "docs/routes.md lists those of `headers`")
        else:
            if each.args[-1] != "always":
                scope.carried(each, "rpx says it in answers of every status", "")
            _add(fields.response, name, text)
    fields.cors = whole_cors(cors)


def _add(response: Written, name: str, text: str) -> None:
    """Say a field; twice the same one is `add`, which leaves others there."""
    said = response.setdefault("set", {})
    if name not in said and name not in response.get("add", {}):
        said[name] = text
        return
    before = [said.pop(name)] if name in said else list(response["add"][name])
    response.setdefault("add", {})[name] = [*before, text]
    if not said:
        del response["set"]


def answers_preflights(condition: Directive) -> bool:
    """Whether an `if` is the usual one for CORS: OPTIONS gets an empty answer."""
    words = " ".join(condition.args).replace("'", "").replace('"', "")
    return bool(re.fullmatch(r"\$request_method\s*(?:=|~\*?)\s*\^?\(?OPTIONS\)?\$?", words))
