"""`return`: a redirect, or a fixed answer."""

from __future__ import annotations

import re

from rpx.moving.draft import Written
from rpx.moving.sources.nginx.changes_of_path import redirect_to
from rpx.moving.sources.nginx.directive_scope import Scope
from rpx.moving.sources.nginx.directives import Directive

_REDIRECTS = {301, 302, 303, 307, 308}
_FASTCGI = {
    "fastcgi_pass": "FastCGI (PHP-FPM)",
    "uwsgi_pass": "uwsgi",
    "scgi_pass": "SCGI",
    "memcached_pass": "memcached",
}


def returned(each: Directive, scope: Scope, whole_path: str) -> Written:
    """The words of a route for a `return`. `whole_path` stands for the path of the request."""
    each.said = True
    code, text = _code_and_text(each.args)
    if code in _REDIRECTS:
        to = redirect_to(text, whole_path=whole_path, appends_query=False)
        if to is None:
            scope.lost(each, "rpx has no such variable in `redirect`")
            return refusal(f"Here nginx sent clients to {text}.")
        return redirect(to, code)
    if code == 444 or not 200 <= code <= 599:
        scope.guessed(each, "nginx hangs up without an answer; rpx answers with 404")
        return {"respond": 404}
    if not text:
        return {"respond": code}
    if re.search(r"\$\w", text):
        scope.lost(each, "a fixed answer has no variables: they stand there as they are written")
    return {"respond": _body(code, text, scope)}


def redirect(to: str, code: int) -> Written:
    """A redirect in its shortest form."""
    return {"redirect": to if code == 302 else {"to": to, "status": code}}


def refusal(sentence: str) -> Written:
    """An answer for what rpx cannot do, so that nobody takes it for the application's."""
    return {"respond": {"status": 501, "body": f"{sentence}\n".replace("$", "$$")}}


def foreign_protocol(scope: Scope) -> Written | None:
    """What answers where nginx speaks something else than HTTP with the backend."""
    for name, protocol in _FASTCGI.items():
        if each := scope.own(name):
            hint = "start the application with a server of its own, and write it as `from`"
            scope.lost(each, f"rpx speaks HTTP with backends, not {protocol}", hint)
            return refusal(f"Here nginx asked a backend by {protocol}, which rpx does not speak.")
    return None


def _code_and_text(args: list[str]) -> tuple[int, str]:
    if len(args) == 1 and not args[0].isdigit():
        return 302, args[0]
    return int(args[0]) if args and args[0].isdigit() else 404, " ".join(args[1:])


def _body(code: int, text: str, scope: Scope) -> object:
    body = text.replace("\\n", "\n").replace("$", "$$")
    kind = scope.own("default_type")
    if code == 200 and kind is None:
        return body
    found: Written = {} if code == 200 else {"status": code}
    found["body"] = body
    if kind is not None and kind.args:
        found["headers"] = {"Content-Type": kind.args[0]}
    return found
