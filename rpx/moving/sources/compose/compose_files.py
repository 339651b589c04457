"""The files of a compose project as one: overrides, `extends`, `include`, and paths."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rpx.config.variables.dotenv import parse_dotenv
from rpx.config.variables.env_files import label_of
from rpx.config.variables.interpolate import Uninterpolable, interpolate
from rpx.errors import Exit, RpxError
from rpx.moving.given import Given, text_of_file
from rpx.moving.lined import Lined, read_lined
from rpx.moving.remarks import Origin
from rpx.moving.sources.compose.merging import merged

TOP = ("volumes", "networks", "secrets", "configs", "models", "jobs")
_NEEDED = re.compile(r"(?<!\$)\$\{(\w+):?\?")
_READ = {"version", "name", "include", "services"}
_MOST_FILES = 50
_IF_SET = re.compile(r"(?<!\$)\$\{(\w+)(:?)\+([^{}]*)\}")  # the forms that rpx doesn't have


@dataclass(slots=True)
class ComposeProject:
    """All that the files say. `folder` is where relative paths begin, `variables` are those of the
    environment and of the `.env` there.
    """

    folder: Path
    variables: Mapping[str, str]
    name: Lined | None = None
    services: dict[str, Lined] = field(default_factory=dict)
    top: dict[str, dict[str, Lined]] = field(default_factory=lambda: {each: {} for each in TOP})
    needed: dict[str, Origin] = field(default_factory=dict)  # variables that must be set
    unknown: list[tuple[str, Origin]] = field(default_factory=list)  # keys at the top level

    def filled(self, value: Lined | None) -> str:
        """A text with its variables as they are now. Raises: RpxError for one that must be set."""
        if value is None:
            return ""
        try:
            return interpolate(value.text, self.variables)
        except Uninterpolable as error:
            raise RpxError(
                str(error), where=str(value.origin), hint=error.hint, exit_code=Exit.USAGE
            ) from None


def read_project(files: tuple[Path, ...], environ: Mapping[str, str]) -> ComposeProject:
    """Several files, each laid over those before it. Raises: RpxError, ConfigError."""
    folder = files[0].parent
    dotenv: dict[str, str] = {}
    if (folder / ".env").is_file():
        label = label_of(folder / ".env")
        dotenv, _ = parse_dotenv(text_of_file(folder / ".env"), environ, label=label)
    project = ComposeProject(folder, {**dotenv, **environ})
    reader = _Files(project)
    for file in files:
        reader.take(file, folder)
    if not project.services:
        raise RpxError(
            f"{label_of(files[0])} has no services",
            hint="a compose file names them below `services:`",
            exit_code=Exit.USAGE,
        )
    for service in project.services.values():
        _look_at_variables(service, project)
    return project


def project_name(project: ComposeProject, given: Given) -> str:
    """What compose calls the project: what is said, or its folder in small letters."""
    said = project.filled(project.name) or project.variables.get("COMPOSE_PROJECT_NAME", "")
    name = re.sub(r"[^a-z0-9_-]", "", (said or project.folder.name).lower()).lstrip("_-")
    return name or given.root.name


def _look_at_variables(value: Lined, project: ComposeProject) -> None:
    """See that what must be set is set, and write the forms that rpx doesn't know as it would."""
    if isinstance(value.value, str) and "$" in value.value:
        for name in _NEEDED.findall(value.value):
            project.needed.setdefault(name, value.origin)
        value.value = _IF_SET.sub(lambda found: _if_set(found, project.variables), value.value)
        project.filled(value)
    for inner in (*value.mapping.values(), *value.items):
        _look_at_variables(inner, project)


def _if_set(found: re.Match[str], variables: Mapping[str, str]) -> str:
    value = variables.get(found[1])
    return found[3] if value or (value is not None and not found[2]) else ""


