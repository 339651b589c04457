"""The variables of one service as another tool is told them: as written, and as they are now."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rpx.config.variables.interpolate import Uninterpolable, interpolate
from rpx.config.yaml.document import Steps
from rpx.export.meeting import Meeting, told, told_of_itself
from rpx.export.project_parts import ExportService, Parts
from rpx.export.said import Remarked
from rpx.model.late import filled, mark

_NAMED = re.compile(r"\$(?:\$|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)([^}]*)\})")
_HERE: Final = ("localhost", "127.0.0.1", "::1", "[::1]")
_AT_HOME = re.compile(r"(?<![\w.-])(?:localhost|127\.0\.0\.1|\[::1\]):([0-9]{2,5})(?![0-9])")
# Names of variables that are built into pages, or compared with what browsers send.
_FOR_BROWSERS = re.compile(
    r"(?:^|_)(?:PUBLIC|VITE|REACT_APP|VUE_APP|GATSBY|BROWSER|CORS|ORIGINS?|ALLOWED)(?:_|$)"
)


@dataclass(frozen=True, slots=True)
class Variable:
    """One that rpx.yaml sets. `raw` is as written, with what rpx fills in itself in its place and
    all other `$` left; `text` is all filled in. `outside` are the variables of others that are in
    it. It may be `passed` on from outside as it is, or `taken` away: there is no text then.
    """

    name: str
    at: Steps
    raw: str = ""
    text: str = ""
    outside: tuple[str, ...] = ()
    passed: bool = False
    taken: bool = False


@dataclass(frozen=True, slots=True)
class EnvironmentFile:
    """A file of variables, by its path as written."""

    path: str
    required: bool


class Environment:
    """What services are told in a world where they meet each other in another way."""

    def __init__(self, parts: Parts, meeting: Meeting, said: Remarked) -> None:
        self.told = told(parts, meeting)
        self._parts = parts
        self._meeting = meeting
        self._said = said

    def own(self, service: ExportService) -> dict[str, str]:
        """What rpx says of the service to itself, PORT first, as far as rpx.yaml has no other."""
        return told_of_itself(self._parts, service, self._meeting)

    def files(self, service: ExportService) -> list[EnvironmentFile]:
        """Those whose variables it has, each over those before it."""
        found: dict[str, EnvironmentFile] = {}
        if os.path.isfile(self._parts.root / ".env"):
            found[".env"] = EnvironmentFile(".env", required=False)
        for at in (("env_file",), (*service.at, "env_file")):
            for each in self._listed_files(self._parts.written.value(at)):
                found.pop(each.path, None)
                found[each.path] = each
        return list(found.values())

    def variables(self, service: ExportService) -> list[Variable]:
        """Those of `env`, the project's first, in the order written."""
        found: dict[str, Variable] = {}
        own = {**self.told, **self.own(service)}
        for at in (("env",), (*service.at, "env")):
            for name, raw, steps in _written(self._parts.written.value(at), at):
                variable = self._variable(service, name, raw, steps, own)
                if at == ("env",) and self._is_hidden(service, variable):
                    continue
                found[name] = variable
        return [self._split_address(each, found, service) for each in found.values()]

    def text(self, service: ExportService, text: str) -> str:
        """A text in which variables of rpx's own may stand, with those filled in."""
        return filled(text, {**self.told, **self.own(service)})

    def _variable(
        self, service: ExportService, name: str, raw: str | None, at: Steps, own: Mapping[str, str]
    ) -> Variable:
        effective = service.start.env.get(name)
        if raw is None:
            return Variable(name, at, outside=(name,), passed=True)
        if effective is None:
            return Variable(name, at, taken=True)
        outside = tuple(dict.fromkeys(_outside(raw, own)))
        if outside and _without_others(raw, own) == filled(effective, own):
            outside = ()  # its defaults are what it is
        text = self._at_home(service, name, filled(effective, own), at)
        raw = self._at_home(service, name, _put_in(raw, own), at, say=False)
        return Variable(name, at, raw, text, outside)

    def _is_hidden(self, service: ExportService, variable: Variable) -> bool:
        """Whether a file of the service itself says something else than the project's `env`."""
        effective = service.start.env.get(variable.name)
        return (
            not variable.taken
            and "$" not in variable.raw
            and effective is not None
            and "\0" not in effective
            and self._at_home(service, "", effective, variable.at, say=False) != variable.raw
        )

    def _at_home(
        self, service: ExportService, name: str, text: str, at: Steps, *, say: bool = True
    ) -> str:
        """A text with `localhost:PORT` of other services as where those are."""

        def there(found: re.Match[str]) -> str:
            behind = self._parts.behind(("localhost", int(found[1])))
            if behind is None or behind[0].family == service.family:
                return found[0]
            host = self._meeting.places.get(behind[0].family, ("", 0))[0]
            place = f"{host}:{self._port(behind[0], behind[1])}"
            if not host or place == found[0]:
                return found[0]
            if _FOR_BROWSERS.search(name):
                if say:
                    why = f"{found[0]} was left: it looks like a place for browsers"
                    self._said.guessed(service.family, name, why, at)
                return found[0]
            if say:
                why = f"{found[0]} is {behind[0].family} here, and was written as {place}"
                self._said.guessed(service.family, name, why, at)
            return place

        return _AT_HOME.sub(there, text)

    def _port(self, service: ExportService, inside: int) -> int:
        host, port = self._meeting.places.get(service.family, ("", inside))
        return port if inside == service.port else inside if host else port

    def _split_address(
        self, variable: Variable, beside: Mapping[str, Variable], service: ExportService
    ) -> Variable:
        """`DB_HOST: localhost` beside `DB_PORT: 5432` of another service is where that is."""
        if variable.text not in _HERE or not variable.name.endswith("HOST"):
            return variable
        port = beside.get(f"{variable.name.removesuffix('HOST')}PORT")
        if port is None or not port.text.isdecimal():
            return variable
        behind = self._parts.behind(("localhost", int(port.text)))
        if behind is None or behind[0].family == service.family:
            return variable
        host = self._meeting.places.get(behind[0].family, ("", 0))[0]
        if not host or host in _HERE:
            return variable
        why = f"{variable.text} is {behind[0].family} here, and was written as {host}"
        self._said.guessed(service.family, variable.name, why, variable.at)
        return Variable(variable.name, variable.at, host, host)

    @staticmethod
    def _listed_files(written: object) -> Iterator[EnvironmentFile]:
        for each in written if isinstance(written, list) else [written]:
            if isinstance(each, str):
                yield EnvironmentFile(os.path.normpath(each), required=True)
            elif isinstance(each, dict) and isinstance(path := each.get("path"), str):
                required = each.get("required") is not False
                yield EnvironmentFile(os.path.normpath(path), required=required)


