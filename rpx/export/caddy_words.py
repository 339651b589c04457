"""Lines of a Caddyfile: blocks, words that need quotes, matchers for what a route asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rpx.model.route import Conditions
from rpx.policy.path_patterns import PathPattern, read_pattern

_PLAIN = re.compile(r"[^\s\"`{}#\\]+|\{[\w.?-]+\}[^\s\"`{}#\\]*")
_VARIABLE = re.compile(r"\$(?:(\$)|([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})|[{}]")
_OF_REQUESTS = {
    "host": "{host}",
    "path": "{http.request.orig_uri.path}",
    "method": "{method}",
    "client": "{client_ip}",
    "scheme": "{scheme}",
    "request_id": "{http.request.uuid}",
}


def indented(lines: Iterable[str]) -> Iterator[str]:
    """Lines within a block; `caddy fmt` uses tabs."""
    return (f"\t{line}" if line else "" for line in lines)


def block(head: str, lines: Iterable[str]) -> list[str]:
    """A directive with a block, or without one where there are no lines."""
    inner = list(indented(lines))
    return [f"{head} {{", *inner, "}"] if inner else [head]


def word(text: str) -> str:
    """A text as one word."""
    if text and _PLAIN.fullmatch(text):
        return text
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'


def seconds(value: float) -> str:
    """A duration."""
    if value != int(value):
        return f"{round(value * 1000)}ms"
    whole = int(value)
    if whole and whole % 3600 == 0:
        return f"{whole // 3600}h"
    return f"{whole // 60}m" if whole and whole % 60 == 0 else f"{whole}s"


def literal(text: str) -> str:
    """A text in which nothing is a placeholder."""
    return re.sub(r"[{}]", lambda found: f"\\{found[0]}", text)


def value_with(text: str, told: Mapping[str, str], labels: int) -> str:
    """The value of a header rule with Caddy's words for the variables of a request. `labels` is how
    many the host has.
    """

    def put(found: re.Match[str]) -> str:
        name = found[2] or found[3]
        if name is None:
            return "$" if found[1] else f"\\{found[0]}"
        if name == "subdomain":
            return f"{{labels.{labels - 1}}}" if labels > 1 else ""
        return _OF_REQUESTS.get(name) or told.get(name, "")

    return _VARIABLE.sub(put, text)


def expression_of(pattern: PathPattern) -> str:
    """A regular expression for the whole of a path, in the dialect of Go, with the same groups."""
    if pattern.text.startswith("~"):
        return f"^(?:{pattern.text[1:].lstrip()})$"
    if pattern.expression is not None:
        # Without backtracking, as in Go, an atomic group is a group like any other.
        return f"^{pattern.expression.pattern.decode().replace('(?>', '(?:')}$"
    stem = re.escape(pattern.stem.decode())
    return f"^{stem}(?:/(.*))?$" if pattern.below else f"^{stem}$"


class Matchers:
    """Named matchers of one site: each name once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def named(self, name: str) -> str:
        """A name that no other matcher of the site has."""
        base = name = re.sub(r"[^A-Za-z0-9_-]", "-", name)
        number = 2
        while name in self._taken:
            name, number = f"{base}-{number}", number + 1
        self._taken.add(name)
        return name


def path_lines(name: str, paths: Sequence[str], *, groups: bool) -> list[str]:
    """Matcher lines for paths of which one must match; `groups`: what `*` takes is needed later."""
    patterns = [read_pattern(text) for text in paths]
    if any(pattern.text == "/*" for pattern in patterns) and not groups:
        return []
    if not groups and all(pattern.expression is None for pattern in patterns):
        words = [each for pattern in patterns for each in _literal_paths(pattern)]
        return [f"path {' '.join(map(word, words))}"]
    whole = "|".join(f"(?:{expression_of(pattern)})" for pattern in patterns)
    if len(patterns) == 1:
        whole = expression_of(patterns[0])
    return [f"path_regexp {name} {_quoted(whole)}"]


def _literal_paths(pattern: PathPattern) -> list[str]:
    stem = pattern.stem.decode()
    return [stem or "/", f"{stem}/*"] if pattern.below else [stem or "/"]


def _quoted(expression: str) -> str:
    return f"`{expression}`" if "`" not in expression else word(expression)


def condition_lines(name: str, conditions: Conditions, *, groups: bool) -> list[str]:
    """Matcher lines for all that a request must be."""
    lines = path_lines(name, conditions.paths, groups=groups) if conditions.paths else []
    if conditions.methods:
        lines.append(f"method {' '.join(conditions.methods)}")
    lines += [f"header {field} {word(value)}" for field, value in conditions.headers]
    lines += [f"query {word(f'{key}={value}')}" for key, value in conditions.query]
    return lines


def filled_template(text: str, name: str, pattern: PathPattern, query: str) -> str:
    """A `rewrite` or `redirect` with Caddy's words for the parts of the path that the matcher
    `name` took. `query` is what `$query` is.
    """
    numbers = dict(pattern.groups)

    def put(found: re.Match[str]) -> str:
        of = found[2] or found[3]
        if of is None:
            return "$" if found[1] else f"\\{found[0]}"
        return query if of == "query" else f"{{re.{name}.{numbers.get(of, 0)}}}"

    return _VARIABLE.sub(put, text)
