"""What Caddy does to paths: `strip_prefix`, `rewrite`, and where `redir` sends clients."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rpx.moving.draft import Written
from rpx.moving.sites.path_sets import Paths
from rpx.moving.sources.caddy.adapting import Json

_PLACEHOLDER = re.compile(r"\{[\w.-]+\}")
_GROUP = re.compile(r"\{http\.regexp\.(?:[\w-]+\.)?(\d+)\}")
_QUERY = "{http.request.uri.prefixed_query}"  # with its question mark, where there is one
_SAME_HOST = re.compile(r"https?://\{http\.request\.(?:host|hostport)\}(?::\d+)?(?=/|\{)")


@dataclass(frozen=True, slots=True)
class Changed:
    """What has become of a path: a beginning was cut off, and then it was replaced by `rewrite`."""

    cut: str = ""
    rewrite: str = ""

    @property
    def words(self) -> Written:
        """Of a route."""
        if self.rewrite:
            return {"rewrite": self.rewrite}
        return {"strip_prefix": self.cut} if self.cut else {}


def rewritten(handler: Json, before: Changed, paths: Paths) -> tuple[Changed, Paths] | None:
    """What a `rewrite` handler makes of it; None where that can't be said."""
    if prefix := handler.get("strip_path_prefix"):
        if before.rewrite:
            return None
        return Changed(before.cut + str(prefix).rstrip("/")), paths
    uri = handler.get("uri")
    if not isinstance(uri, str) or before.rewrite:
        return None
    made = filled_path(uri, paths, before.cut, keeps_query=False)
    if made is None:
        return None
    text, paths = made
    return Changed(before.cut, text), paths


def redirect_of(location: str, status: int, paths: Paths, changed: Changed) -> Written | None:
    """The words of a route for a redirect; None where that can't be said."""
    if changed.rewrite:
        return None
    target = _SAME_HOST.sub("", location) if location.startswith("http://") else location
    made = filled_path(target, paths, changed.cut, keeps_query=True)
    if made is None or (status not in {301, 302, 303, 307, 308}):
        return None
    text = made[0]
    found: Written = {"redirect": text if status == 302 else {"to": text, "status": status}}
    if made[1] != paths and made[1] is not None:
        found = {"path": made[1][0], **found}
    return found


def filled_path(
    text: str, paths: Paths, cut: str, *, keeps_query: bool
) -> tuple[str, Paths] | None:
    """A target with rpx's variables for Caddy's, and the patterns that it is to be used with.

    `keeps_query`: it is a redirect, where Caddy adds no query by itself.
    """
    whole = "{http.request.uri}" in text
    queried = whole or "{http.request.uri.query}" in text or _QUERY in text
    text = text.replace("$", "$$").replace(_QUERY, "")
    text = text.replace("?{http.request.uri.query}", "").replace(
        "{http.request.uri.query}", "$query"
    )
    text = _GROUP.sub(r"$\1", text)
    needs = "{http.request.uri}" in text or "{http.request.uri.path}" in text
    if needs:
        path, paths = _whole_path(paths, cut)
        if path is None:
            return None
        for placeholder in ("{http.request.uri}", "{http.request.uri.path}"):
            text = text.replace(placeholder, path)
    if _PLACEHOLDER.search(text):
        return None
    if keeps_query and not queried and "?" not in text:
        text += "?"
    return text, paths


def _whole_path(paths: Paths, cut: str) -> tuple[str | None, Paths]:
    """What stands for the path of the request, after something was cut off."""
    if paths is None:
        return "/$1", ("/*",)
    if len(paths) != 1:
        return None, paths
    (pattern,) = paths
    if pattern.startswith("~"):
        if cut or not pattern.startswith("~/"):
            return None, paths
        return "/$1", (f"~/({pattern[2:]})",)
    stem = pattern.removesuffix("/*")
    if "*" in stem or not stem.startswith(cut):
        return None, paths
    rest = stem[len(cut) :]
    if pattern.endswith("/*"):
        return f"{rest}/$1", paths
    return rest or "/", paths
