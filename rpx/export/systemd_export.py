"""A project as systemd's user units: one for each copy of a service, and a target for the whole."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator, Mapping

from rpx.export.compose_services import left_out
from rpx.export.meeting import Meeting
from rpx.export.project_parts import ExportService, Parts
from rpx.export.said import Remarked
from rpx.export.service_env import Environment
from rpx.export.unit_containers import container_lines
from rpx.export.unit_words import argument, assignment, seconds, specifiers
from rpx.model.address import Address, Location
from rpx.model.config import Ready, Start

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNSAFE = re.compile(r"[^A-Za-z0-9:_.-]+")


def systemd_files(parts: Parts, said: Remarked) -> dict[str, str]:
    """Return the unit files of a project, by their names: the target first."""
    return _Units(parts, said).files()


class _Units:
    def __init__(self, parts: Parts, said: Remarked) -> None:
        self._parts = parts
        self._said = said
        self._project = _UNSAFE.sub("-", parts.config.name)
        self._env = Environment(parts, self._meeting(), said)
        self._waited = {
            dependency.name
            for service in parts.services
            for dependency in service.depends_on
            if dependency.condition == "healthy"
        }

    def files(self) -> dict[str, str]:
        """Their texts."""
        found = {self._target: self._whole()}
        if self._env.told:  # a folder of this name is for all units that begin so
            found[f"{self._project}-.service.d/told.conf"] = self._told()
        for service in self._parts.services:
            for number in range(1, service.copies + 1):
                found[self._unit(service, number)] = self._service(service, number)
            if service.copies > 1:
                why = f"each copy has a port of its own: {service.port} and upward"
                self._said.guessed(service.family, "replicas", why, service.entry)
        return found

    @property
    def _target(self) -> str:
        return f"{self._project}.target"

    def _unit(self, service: ExportService, number: int = 1) -> str:
        name = service.name if service.copies == 1 else f"{service.name}-{number}"
        return f"{self._project}-{_UNSAFE.sub('-', name)}.service"

    def _units(self, service: ExportService) -> list[str]:
        return [self._unit(service, number) for number in range(1, service.copies + 1)]

    def _meeting(self) -> Meeting:
        places: dict[str, tuple[str, int]] = {}
        own: dict[str, int] = {}
        for service in self._parts.services:
            here = [here or inside for here, inside in service.ports]
            if here:
                places.setdefault(service.family, ("127.0.0.1", here[0]))
                container = service.start.container is not None
                own[service.name] = service.ports[0][1] if container else here[0]
        for proxy in self._parts.config.proxies:
            members = self._parts.pools[proxy.to]
            if members and isinstance(members[0].address, Address):
                address = members[0].address
                host = "127.0.0.1" if address.loopback else str(address).rpartition(":")[0]
                places.setdefault(proxy.name, (host, address.port))
        return Meeting(places, own, "localhost", on_this_machine=True)

    # ---- the target

    def _whole(self) -> str:
        begun = [
            unit
            for service in self._parts.services
            if not left_out(service)
            for unit in self._units(service)
        ]
        name = self._parts.config.name
        lines = [
            "# Written by `rpx export systemd`: a start, to be looked through. With the others in",
            "# ~/.config/systemd/user:",
            "#",
            "#     systemctl --user daemon-reload",
            f"#     systemctl --user start {self._target}",
            f"#     journalctl --user -f -u '{self._project}-*'",
            "",
            "[Unit]",
            f"Description={specifiers(name)}",
            *(f"Wants={unit}" for unit in begun),
            "",
            "[Install]",
            "WantedBy=default.target",
        ]
        return "\n".join(lines) + "\n"

    def _told(self) -> str:
        variables = (f"Environment={assignment(*each)}" for each in self._env.told.items())
        return "\n".join(["# Where the services are.", "[Service]", *variables]) + "\n"

    # ---- one service

    def _service(self, service: ExportService, number: int) -> str:
        start = service.start
        if left_out(service):
            what = "autostart" if not service.autostart else "profiles"
            why = f"not begun with the rest: `systemctl --user start {self._unit(service)}`"
            self._said.carried(service.family, what, why, (*service.entry, what))
        lines = [
            "[Unit]",
            f"Description={specifiers(f'{service.name} of {self._parts.config.name}')}",
            f"PartOf={self._target}",
            *self._order(service),
            *self._limits(start),
            "",
            "[Service]",
            *(["Type=oneshot", "RemainAfterExit=yes"] if start.oneshot else ["Type=exec"]),
            f"WorkingDirectory={_path(start.cwd)}",
            *self._environment(service, number),
            *self._commands(service, number),
            *self._ready(service),
            *self._restarts(service),
            *self._stops(service),
        ]
        return "\n".join(lines) + "\n"

    def _order(self, service: ExportService) -> Iterator[str]:
        for dependency in service.depends_on:
            others = self._parts.family(dependency.name)
            at = (*service.entry, "depends_on")
            if not others:
                self._said.lost(service.family, "depends_on", f"{dependency.name} is no unit", at)
            for unit in (unit for other in others for unit in self._units(other)):
                # Requires= would stop it whenever the other one fails, which rpx does not.
                strict = dependency.required and dependency.condition == "completed"
                if dependency.required:
                    yield f"{'Requires' if strict else 'Wants'}={unit}"
                yield f"After={unit}"

    @staticmethod
    def _limits(start: Start) -> list[str]:
        restart = start.restart
        if start.oneshot or restart.policy == "no":
            return []
        return [
            f"StartLimitIntervalSec={seconds(restart.window)}",
            f"StartLimitBurst={restart.max_restarts + 1}",
        ]

    def _environment(self, service: ExportService, number: int) -> Iterator[str]:
        for file in self._env.files(service):
            optional = "" if file.required else "-"
            yield f"EnvironmentFile={optional}{_path(self._parts.root / file.path)}"
        values = self._env.own(service)
        if service.copies > 1 and service.port is not None:
            values |= {"PORT": str(service.port + number - 1), "RPX_REPLICA": str(number)}
        variables = []
        for variable in self._env.variables(service):
            if not _NAME.fullmatch(variable.name):
                why = "is no name of a variable for systemd"
                self._said.lost(service.family, variable.name, why, variable.at)
                continue
            variables.append(variable)
            if variable.outside and not variable.passed:
                why = f"{', '.join(variable.outside)} is filled in as it is now"
                self._said.guessed(service.family, variable.name, why, variable.at)
        values |= {each.name: each.text for each in variables if not each.passed}
        taken = [each.name for each in variables if each.taken]
        yield from (
            f"Environment={assignment(name, text)}"
            for name, text in values.items()
            if name not in taken
        )
        if passed := [each.name for each in variables if each.passed]:
            yield f"PassEnvironment={' '.join(passed)}"
        if taken:
            yield f"UnsetEnvironment={' '.join(taken)}"

    def _commands(self, service: ExportService, number: int) -> Iterator[str]:
        start = service.start
        if start.container is None:
            yield f"ExecStart={_line(start.command)}"
            return
        unit = self._unit(service, number).removesuffix(".service")
        if self._parts.config.containers is None:
            why = "containers are run by docker"
            self._said.guessed("", "containers", why, hint="or write `containers: podman`")
        yield from container_lines(service, unit, number, self._parts, self._env)

    def _ready(self, service: ExportService) -> Iterator[str]:
        """Whoever waits for it waits until this command has ended."""
        ready = service.start.ready
        line = _shown_by(ready, service.address) if ready is not None else ""
        if not line and service.family in self._waited:
            line = _asked_by(service)
        if service.check is not None:
            why = "systemd asks nobody how it is"
            why += ", but for once, when it starts" if line else ""
            self._said.lost(service.family, "health_check", why, (*service.entry, "health_check"))
        if line and not service.start.oneshot:
            yield f"ExecStartPost={_line(line)}"
            timeout = ready.timeout if ready is not None else None
            yield f"TimeoutStartSec={'infinity' if timeout is None else seconds(timeout)}"

    def _restarts(self, service: ExportService) -> Iterator[str]:
        start = service.start
        if start.success_exit_codes != (0,):
            yield f"SuccessExitStatus={' '.join(map(str, start.success_exit_codes))}"
        if start.oneshot and start.restart.policy == "no":
            return
        yield f"Restart={start.restart.policy}"
        if start.restart.policy != "no":
            yield f"RestartSec={seconds(start.restart.backoff.initial)}"

    @staticmethod
    def _stops(service: ExportService) -> Iterator[str]:
        start = service.start
        if start.container is None:
            if start.stop_command is not None:
                yield f"ExecStop={_line(start.stop_command, {'RPX_PID': 'MAINPID'})}"
            if start.stop_signal != signal.SIGTERM:
                yield f"KillSignal={signal.Signals(start.stop_signal).name}"
            if start.stop_signal_to == "leader":
                yield "KillMode=mixed"
        yield f"TimeoutStopSec={seconds(start.stop_grace_period)}"


def _path(path: object) -> str:
    """A path for a setting that takes all of its line."""
    return specifiers(os.fspath(str(path)))


def _line(command: str | tuple[str, ...], renamed: Mapping[str, str] | None = None) -> str:
    """A command: a text is for the shell. `renamed` are variables that have other names here."""
    if isinstance(command, tuple):
        return " ".join(["/usr/bin/env", *map(argument, command)])
    text = command
    for name, other in (renamed or {}).items():
        text = re.sub(rf"\$(?:{name}\b|\{{{name}\}})", f"${other}", text)
    return f"/bin/sh -c {argument(text)}"


def _shown_by(ready: Ready, address: Location | None) -> str:
    """A shell's line that ends when a `ready` is so; "" for what can't be seen from outside."""
    if ready.command is not None:
        return _until(ready.command)
    if ready.tcp is not None:
        return _until(_connects(ready.tcp))
    if ready.http is not None:
        place = ready.http.address or address
        return _until(_gets(place, ready.http.path)) if isinstance(place, Address) else ""
    return "" if ready.delay is None else f"sleep {ready.delay:g}"


def _asked_by(service: ExportService) -> str:
    """A shell's line that ends when the service answers; "" for one that nobody can ask."""
    check, address = service.check, service.address
    if check is not None and check.command is not None:
        return _until(check.command)
    if check is not None and check.by_get and isinstance(address, Address):
        return _until(_gets(address, check.path))
    here = service.ports[0][0] if service.ports else None
    return _until(_connects(Address("127.0.0.1", here))) if here else ""


def _until(command: str | tuple[str, ...]) -> str:
    words = command if isinstance(command, str) else " ".join(map(_shell_word, command))
    return f"until {words}; do sleep 0.2; done"


def _shell_word(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _connects(place: Location) -> str:
    if not isinstance(place, Address):
        return f"test -S {_shell_word(place.path)}"
    host = "127.0.0.1" if place.host == "localhost" else place.host
    return f"bash -c ': </dev/tcp/{host}/{place.port}' 2>/dev/null"


def _gets(place: Address, path: str) -> str:
    scheme = "http" if place.tls is None else "https"
    return f"curl -fsS -o /dev/null {_shell_word(f'{scheme}://{place.host}:{place.port}{path}')}"