class _Files:
    """Reads files into a project, each once at a time."""

    def __init__(self, project: ComposeProject) -> None:
        self._project = project
        self._read: dict[Path, Lined] = {}
        self._open: list[Path] = []

    def take(self, path: Path, folder: Path) -> None:
        """Lay a file over what is there. `folder`: where its relative paths begin."""
        if path in self._open:
            raise _refused(f"{label_of(path)} includes itself", Origin(label_of(path)))
        self._open.append(path)
        file = self._file(path)
        self._includes(file, folder)
        if services := file.get("services"):
            for name in services.mapping:
                self._service(name, path, folder)
        self._project.name = file.get("name") or self._project.name
        for key, value in file.mapping.items():
            if key in TOP:
                self._top(key, value)
            elif key not in _READ and not key.startswith("x-"):
                self._project.unknown.append((key, file.at(key)))
        self._open.pop()

    def _file(self, path: Path) -> Lined:
        if path not in self._read:
            if len(self._read) >= _MOST_FILES:
                raise _refused(f"more than {_MOST_FILES} files", Origin(label_of(path)))
            file = self._read[path] = read_lined(path)
            services = file.get("services")
            if not isinstance(file.value, dict):
                raise _refused(f"{label_of(path)} is no mapping of settings", file.origin)
            if services is not None and not isinstance(services.value, dict):
                raise _refused("`services` is no mapping of names", file.at("services"))
            for name, service in services.mapping.items() if services else ():
                if not isinstance(service.value, dict) and service.tag != "!reset":
                    raise _refused(f"the service `{name}` has no settings", service.origin)
        return self._read[path]

    def _service(self, name: str, path: Path, folder: Path) -> None:
        service = self._resolved(name, path, folder, ())
        if folder != self._project.folder:
            service = rebased(service, folder, self._project.folder)
        there = self._project.services.get(name)
        found = merged(there, service)
        if found is None:
            self._project.services.pop(name, None)
        else:
            # The place of a service is where it was first written; overrides only change it.
            self._project.services[name] = (
                replace(found, origin=there.origin) if there is not None else found
            )

    def _resolved(
        self, name: str, path: Path, folder: Path, on_the_way: tuple[tuple[Path, str], ...]
    ) -> Lined:
        """A service with what it `extends`. Raises: RpxError for a circle or what isn't there."""
        services = self._file(path).mapping["services"]
        service = replace(services.mapping[name], origin=services.at(name))
        extends = service.get("extends")
        if extends is None:
            return service
        where = service.at("extends")
        if (path, name) in on_the_way:
            circle = " extends ".join([*(n for _, n in on_the_way), name])
            raise _refused(f"services extend each other in a circle: {circle}", where)
        base_name = self._project.filled(extends.get("service") or extends)
        other = extends.get("file")
        file = Path(os.path.normpath(folder / self._project.filled(other))) if other else path
        if other and not file.is_file():
            raise _refused(
                f"`extends` of `{name}` names {label_of(file)}, which isn't there", where
            )
        theirs = self._file(file).get("services")
        if not theirs or base_name not in theirs.mapping:
            raise _refused(
                f"`{name}` extends `{base_name}`, which isn't in {label_of(file)}", where
            )
        beside = file.parent if other else folder
        base = self._resolved(base_name, file, beside, (*on_the_way, (path, name)))
        if beside != folder:
            base = rebased(base, beside, folder)
        own = {key: value for key, value in service.mapping.items() if key != "extends"}
        found = merged(base, replace(service, value=own))
        return replace(found or service, origin=service.origin)

    def _includes(self, file: Lined, folder: Path) -> None:
        if include := file.get("include"):
            for each in include.items or [include]:
                self._include(each, folder)

    def _include(self, written: Lined, folder: Path) -> None:
        paths = written.get("path") or written
        for each in paths.items or [paths]:
            path = Path(os.path.normpath(folder / self._project.filled(each)))
            if not path.is_file():
                raise _refused(f"`include` names {label_of(path)}, which isn't there", each.origin)
            chosen = written.get("project_directory")
            self.take(path, folder / self._project.filled(chosen) if chosen else path.parent)

    def _top(self, key: str, value: Lined) -> None:
        for name, inner in value.mapping.items():
            found = merged(self._project.top[key].get(name), inner)
            if found is not None:
                self._project.top[key][name] = replace(found, origin=value.at(name))


def rebased(service: Lined, old: Path, new: Path) -> Lined:
    """A service of a file in the folder `old`, with its relative paths as seen from `new`."""
    moved = _Rebased(old, new)
    return moved.each(
        service, {"build": moved.build, "volumes": moved.volumes, "env_file": moved.files}
    )


@dataclass(frozen=True, slots=True)
class _Rebased:
    old: Path
    new: Path

    @staticmethod
    def each(value: Lined, how: Mapping[str, Callable[[Lined], Lined]]) -> Lined:
        """A mapping, with some of its values made into others."""
        found = {key: how[key](each) if key in how else each for key, each in value.mapping.items()}
        return replace(value, value=found)

    def path(self, value: Lined) -> Lined:
        text = value.text
        if not text or text.startswith(("/", "~", "$")) or "://" in text:
            return value
        relative = os.path.relpath(os.path.normpath(self.old / text), self.new)
        return replace(value, value=relative if relative.startswith(".") else f"./{relative}")

    def build(self, value: Lined) -> Lined:
        return self.each(value, {"context": self.path}) if value.mapping else self.path(value)

    def files(self, value: Lined) -> Lined:
        if isinstance(value.value, list):
            return replace(value, value=list(map(self.files, value.items)))
        return self.each(value, {"path": self.path}) if value.mapping else self.path(value)

    def volumes(self, value: Lined) -> Lined:
        return replace(value, value=list(map(self._volume, value.items)))

    def _volume(self, value: Lined) -> Lined:
        if value.mapping:
            return self.each(value, {"source": self._source})
        source, colon, rest = value.text.partition(":")
        moved = self._source(replace(value, value=source)).text
        return replace(value, value=f"{moved}{colon}{rest}")

    def _source(self, value: Lined) -> Lined:
        return self.path(value) if value.text.startswith(".") else value


def _refused(what: str, where: Origin) -> RpxError:
    return RpxError(what, where=str(where), exit_code=Exit.USAGE)
