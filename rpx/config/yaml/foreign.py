"""Whole files of other tools that somebody has rpx read as an rpx.yaml."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from rpx.config.yaml.document import Document
from rpx.config.yaml.excerpt import Spot
from rpx.config.yaml.graph import LINE_BREAK
from rpx.model.suggest import nearest

_COMMENT = re.compile(r"(?:^|\s)#.*")
# How a line of YAML begins, or goes on: an indicator, or a key and its colon.
_YAML = re.compile(r"[\"'\[?&!%|>@`-]|\{(?!\$|\Z)|.*:(?:\s|\Z)")

_PROCFILE = re.compile(r"([A-Za-z0-9_-]+):\s*([^\s{\[&*|>!].*)")
_NGINX = re.compile(
    r"[a-z_]+(?:\s[^{}]*)?;|(?:http|server|events|stream|mail|upstream|location|map|geo|types)\b.*\{"
)
_CADDY = re.compile(
    r".*\{\Z|(?:reverse_proxy|file_server|php_fastcgi|respond|redir|handle|handle_path|root|encode"
    r"|tls|import|header|rewrite|route|basic_auth|templates)(?:\s|\Z)"
)
_OPTION = re.compile(r"[a-z_]+(?:\s+[^\s,].*)?(?<!,)\Z")
_HAPROXY = re.compile(r"(?:global|defaults|(?:frontend|backend|listen)\s+\S+)\Z")
_INI = re.compile(r"\[.+\]\Z|[\w.-]+\s*=")
_DOTENV = re.compile(r"(?:export\s+)?[A-Za-z_]\w*=")

_SEE = "see docs/coming-from.md"
_ROUTES = (
    f"a host is written as `proxies: [{{to: api.localhost, from: localhost:3000}}]`, and"
    f" what is for some paths stands in its `routes`; {_SEE}"
)
_SERVICES = (
    "in an rpx.yaml a service that others connect to is an entry of `proxies`, with `to`, `from`"
    " and `start`, any other one of `processes`"
)
_COMPOSE = (
    "a file of docker compose",
    f"{_SERVICES}; one in a container has an `image`; {_SEE}",
)
# Files in YAML or JSON, by keys at the top level that no rpx.yaml has.
_BY_KEYS: Final = {
    ("services",): _COMPOSE,
    ("scripts",): (
        "a package.json",
        f"write an rpx.yaml: `proxies: [{{to: web.localhost, start: npm run dev}}]`; {_SEE}",
    ),
    ("apps",): ("an ecosystem file of pm2", f"{_SERVICES}; {_SEE}"),
    ("procs",): ("a file of mprocs", f"{_SERVICES}; {_SEE}"),
    ("apiVersion", "kind"): ("a manifest of Kubernetes", f"{_SERVICES}; {_SEE}"),
}
_OF_CONTAINERS: Final = {"image", "build", "container_name", "volumes"}


def refuse_foreign_text(text: str, document: Document, known: Collection[str]) -> None:
    """Raise ConfigError for a file in another syntax. `known`: our settings."""
    lines = _lines(text)
    if not lines:
        return
    _refuse_procfile(lines, document, known, most=len(lines))
    first = lines[0][1].strip()
    second = lines[1][1].strip() if len(lines) > 1 else ""
    if _YAML.match(first):
        _refuse(_ini(first, second), lines, document)
    else:
        _refuse(_named(first, second), lines, document)


def refuse_broken_procfile(text: str, document: Document, known: Collection[str]) -> None:
    """Raise ConfigError for a text that isn't YAML, if half of its lines are those of a Procfile.

    foreman and honcho pass over the other lines.
    """
    lines = _lines(text)
    _refuse_procfile(lines, document, known, most=2 * len(lines) // 3)


def refuse_foreign_values(document: Document) -> None:
    """Raise ConfigError for a file of another tool that is in YAML or JSON, too."""
    values = document.values
    if {"proxies", "processes", "to", "from", "start"} & values.keys():
        return
    for keys, said in _BY_KEYS.items():
        inner = values.get(keys[0])
        if set(keys) <= values.keys() and (len(keys) > 1 or isinstance(inner, Mapping | list)):
            if keys == ("services",) and not _all_mappings(inner):
                continue
            document.raise_alone(f"{document.label} is {said[0]}", keys[:1], said[1])
    if values and _all_mappings(values):
        for name, service in values.items():
            if isinstance(service, Mapping) and service.keys() & _OF_CONTAINERS:
                document.raise_alone(f"{document.label} is {_COMPOSE[0]}", (name,), _COMPOSE[1])


def _all_mappings(values: object) -> bool:
    return isinstance(values, Mapping) and all(isinstance(v, Mapping) for v in values.values())


def _lines(text: str) -> list[tuple[int, str]]:
    """The lines that say something, with their numbers and without comments."""
    lines = ((n, _COMMENT.sub("", line).rstrip()) for n, line in enumerate(LINE_BREAK.split(text)))
    return [(number, line) for number, line in lines if line]


def _named(first: str, second: str) -> tuple[str, str] | None:
    """What a file is whose first line is none of YAML's."""
    if _NGINX.match(first):
        return "an nginx.conf, not an rpx.yaml", _ROUTES
    if _HAPROXY.match(first) and second and not _YAML.match(second):
        return "a haproxy.cfg, not an rpx.yaml", _ROUTES
    if _DOTENV.match(first):
        return (
            "a list of variables, as in an .env file",
            "name it in an rpx.yaml: `env_file: FILE`, beside `proxies` or in a service's `start`",
        )
    if first == "{":  # of YAML's own, or Caddy's options
        if _OPTION.match(second) and not _YAML.match(second):
            return "a Caddyfile, not an rpx.yaml", _ROUTES
    elif _CADDY.match(first) or (_CADDY.match(second) and not _YAML.match(second)):
        return "a Caddyfile, not an rpx.yaml", _ROUTES
    return None


def _ini(first: str, second: str) -> tuple[str, str] | None:
    if first.startswith("[") and _INI.match(first) and _INI.match(second):
        return "an INI or TOML file, not an rpx.yaml", f"{_SERVICES}; {_SEE}"
    return None


def _refuse_procfile(
    lines: list[tuple[int, str]], document: Document, known: Collection[str], *, most: int
) -> None:
    """`most`: so many lines have to be a Procfile's: names, and their commands."""
    found = [match for _, line in lines if (match := _PROCFILE.match(line))]
    names = [match[1] for match in found]
    if len(found) < max(most, 1) or any(name in known for name in names):
        return
    if all(nearest(name, known) for name in names) or not any(
        re.search(r"[\s/]", match[2]) for match in found
    ):
        return
    serving = next((match[1] for match in found if "PORT" in match[2]), names[0])
    shown = "web" if "web" in names else serving
    hint = (
        "in an rpx.yaml its lines stand, indented, below `processes:`; what serves a host is an"
        f" entry of `proxies`: `{{to: {shown}.localhost, start: COMMAND}}`, where the COMMAND"
        f" listens on $PORT; {_SEE}"
    )
    _refuse(("a Procfile", hint), lines, document)


def _refuse(said: tuple[str, str] | None, lines: list[tuple[int, str]], document: Document) -> None:
    if said is not None:
        number, first = lines[0]
        indent = len(first) - len(first.lstrip())
        document.spots[()] = Spot(number, indent, number, len(first))
        document.raise_alone(f"{document.label} is {said[0]}", (), said[1])
