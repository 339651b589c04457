"""Whole files of other tools that somebody has rpx read as an rpx.yaml."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, NoReturn

from rpx.config.yaml.document import Document, Steps
from rpx.config.yaml.excerpt import Spot
from rpx.config.yaml.graph import LINE_BREAK
from rpx.errors import Problem
from rpx.model.file_names import OF_FRAMEWORKS, OF_OTHERS, PROJECT_FILES
from rpx.model.suggest import nearest

_Sign = tuple[str, tuple[str, str]]  # the key by which a file is known; what it is, and a hint

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

_SEE = "`rpx help coming-from` has their words in two columns"
_IMPORT = f"`rpx import {{file}}` writes an rpx.yaml of it; {_SEE}"
_ROUTES = (  # filled in, too, and so with braces that are braces
    f"a host is written as `proxies: [{{{{to: api.localhost, from: localhost:3000}}}}]`, and"
    f" what is for some paths stands in its `routes`; {_SEE}"
)
_SERVICES = (
    "in an rpx.yaml a service that others connect to is an entry of `proxies`, with `to`, `from`"
    " and `start`, any other one of `processes`"
)
_COMPOSE = ("a file of docker compose", _IMPORT)
_PROCESS_COMPOSE = ("a file of process-compose", _IMPORT)
# Files in YAML or JSON, by keys at the top level that no rpx.yaml has.
_BY_KEYS: Final = {
    ("services",): _COMPOSE,
    ("scripts",): ("a package.json", _IMPORT),
    ("apps",): ("an ecosystem file of pm2", f"{_SERVICES}; {_SEE}"),
    ("procs",): ("a file of mprocs", _IMPORT),
    ("apiVersion", "kind"): ("a manifest of Kubernetes", f"{_SERVICES}; {_SEE}"),
}
_OF_PROCESS_COMPOSE: Final = {
    "availability",
    "readiness_probe",
    "liveness_probe",
    "log_location",
    "shutdown",
    "is_daemon",
    "is_tty",
    "disabled",
    "namespace",
    "environment",
    "working_dir",
}
_OF_CONTAINERS: Final = {"image", "build", "container_name", "volumes"}


def foreign_by_name(path: Path, label: str) -> Problem | None:
    """What is wrong where a file is to be read that is another tool's by its name; else None."""
    if kind := OF_OTHERS.get(path.name):
        return Problem(f"{label} is {kind}, not an rpx.yaml", label, hint=_filled(_IMPORT, label))
    if path.name in OF_FRAMEWORKS:
        hint = "`rpx init` looks at such files, and writes an rpx.yaml beside them"
        return Problem(f"{label} is no rpx.yaml", label, hint=hint)
    return None


def _filled(hint: str, label: str) -> str:
    """A hint with the file as it is typed. One that has our name would be written over."""
    if hint is _IMPORT and os.path.basename(label) in PROJECT_FILES:
        return f"give it its own name, and `rpx init` writes an rpx.yaml of it; {_SEE}"
    return hint.format(file=shlex.quote(label))


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
    if {"proxies", "to", "from", "start"} & values.keys():
        return
    found = _by_processes(values) if "processes" in values else _by_keys(values)
    if found is not None:
        key, said = found
        _raise(said, (key,), document)


def _by_processes(values: Mapping[str, object]) -> _Sign | None:
    """`processes` are a word of ours, too."""
    processes = values["processes"]
    each = processes.values() if isinstance(processes, Mapping) else ()
    theirs = any(isinstance(one, Mapping) and one.keys() & _OF_PROCESS_COMPOSE for one in each)
    return ("version", _PROCESS_COMPOSE) if theirs and "version" in values else None


def _by_keys(values: Mapping[str, object]) -> _Sign | None:
    for keys, said in _BY_KEYS.items():
        inner = values.get(keys[0])
        if set(keys) <= values.keys() and (len(keys) > 1 or isinstance(inner, Mapping | list)):
            if keys == ("services",) and not _all_mappings(inner):
                continue
            return keys[0], said
    http = values.get("http")
    if isinstance(http, Mapping) and {"routers", "middlewares"} & http.keys():
        return "http", ("a file of Traefik", _ROUTES)
    if values and _all_mappings(values):
        for name, service in values.items():
            if isinstance(service, Mapping) and service.keys() & _OF_CONTAINERS:
                return name, _COMPOSE
    return None


def _all_mappings(values: object) -> bool:
    return isinstance(values, Mapping) and all(isinstance(v, Mapping) for v in values.values())


def _lines(text: str) -> list[tuple[int, str]]:
    """The lines that say something, with their numbers and without comments."""
    lines = ((n, _COMMENT.sub("", line).rstrip()) for n, line in enumerate(LINE_BREAK.split(text)))
    return [(number, line) for number, line in lines if line]


def _named(first: str, second: str) -> tuple[str, str] | None:
    """What a file is whose first line is none of YAML's."""
    if _NGINX.match(first):
        return "an nginx.conf", _IMPORT
    if _HAPROXY.match(first) and second and not _YAML.match(second):
        return "a haproxy.cfg", _ROUTES
    if _DOTENV.match(first):
        return (
            "a list of variables, as in an .env file",
            "name it in an rpx.yaml: `env_file: FILE`, beside `proxies` or in a service's `start`",
        )
    if first == "{":  # of YAML's own, or Caddy's options
        if _OPTION.match(second) and not _YAML.match(second):
            return "a Caddyfile", _IMPORT
    elif _CADDY.match(first) or (_CADDY.match(second) and not _YAML.match(second)):
        return "a Caddyfile", _IMPORT
    return None


def _ini(first: str, second: str) -> tuple[str, str] | None:
    if first.startswith("[") and _INI.match(first) and _INI.match(second):
        return "an INI or TOML file", f"{_SERVICES}; {_SEE}"
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
    _refuse(("a Procfile", _IMPORT), lines, document)


def _refuse(said: tuple[str, str] | None, lines: list[tuple[int, str]], document: Document) -> None:
    if said is not None:
        number, first = lines[0]
        indent = len(first) - len(first.lstrip())
        document.spots[()] = Spot(number, indent, number, len(first))
        _raise(said, (), document)


def _raise(said: tuple[str, str], steps: Steps, document: Document) -> NoReturn:
    what = f"{document.label} is {said[0]}, not an rpx.yaml"
    document.raise_alone(what, steps, _filled(said[1], document.label))
