"""Whole files of other tools that somebody has rpx read as an rpx.yaml."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from rpx.config.document import Document
from rpx.config.excerpt import Spot
from rpx.config.yaml_graph import LINE_BREAK, fail
from rpx.model.suggest import nearest

_BLANK = re.compile(r"\s*(?:#.*)?\Z")
_PROCFILE = re.compile(r"([A-Za-z0-9_-]+):\s*(\S.*)\Z")
_NGINX = re.compile(r"\s*(?:http|server|events|upstream\s+\S+|location\s+\S.*)\s*\{\s*\Z")
_CADDY = re.compile(
    r"\s*(?:reverse_proxy|file_server|php_fastcgi)(?:\s|\Z)|\s*(?:[\w.*:/-]+[\s,]+)*[\w.*:/-]*\s*\{\s*\Z"
)


def refuse_foreign_text(text: str, document: Document, known: Collection[str]) -> None:
    """Raise ConfigError for a Procfile, an nginx.conf or a Caddyfile. `known`: our settings."""
    lines = [
        (number, line)
        for number, line in enumerate(LINE_BREAK.split(text))
        if not _BLANK.match(line)
    ]
    if not lines:
        return
    number, first = lines[0]
    spot = Spot(number, len(first) - len(first.lstrip()), number, len(first))
    found = [_PROCFILE.match(line) for _, line in lines]
    entries = [(match[1], match[2]) for match in found if match is not None]
    if len(entries) == len(lines) and _is_procfile(entries, known):
        fail(
            document,
            spot,
            f"{document.label} is a Procfile",
            "in an rpx.yaml its lines stand, indented, below `processes:`; what serves a host is an"
            f" entry of `proxies`: `{{to: {entries[0][0]}.localhost, start: COMMAND}}`, where the"
            " COMMAND listens on $PORT; see docs/coming-from.md",
        )
    for pattern, what in ((_NGINX, "an nginx.conf"), (_CADDY, "a Caddyfile")):
        if any(pattern.match(line) for _, line in lines[:2]):
            fail(
                document,
                spot,
                f"{document.label} is {what}, not an rpx.yaml",
                "a route is written as `proxies: [{to: api.localhost, from: localhost:3000}]`; see"
                " docs/coming-from.md",
            )


def _is_procfile(entries: list[tuple[str, str]], known: Collection[str]) -> bool:
    """Whether these are names and commands: no setting of ours, and not all misspelt ones."""
    names = [name for name, _ in entries]
    if any(name in known for name in names) or all(nearest(name, known) for name in names):
        return False
    return any(" " in command for _, command in entries)


def refuse_compose(document: Document) -> None:
    """Raise ConfigError for a file of docker compose."""
    values = document.values
    services = values.get("services")
    if not isinstance(services, Mapping) or {"proxies", "processes"} & values.keys():
        return
    if not all(isinstance(service, Mapping) for service in services.values()):
        return
    document.raise_alone(
        f"{document.label} is a file of docker compose",
        ("services",),
        "in an rpx.yaml a service that others connect to is an entry of `proxies`, with `to`,"
        " `from` and `start`, any other one of `processes`; one in a container has the command"
        " `docker run --rm …`; see docs/coming-from.md",
    )
