"""A Caddyfile in Caddy's own JSON, and which line of the Caddyfile something is from."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rpx.config.variables.env_files import label_of
from rpx.errors import Exit, RpxError
from rpx.moving.given import origin, text_of_file
from rpx.moving.remarks import Origin
from rpx.programs import PATIENCE, found

Json = dict[str, Any]

_NEW = re.compile(r"unrecognized (?:subdirective|servers option)|module not registered")
_PLACE = re.compile(r":(\d+)(?=[\s:,-]|$)")


class NewWord(RpxError):
    """Caddy is older than a word of the file, in this line."""

    line = 0


@dataclass(frozen=True, slots=True)
class Adapted:
    """What caddy makes of a file, and the file."""

    json: Json
    path: Path
    lines: tuple[str, ...]
    unknown: tuple[int, ...] = ()  # numbers of lines that were left out: this caddy is too old

    def line_of_host(self, host: str) -> Origin:
        """The first line that has this host as a whole."""
        whole = re.compile(rf"(?<![\w.*-]){re.escape(host)}(?![\w.-])")
        for number, line in enumerate(self.lines, 1):
            if whole.search(line) and not line.lstrip().startswith("#"):
                return origin(self.path, number)
        return origin(self.path)

    def line_of(self, *texts: str, after: int = 0) -> Origin:
        """The first line below another one that has all of these texts; else that line."""
        for number, line in enumerate(self.lines[after:], after + 1):
            if all(text in line for text in texts) and not line.lstrip().startswith("#"):
                return origin(self.path, number)
        return origin(self.path, after)


def adapted(path: Path, environ: Mapping[str, str], within: str | None = None) -> Adapted:
    """What a Caddyfile means, or the JSON that caddy has made of one already. `within`: the text of
    one that stands within the file, below as many empty lines as there are lines before it.

    Raises: RpxError.
    """
    text = text_of_file(path) if within is None else within
    lines = tuple(text.split("\n"))
    if is_adapted(text):
        try:
            return Adapted(json.loads(text), path, lines)
        except ValueError as error:
            raise _refused(path, f"is no JSON: {error}", getattr(error, "lineno", 0)) from None
    if within is None:
        return Adapted(_by_caddy(path, environ, None), path, lines)
    return _as_far_as_known(path, environ, lines)


def _as_far_as_known(path: Path, environ: Mapping[str, str], lines: tuple[str, ...]) -> Adapted:
    """A text without the lines that are for a newer caddy than this one. Raises: RpxError."""
    left = list(lines)
    unknown: set[int] = set()
    while True:
        try:
            read = _by_caddy(path, environ, "\n".join(left))
        except NewWord as error:
            numbers = _lines_like(left, error.line)
            if not numbers:
                raise
            unknown |= numbers
            for number in numbers:
                left[number - 1] = ""
        else:
            if "fallback" not in json.dumps(read):  # 2.6 takes it, and does nothing
                unknown |= {
                    at for at, line in enumerate(left, 1) if line.split()[:1] == ["fallback"]
                }
            return Adapted(read, path, lines, tuple(sorted(unknown)))


def _lines_like(lines: list[str], number: int) -> set[int]:
    """The numbers of all lines that begin as one does; none if that is empty, or has a block."""
    if not 0 < number <= len(lines):
        return set()
    words = lines[number - 1].split()
    if not words or words[-1] == "{" or "}" in words:
        return set()
    begin = words[: 2 if words[0] == "lb_policy" else 1]
    return {
        at
        for at, line in enumerate(lines, 1)
        if line.split()[: len(begin)] == begin and not line.rstrip().endswith("{")
    }


def is_adapted(text: str) -> bool:
    """Whether a text is Caddy's JSON."""
    return text.lstrip().startswith("{") and bool(re.search(r'"apps"\s*:\s*\{', text))


def _by_caddy(path: Path, environ: Mapping[str, str], within: str | None) -> Json:
    caddy = found("caddy")
    if caddy is None:
        raise RpxError(
            f"{label_of(path)} can be read only with caddy, which isn't installed here",
            hint="install caddy; or run `caddy adapt > caddy.json` where it is, and"
            " `rpx import caddy.json`",
        )
    file = path if within is None else Path("/dev/stdin")
    try:
        done = subprocess.run(
            (caddy, "adapt", "--adapter", "caddyfile", "--config", file),
            input=(within or "").encode(),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
            cwd=path.parent,
            env=dict(environ),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RpxError(f"caddy could not be asked: {error}", hint="try `caddy adapt`") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["nothing"]
        why = said[-1].removeprefix("Error: ").removeprefix("adapting config using caddyfile: ")
        is_new = bool(_NEW.search(why))
        if is_new:
            why += f"; it may be too old for the file: {_version(caddy)}"
        places = _PLACE.findall(why)
        if within is not None:  # of nested blocks the innermost one says it
            why, places = why.rpartition(" - Error during parsing: ")[2], places[::-1]
        kind = NewWord if is_new else RpxError
        line = int(places[0]) if places else 0
        raise _refused(path, f"caddy refuses it: {why}", line, kind)
    try:
        read: Json = json.loads(done.stdout)
    except ValueError:
        raise _refused(path, "caddy said something that is no JSON", 0) from None
    return read


def _version(caddy: str) -> str:
    """What it says of its version."""
    try:
        done = subprocess.run(
            (caddy, "version"), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return "its version is not known"
    return f"it is {done.stdout.split(maxsplit=1)[0]}" if done.stdout.strip() else "no version"


def _refused(path: Path, why: str, line: int, kind: type[RpxError] = RpxError) -> RpxError:
    label = label_of(path)
    error = kind(
        f"{label}: {why}",
        where=f"{label}:{line}" if line else label,
        hint="`caddy validate` says more; where a word is new, install a newer caddy",
        exit_code=Exit.USAGE,
    )
    if isinstance(error, NewWord):
        error.line = line
    return error