def _written(value: object, at: Steps) -> Iterator[tuple[str, str | None, Steps]]:
    """Names and texts of an `env`; None is `NAME` alone in a list, which is passed on."""
    if isinstance(value, dict):
        for name, text in value.items():
            yield str(name), "" if text is None else str(text), (*at, name)
    for index, each in enumerate(value if isinstance(value, list) else []):
        name, equals, text = str(each).partition("=")
        yield name, text if equals else None, (*at, index)


def _outside(raw: str, own: Mapping[str, str]) -> Iterator[str]:
    for found in _NAMED.finditer(raw):
        name = found[1] or found[2]
        if name and name not in own:
            yield name
        if found[3]:
            yield from _outside(found[3], own)


def _put_in(raw: str, own: Mapping[str, str]) -> str:
    """A text as written, with rpx's own variables put in and all others left."""

    def put(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        return own[name].replace("$", "$$") if name in own else found[0]

    return _NAMED.sub(put, raw)


def _without_others(raw: str, own: Mapping[str, str]) -> str | None:
    """A text filled in where no variable of others is set; None: it needs one."""
    try:
        text = interpolate(raw, {name: mark(name) for name in own}, None)
    except Uninterpolable:
        return None
    return filled(text, own)


def relative(path: Path, root: Path) -> str:
    """A path as a file beside rpx.yaml says it."""
    try:
        inner = path.relative_to(root)
    except ValueError:
        return str(path)
    return f"./{inner}" if inner.parts else "."
