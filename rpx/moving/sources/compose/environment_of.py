"""`environment` and `env_file` of a service, with addresses of rpx for names of services."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rpx.config.variables.dotenv import parse_dotenv
from rpx.config.variables.env_files import label_of
from rpx.errors import RpxError
from rpx.model.late import tells_of_services
from rpx.moving.draft import Draft
from rpx.moving.given import Given, text_of_file
from rpx.moving.lined import Lined
from rpx.moving.remarks import Origin
from rpx.moving.sources.compose.compose_files import ComposeProject
from rpx.moving.sources.compose.compose_service import ComposeService
from rpx.moving.sources.compose.merging import pairs
from rpx.moving.sources.compose.named_services import ServiceNames
from rpx.moving.sources.compose.port_plan import own_port_of


@dataclass(frozen=True, slots=True)
class VariablesFile:
    """A file of `env_file`. `values` are what is in it now, each with its line."""

    path: Path
    required: bool
    origin: Origin
    values: dict[str, tuple[str, int]]


def variables_files(service: ComposeService, project: ComposeProject) -> list[VariablesFile]:
    """The files that a service names, and what is in those that are there."""
    written = service.get("env_file")
    found = []
    for item in (written.items or [written]) if written else ():
        text = project.filled(item.get("path") or item)
        required = project.filled(item.get("required")).lower() != "false"
        path = Path(os.path.normpath(project.folder / os.path.expanduser(text)))
        found.append(VariablesFile(path, required, item.origin, _values(path)))
    return found


def _values(path: Path) -> dict[str, tuple[str, int]]:
    try:
        text = text_of_file(path) if path.is_file() else ""
    except RpxError:
        return {}
    values, _ = parse_dotenv(text, {}, label=label_of(path))
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if key := re.match(r"\s*(?:export\s+)?([\w.]+)\s*=", line):
            lines[key[1]] = number
    return {key: (value, lines.get(key, 0)) for key, value in values.items()}


def texts_of(service: ComposeService, project: ComposeProject) -> Iterator[tuple[str, str]]:
    """All values of variables, and the commands, in which other services may be named."""
    environment = service.get("environment")
    for key, value in pairs(environment).mapping.items() if environment else ():
        yield key, value.text
    for file in variables_files(service, project):
        for key, (text, _) in file.values.items():
            yield key, text
    for key in ("command", "entrypoint"):
        written = service.get(key)
        for item in (written.items or [written]) if written else ():
            yield "", item.text


def _is_rpx_s_own(key: str, text: str | None) -> bool:
    """Whether a variable is one that rpx tells every service, or where to listen in a container."""
    return tells_of_services(key) or (key, text) == ("HOST", "0.0.0.0")  # noqa: S104


class ServiceVariables:
    """Makes `env` and `env_file` of a service."""

    def __init__(
        self, names: ServiceNames, project: ComposeProject, given: Given, draft: Draft
    ) -> None:
        self._names = names
        self._project = project
        self._given = given
        self._draft = draft

    def env(self, service: ComposeService) -> dict[str, str] | list[str] | None:
        """What is written, and what files say of other services. A list where a container is to
        have a variable of rpx's own: a mapping has no words for that.
        """
        environment = service.get("environment")
        written = pairs(environment) if environment else Lined({}, service.origin)
        found = self._own(service, written)
        for file in variables_files(service, self._project):
            for key, (text, line) in file.values.items():
                if key not in written.mapping and not (key == "PORT" and service.page is not None):
                    where = Origin(label_of(file.path), line)
                    self._of_file(service, key, text, where, found)
        if any(text is None for text in found.values()):
            return [key if text is None else f"{key}={text}" for key, text in found.items()]
        return {key: text or "" for key, text in found.items()} or None

    def _own(self, service: ComposeService, written: Lined) -> dict[str, str | None]:
        values = {
            key: None if value.value is None else value.text
            for key, value in written.mapping.items()
        }
        found: dict[str, str | None] = {}
        for key, text in values.items():
            where = written.at(key)
            if key == "PORT" and self._is_told(service, where):
                continue
            if "RPX_NAME" in values and _is_rpx_s_own(key, text):
                continue  # an exported project, whose services rpx tells that itself
            if text is None:
                why = "no value: it comes from outside, from the environment that rpx has"
                self._draft.carried(service.new, f"environment: {key}", why, where, kept=True)
                if not service.is_process:
                    found[key] = None
            elif key not in found:
                found[key] = self._rewritten(service, key, text, where)
                if beside := self._names.port_beside(key, text, values, service):
                    found[beside[0]] = beside[1]
                    self._say(service, beside[0], written.at(beside[0]), beside[1])
        return found

    def _is_told(self, service: ComposeService, where: Origin) -> bool:
        """Whether rpx tells PORT itself, because there is an address."""
        if service.page is None:
            return False
        if own_port_of(service) != service.page or not service.address.endswith(f":{service.page}"):
            if service.is_process:
                why = "rpx tells PORT itself: where requests go"
                self._draft.carried(service.new, "environment: PORT", why, where)
            elif own_port_of(service) != service.page:
                why = f"in the container PORT is {service.page}, its port inside"
                self._draft.carried(service.new, "environment: PORT", why, where)
        return True

    def _rewritten(self, service: ComposeService, key: str, text: str, where: Origin) -> str:
        new, names = self._names.rewritten(key, text, service)
        if names:
            self._say(service, key, where, new)
            self._about_way_out(service, key, names, where)
        return new

    def _about_way_out(
        self, service: ComposeService, key: str, names: list[str], where: Origin
    ) -> None:
        """Where a container calls a process of this machine, that has to let it in."""
        processes = {each.new for each in self._names.services.values() if each.is_process}
        called = [name for name in dict.fromkeys(names) if name in processes]
        if called and not service.is_process:
            why = f"on Linux a container reaches nothing at 127.0.0.1, where {called[0]} is"
            hint = "give it this machine's network: `container_options: [--network, host]`"
            self._draft.guessed(service.new, f"environment: {key}", why, where, hint)

    def _say(self, service: ComposeService, key: str, where: Origin, new: str) -> None:
        variables = ", ".join(dict.fromkeys(re.findall(r"\$\{?(RPX_\w+)", new)))
        why = f"names of services became addresses of rpx: {variables}"
        self._draft.carried(service.new, f"environment: {key}", why, where)

    def _of_file(
        self,
        service: ComposeService,
        key: str,
        text: str,
        where: Origin,
        found: dict[str, str | None],
    ) -> None:
        """A variable of a file that names a service is written over in `env`: rpx changes no file
        of yours.
        """
        new, names = self._names.rewritten(key, text, service)
        if names:
            found[key] = new
            why = "it names a service, so `env` has it with the address of rpx in its place"
            self._draft.carried(service.new, f"env_file: {key}", why, where)

    def files(self, service: ComposeService) -> object:
        """What `env_file` becomes; None for nothing."""
        found: list[object] = []
        for file in variables_files(service, self._project):
            path = self._given.below_root(file.path).removeprefix("./")
            required = file.required
            if required and not file.path.is_file():
                why = "the file isn't there now: with `required: false` rpx starts without it"
                self._draft.guessed(service.new, f"env_file: {path}", why, file.origin)
                required = False
            found.append(path if required else {"path": path, "required": False})
        written = service.get("env_file")
        for item in written.items if written else ():
            if form := item.get("format"):
                why = "rpx reads it as a .env, with variables filled in"
                self._draft.lost(service.new, f"env_file: format {form.text}", why, item.origin)
        if not found:
            return None
        return found[0] if len(found) == 1 else found
