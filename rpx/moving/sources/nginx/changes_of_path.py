"""What nginx does to a path on its way: the URI of `proxy_pass`, `rewrite`, targets of `return`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from rpx.moving.draft import Written
from rpx.moving.sites.web_sites import Rule
from rpx.moving.sources.nginx.location_patterns import BadPattern, as_sent, of_expression

_ARGS = re.compile(r"\$is_args\$args|\?\$args|\?\$query_string|\$is_args\$query_string")
_GROUP = re.compile(r"\$(\d)|\$\{(\d)\}")
_VARIABLE = re.compile(r"\$(?!\d|\{\d)")
_HOSTS = r"\$(?:host|http_host|server_name)(?::\$server_port)?"
_BELOW = re.compile(r"\^(/[A-Za-z0-9/_.~-]*?)(/\?|/)?(\(\.\*\)|\(/\.\*\)|\(\.\+\))\$?\Z")


@dataclass(frozen=True, slots=True)
class PathBecomes:
    """`words` of a route (`strip_prefix` or `rewrite`); `path` is a pattern to go with it."""

    words: Written
    path: str = ""


def of_uri(prefix: str, exact: bool, uri: str) -> PathBecomes:
    """What the URI of a `proxy_pass` makes of a path: it takes the place of the location."""
    if exact:
        return PathBecomes({} if uri == prefix else {"rewrite": _literal(uri)})
    if uri == prefix:
        return PathBecomes({})
    base = prefix.rstrip("/")
    if uri == "/":
        return PathBecomes({"strip_prefix": base})
    if prefix.endswith("/"):
        if prefix.endswith(uri):
            return PathBecomes({"strip_prefix": prefix[: -len(uri)]})
        return PathBecomes({"rewrite": f"{_literal(uri)}$1"}, f"{prefix}*")
    return PathBecomes({"rewrite": f"{_literal(uri).rstrip('/')}/$1"}, f"{prefix}/*")


def of_variables(uri: str) -> Written | None:
    """What a URI with variables makes of a path; None where that can't be said."""
    text = _ARGS.sub("", uri)
    if text in {"", "$request_uri", "$uri"}:
        return {}
    if _VARIABLE.search(text):
        return None
    return {"rewrite": text}


def of_rewrite(expression: str, replacement: str, prefix: str) -> PathBecomes | None:
    """What `rewrite` means: on all paths below a prefix, or on those of the pattern in `path`.

    None where it can't be said. Raises: BadPattern for an expression that rpx has not.
    """
    to = _ARGS.sub("", replacement)
    if _VARIABLE.search(to):
        return None
    if "?" in to and not to.endswith("?"):
        to = f"{to}&$query"
    if found := _BELOW.match(expression):
        base = found[1].rstrip("/")
        whole = prefix.rstrip("/") == base
        keeps_slash = found[3] == "(/.*)" or (found[2] is None and not found[1].endswith("/"))
        head = to.removesuffix("$1")
        if whole and to.endswith("$1") and "$" not in head:
            if head.rstrip("/") == "":
                return PathBecomes({"strip_prefix": base} if base else {})
            slash = head if not keeps_slash or head.endswith("/") else f"{head}/"
            return PathBecomes({"rewrite": f"{slash}$1"}, f"{base}/*")
    return PathBecomes({"rewrite": to}, of_expression(expression, below=prefix))


def one_after_another(first: PathBecomes, rule: Rule) -> PathBecomes | None:
    """What becomes of a path by a `rewrite`, and then by what the rule changes; None where that
    can't be said.
    """
    text = str(first.words.get("rewrite", ""))
    if not rule.change:
        return first
    if prefix := rule.change.get("strip_prefix"):
        if text.startswith(f"{prefix}/"):
            return replace(first, words={"rewrite": text[len(prefix) :]})
        return None
    (pattern, *more), to = rule.paths or ("",), str(rule.change.get("rewrite", ""))
    stem = pattern.removesuffix("*")
    if more or not pattern.endswith("/*") or not text.startswith(stem) or to.count("$") != 1:
        return None
    return replace(first, words={"rewrite": to.replace("$1", text[len(stem) :])})


def is_elsewhere(replacement: str) -> bool:
    """Whether a `rewrite` sends clients elsewhere, whatever its flag is."""
    return replacement.startswith(("http://", "https://", "$scheme"))


def redirect_to(text: str, *, whole_path: str, appends_query: bool) -> str | None:
    """A target of `return` or `rewrite` as rpx writes it; None where it can't be said.

    `whole_path` is what stands for $request_uri in the pattern that goes with it.
    `appends_query`: nginx puts the query behind it by itself.
    """
    to = re.sub(rf"^\$scheme://{_HOSTS}", "", text)
    keeps = appends_query or "$request_uri" in to or bool(_ARGS.search(to))
    to = _ARGS.sub("", to)
    to = re.sub(r"\$request_uri|\$uri|\$document_uri", lambda _: whole_path, to)
    if _VARIABLE.search(_GROUP.sub("", to)) or not to:
        return None
    return to if keeps or "?" in to else f"{to}?"


def _literal(text: str) -> str:
    return as_sent(text).replace("$", "$$")


__all__ = [
    "BadPattern",
    "PathBecomes",
    "is_elsewhere",
    "of_rewrite",
    "of_uri",
    "of_variables",
    "one_after_another",
    "redirect_to",
]
