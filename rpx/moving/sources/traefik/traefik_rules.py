"""Rules of Traefik's routers, ``Host(`a`) && (PathPrefix(`/x`) || Method(`GET`))``, in parts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from rpx.moving.draft import Written
from rpx.moving.sources.nginx.location_patterns import (
    BadPattern,
    of_expression,
    of_path,
    of_prefix,
)

_TOKEN = re.compile(r"\s*(?:(&&|\|\||!|\(|\))|(\w+)\(((?:`[^`]*`|\"[^\"]*\"|[^)`\"])*)\))")
_TEXT = re.compile(r"`([^`]*)`|\"([^\"]*)\"")
_WILD = re.compile(r"\^?(?:\{\w+:[^}]*\}|\[[^\]]*\]\+|\.\+|\(\?P<\w+>[^)]*\))\\?\.(.+?)\$?\Z")


class NoSuchRule(Exception):
    """A rule, or a part of one, that rpx has no words for."""


@dataclass(slots=True)
class RuleParts:
    """What all has to hold: hosts and paths, of which one must; the rest in words of a route."""

    hosts: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    conditions: Written = field(default_factory=dict)


Matchers = list[tuple[str, list[str]]]  # names and their texts, which all have to hold


def parts_of(rule: str) -> list[RuleParts]:
    """What a rule means, of which one has to hold. Raises: NoSuchRule."""
    tokens = _tokens(rule)
    found, rest = _either(tokens)
    if rest:
        raise NoSuchRule(f"`{rule}` can't be read")
    return [_parts(matchers) for matchers in _joined(found)]


def _tokens(rule: str) -> list[str | tuple[str, list[str]]]:
    found: list[str | tuple[str, list[str]]] = []
    at = 0
    while at < len(rule.rstrip()):
        match = _TOKEN.match(rule, at)
        if match is None:
            raise NoSuchRule(f"`{rule}` can't be read")
        texts = [one or other for one, other in _TEXT.findall(match[3] or "")]
        found.append(match[1] or (match[2], texts))
        at = match.end()
    return found


Tokens = list[str | tuple[str, list[str]]]


def _either(tokens: Tokens) -> tuple[list[Matchers], Tokens]:
    found, rest = _both(tokens)
    while rest[:1] == ["||"]:
        more, rest = _both(rest[1:])
        found = found + more
    return found, rest


def _both(tokens: Tokens) -> tuple[list[Matchers], Tokens]:
    found, rest = _one(tokens)
    while rest[:1] == ["&&"]:
        more, rest = _one(rest[1:])
        found = [one + other for one in found for other in more]
    return found, rest


def _one(tokens: Tokens) -> tuple[list[Matchers], Tokens]:
    if not tokens:
        raise NoSuchRule("the rule has no end")
    first, rest = tokens[0], tokens[1:]
    if first == "!":
        raise NoSuchRule("rpx has no `!`: write the other routes before it")
    if first == "(":
        found, rest = _either(rest)
        if rest[:1] != [")"]:
            raise NoSuchRule("a parenthesis has no end")
        return found, rest[1:]
    if isinstance(first, str):
        raise NoSuchRule(f"`{first}` stands where a matcher should")
    return [[first]], rest


def _joined(found: list[Matchers]) -> list[Matchers]:
    """Alternatives that differ in their hosts alone are one, with several hosts."""
    joined: list[Matchers] = []
    for matchers in found:
        others = [each for each in matchers if each[0] != "Host"]
        for there in joined:
            if others == [each for each in there if each[0] != "Host"] and len(there) > len(others):
                hosts = [text for name, texts in matchers if name == "Host" for text in texts]
                there.append(("Host", hosts))
                break
        else:
            joined.append(list(matchers))
    return joined


def _parts(matchers: Matchers) -> RuleParts:
    found = RuleParts()
    for name, texts in matchers:
        try:
            _add(found, name, texts)
        except BadPattern as error:
            raise NoSuchRule(str(error)) from None
    return found


def _add(found: RuleParts, name: str, texts: list[str]) -> None:
    if name in _PATHS:
        found.paths += [path for text in texts for path in _PATHS[name](text)]
        return
    match name:
        case "Host" | "HostHeader":
            found.hosts += [text.lower() for text in texts]
        case "HostRegexp":
            found.hosts += [_wild(text) for text in texts]
        case "Method":
            found.conditions["method"] = texts[0] if len(texts) == 1 else texts
        case "Header" | "Headers" if len(texts) == 2:
            found.conditions.setdefault("headers", {})[texts[0]] = texts[1]
        case "Query" if texts:
            pairs = [texts] if "=" not in texts[0] else [text.split("=", 1) for text in texts]
            said = found.conditions.setdefault("query", {})
            said.update({key: (value or ["*"])[0] for key, *value in pairs})
        case _:
            raise NoSuchRule(f"rpx has no `{name}`")


_PATHS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "PathPrefix": lambda text: of_prefix(text.rstrip("/") or "/"),
    "Path": of_path,
    "PathRegexp": lambda text: (of_expression(text),),
}


def _wild(text: str) -> str:
    found = _WILD.match(text)
    if found is None:
        raise NoSuchRule(f"rpx has no expressions for hosts: {text}")
    return f"*.{found[1]}".replace("\\", "")
