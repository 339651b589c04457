"""`respond` and `redir` of Caddy, which are one thing in its JSON."""

from __future__ import annotations

from rpx.moving.draft import Written
from rpx.moving.sites.path_sets import Paths
from rpx.moving.sources.caddy.adapting import Json
from rpx.moving.sources.caddy.caddy_handlers import Sayings
from rpx.moving.sources.caddy.changes import Changed, redirect_of


def fixed_answer(handler: Json, paths: Paths, changed: Changed, told: Sayings) -> Written:
    """The words of a route for a `static_response`."""
    fields = {name: values[0] for name, values in (handler.get("headers") or {}).items() if values}
    said = str(handler.get("status_code", 200))
    if not said.isdigit():
        told.say("lost", "respond", f"the status {said} can't be told now")
    status = int(said) if said.isdigit() else 500
    if location := fields.get("Location"):
        words = redirect_of(location, status, paths, changed)
        if words is None:
            told.say("lost", f"redir {location}", "rpx has no such variable in `redirect`")
            return refused(f"Here Caddy sent clients to {location}.")
        return words
    if handler.get("abort") or handler.get("close"):
        told.say("guessed", "abort", "Caddy hangs up without an answer; rpx answers with 404")
        return {"respond": 404}
    return {"respond": _respond(status, handler.get("body", ""), fields, told)}


def _respond(status: int, body: str, fields: Written, told: Sayings) -> object:
    if "{http." in body:
        told.say("lost", "respond", "a fixed answer has no variables")
    found: Written = {} if status == 200 else {"status": status}
    if body:
        found["body"] = body.replace("$", "$$")
    if fields:
        found["headers"] = {name: text.replace("$", "$$") for name, text in fields.items()}
    if list(found) == ["body"]:
        return found["body"]
    return found if "body" in found or "headers" in found else status


def refused(sentence: str) -> Written:
    """An answer for what rpx cannot do, so that nobody takes it for the application's."""
    return {"respond": {"status": 501, "body": f"{sentence}\n".replace("$", "$$")}}
