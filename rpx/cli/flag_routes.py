"""`--path`, `--static` and `--strip`: the routes of a project on the command line.

A path stands for itself and all below it, as in `to`; whoever needs other conditions writes an
rpx.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rpx.errors import UsageError

_PATTERN = re.compile(r"/(?:[^/*]*\*|:)")  # where a segment begins that isn't one text

_OF_A_ROUTE = re.compile(r"`[\w.]+` of route (\d+)|\broutes\[(\d+)\](?:\.\w+(?:\[\d+\])?)*")


def routes_of(flags: Mapping[str, Any]) -> dict[str, object]:
    """The settings `routes` and `static` of rpx.yaml, as far as flags have them.

    Raises: UsageError for what is none of `PATH=…`.
    """
    backends: dict[str, list[str]] = {}
    for text in flags.get("path", ()):
        path, equals, addresses = text.partition("=")
        if not (equals and path.startswith("/") and addresses):
            raise UsageError(
                f"`--path {text}` is not a path and who answers there",
                hint="for example `--path /api=4000`, or `--path /api=4000,4001`",
            )
        backends.setdefault(path, []).extend(parts([addresses]))
    folders = [_path_and_folder(text) for text in flags.get("static", ())]
    routes: list[tuple[str, str, object]] = [
        *((path, "from", each) for path, each in backends.items()),
        *((path, "static", folder) for path, folder in folders if path),
    ]
    if flags.get("strip") and not routes:
        raise UsageError(
            "`--strip` cuts paths off, and there is no `--path`",
            hint="for example `--path /api=4000 --strip`",
        )
    found: dict[str, object] = {}
    if routes:
        # As of entries of one host, so that the order of flags means nothing.
        routes.sort(key=lambda route: -len(_literal(route[0])))
        strip = bool(flags.get("strip"))
        found["routes"] = [_route(path, {key: who}, strip=strip) for path, key, who in routes]
    if rest := [folder for path, folder in folders if not path]:
        if len(rest) > 1:
            raise UsageError(
                f"`--static {rest[1]}`: there is `--static {rest[0]}` already",
                hint=f"give it a path: `--static /assets={rest[1]}`",
            )
        if "from_" in flags or "start" in flags:
            other = "--from" if "from_" in flags else "--start"
            raise UsageError(
                f"`--static {rest[0]}` and `{other}` both answer what no path takes",
                hint=f"give one of them a path: `--static /assets={rest[0]}`,"
                " or `--path /api=…` instead of `--from`",
            )
        found["static"] = rest[0]
    return found


def words_of(routes: object) -> list[str]:
    """How each of `routes`, as routes_of has them, stands on the command line."""
    return [_word(route) for route in routes] if isinstance(routes, list) else []


def with_words(text: str, words: Sequence[str]) -> str:
    """A text about the settings of routes as one about these words: "`path` of route 2 …"."""

    def word(found: re.Match[str]) -> str:
        number = int(found[1]) - 1 if found[1] else int(found[2])
        return f"`{words[number]}`" if number < len(words) else found[0]

    return _OF_A_ROUTE.sub(word, text) if words else text


def parts(texts: Sequence[str]) -> list[str]:
    """What stands between commas."""
    return [part.strip() for text in texts for part in text.split(",")]


def _path_and_folder(text: str) -> tuple[str, str]:
    """Of `/assets=./public` both; of a folder alone no path."""
    path, equals, folder = text.partition("=")
    if not (equals and path.startswith("/") and folder):
        return "", text
    return path, folder


def _route(path: str, who: Mapping[str, object], *, strip: bool) -> dict[str, object]:
    literal = _literal(path)
    whole = literal == path.rstrip("/")
    found: dict[str, object] = {"path": f"{literal}/*" if whole else path, **who}
    return {**found, "strip_prefix": literal} if strip and literal else found


def _literal(path: str) -> str:
    """The beginning of a path before what is a pattern, without a slash at its end."""
    found = _PATTERN.search(path)
    return path[: found.start()] if found else path.rstrip("/")


def _word(route: Mapping[str, object]) -> str:
    path = str(route["path"]).removesuffix("/*") or "/"
    addresses = route.get("from")
    if isinstance(addresses, list):
        return f"--path {path}={','.join(addresses)}"
    return f"--static {path}={route['static']}"
