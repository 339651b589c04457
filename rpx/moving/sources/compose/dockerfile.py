"""What a Dockerfile tells of a service whose compose file doesn't say its command."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from rpx.config.variables.env_files import label_of
from rpx.errors import RpxError
from rpx.moving.given import text_of_file
from rpx.moving.lined import Lined
from rpx.moving.remarks import Origin
from rpx.moving.sources.compose.compose_files import ComposeProject

_STAGE = re.compile(r"(?P<base>\S+)(?:\s+AS\s+(?P<name>\S+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """Of the stage that is built: its last base, ENTRYPOINT and CMD as one command of a shell, ""
    if it has none, with its place; the ports that it exposes; the folder that it works in.
    """

    base: str
    command: str
    origin: Origin
    ports: tuple[int, ...]
    workdir: str
    says_proxy_pass: bool = False


def read_dockerfile(context: Path, build: Lined, project: ComposeProject) -> Dockerfile | None:
    """None where there is none to be read."""
    path = context / (project.filled(build.get("dockerfile")) or "Dockerfile")
    try:
        text = text_of_file(path) if path.is_file() else None
    except (RpxError, OSError):
        return None
    if text is None:
        return None
    confs = [*context.glob("*.conf"), *context.glob("*.conf.template"), *context.glob("Caddyfile")]
    says = any(_says_proxy(file) for file in confs[:10])
    return _parsed(text, label_of(path), project.filled(build.get("target")), says)


def _says_proxy(file: Path) -> bool:
    try:
        text = text_of_file(file)
    except RpxError:
        return False
    return "proxy_pass" in text or "reverse_proxy" in text


def _parsed(text: str, label: str, target: str, says_proxy: bool) -> Dockerfile:
    bases: dict[str, str] = {}
    base, stage = "", ""
    found: dict[str, tuple[str, int]] = {}
    by_stage: dict[str, dict[str, tuple[str, int]]] = {}
    for number, word, rest in _instructions(text):
        if word == "FROM" and (match := _STAGE.match(re.sub(r"--\S+\s+", "", rest))):
            if target and stage == target:
                break
            base, stage = match["base"], match["name"] or ""
            found = dict(by_stage.get(base, {}))
            base = bases.get(base, base)
            bases[stage or base] = base
            by_stage[stage] = found
        elif word in {"CMD", "ENTRYPOINT", "WORKDIR"}:
            found[word] = (rest, number)
        elif word == "EXPOSE":
            found[word] = (f"{found.get(word, ('', 0))[0]} {rest}", number)
    parts = [found[word] for word in ("ENTRYPOINT", "CMD") if word in found]
    ports = [each.partition("/")[0] for each in found.get("EXPOSE", ("", 0))[0].split()]
    return Dockerfile(
        base,
        " ".join(_shell(text) for text, _ in parts),
        Origin(label, parts[-1][1] if parts else 1),
        tuple(int(port) for port in ports if port.isdigit()),
        found.get("WORKDIR", ("", 0))[0],
        says_proxy,
    )


def _instructions(text: str) -> list[tuple[int, str, str]]:
    """Line, word and rest of each, with continued lines as one."""
    done: list[tuple[int, str, str]] = []
    begun, first = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        first = first or number
        begun += stripped
        if begun.endswith("\\"):
            begun = begun[:-1] + " "
            continue
        word, _, rest = begun.partition(" ")
        done.append((first, word.upper(), rest.strip()))
        begun, first = "", 0
    return done


def _shell(written: str) -> str:
    """CMD and ENTRYPOINT are a list in JSON, or a text for the shell."""
    try:
        words = json.loads(written)
    except ValueError:
        return written
    return shlex.join(map(str, words)) if isinstance(words, list) else written
