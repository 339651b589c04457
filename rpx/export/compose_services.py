"""One service of a compose file."""

from __future__ import annotations

import os
import re
import shlex
import signal
from collections.abc import Collection
from typing import Final

from rpx.export.block_yaml import Alias
from rpx.export.compose_checks import check_test, ready_test, tcp_command
from rpx.export.compose_container import container_settings
from rpx.export.project_parts import ExportService, Parts
from rpx.export.said import Remarked
from rpx.export.service_env import Environment, relative
from rpx.model.config import Restart
from rpx.model.own_settings import Logs

_SHELL_WORDS: Final = frozenset("|&;<>()$`\\\"'*?[#~{}!\n\t")
_OF_THE_SHELL: Final = frozenset({".", "cd", "export", "for", "if", "set", "until", "while"})
_SHELLS: Final = frozenset({"sh", "bash", "/bin/sh", "/bin/bash"})
_LOCAL: Final = re.compile(r"\b(localhost|127\.0\.0\.1)(?::([0-9]{2,5})\b)?")
_USUAL: Final = Restart()
_FOR_EVER: Final = 3600.0  # seconds
_USUAL_GRACE: Final = 10.0  # seconds, compose's and rpx's


def left_out(service: ExportService) -> bool:
    """Whether a service is not begun with the rest."""
    return bool(service.profiles) or not service.autostart


class ComposeServices:
    """Writes services; `volumes` are the names of those that they have."""

    def __init__(
        self, parts: Parts, env: Environment, waited: Collection[str], said: Remarked
    ) -> None:
        """`waited`: the names of services that others wait for to be well."""
        self.volumes: dict[str, None] = {}
        self._parts = parts
        self._env = env
        self._waited = waited
        self._said = said

    def service(self, service: ExportService) -> dict[str, object]:
        """One of them."""
        start = service.start
        everything = {
            **container_settings(service, self._parts, self._said, self.volumes),
            "profiles": self._profiles(service),
            "command": self._command(service),
            "env_file": [
                each.path if each.required else {"path": each.path, "required": False}
                for each in self._env.files(service)
            ],
            "environment": self._environment(service),
            "ports": self._ports(service),
            "depends_on": self._depends(service),
            "healthcheck": self._check(service),
            "restart": self._restart(service),
            "tty": start.tty,
            "stdin_open": self._reads(service),
            **self._stop(service),
            "deploy": {"replicas": service.copies} if service.copies > 1 else None,
            "develop": {"watch": watch} if (watch := self._watch(service)) else None,
            "logging": self._logging(),
        }
        return {key: value for key, value in everything.items() if value}

    def _profiles(self, service: ExportService) -> list[str]:
        if service.autostart or service.profiles:
            return list(service.profiles)
        why = f"a profile of its own: `docker compose up {service.name}` starts it"
        self._said.carried(service.family, "autostart", why, (*service.entry, "autostart"))
        return [service.name]

    def _stop(self, service: ExportService) -> dict[str, object]:
        start = service.start
        found: dict[str, object] = {}
        own = start.container is None or start.container.stop_signal is not None
        if own and start.stop_signal != signal.SIGTERM:
            found["stop_signal"] = signal.Signals(start.stop_signal).name
        if start.stop_grace_period != _USUAL_GRACE:
            found["stop_grace_period"] = _duration(start.stop_grace_period)
        if start.stop_command is not None:
            hook = {"command": _shell(start.stop_command), "environment": {"RPX_PID": "1"}}
            found["pre_stop"] = [hook]
            why = "run in the container before the signal, which compose sends all the same"
            self._said.carried(service.family, "stop_command", why, (*service.at, "stop_command"))
        return found

    def _logging(self) -> dict[str, object] | None:
        logs = self._parts.config.logs
        if logs == Logs():
            return None
        options = {"max-size": str(logs.max_size), "max-file": str(logs.keep + 1)}
        return {"driver": "json-file", "options": options}

    def _command(self, service: ExportService) -> object:
        command = service.start.command
        if not command:
            return None
        if isinstance(command, tuple):
            return [_escaped(each) for each in command]
        self._look_at(service, command)
        if words := _in_a_shell(command):
            return [_escaped(each) for each in words]
        command = command.removeprefix("exec ") if _is_plain(command) else command
        return command if _is_plain(command) else ["sh", "-c", _escaped(command)]

    def _look_at(self, service: ExportService, command: str) -> None:
        """Say what a command means by `localhost`, which is the container itself there."""
        at = (*service.at, "command")
        for host, port in _LOCAL.findall(command):
            behind = self._parts.behind(("localhost", int(port or 0)))
            if behind is not None and behind[0].family != service.family:
                why = f"{host}:{port} is {behind[0].name}:{behind[1]} from within a container"
                self._said.lost(service.family, "command", why, at, "write it as a variable")
            elif service.ports and not port:
                why = f"names {host}, where nobody else can reach it in a container"
                self._said.guessed(service.family, "command", why, at, "let it listen at $HOST")

    def _environment(self, service: ExportService) -> dict[str, object]:
        found: dict[str, object] = {}
        if self._env.told and not service.is_image:
            found["<<"] = Alias("told")
            found |= {name: _escaped(text) for name, text in self._env.own(service).items()}
        for variable in self._env.variables(service):
            if variable.passed:
                found[variable.name] = None
            elif variable.taken:
                found.pop(variable.name, None)
                why = "a container has nothing that could be taken away"
                self._said.carried(service.family, variable.name, why, variable.at)
            else:
                found[variable.name] = variable.raw
        return found

    def _ports(self, service: ExportService) -> list[str]:
        found = []
        for here, inside in service.ports:
            if here is not None:
                found.append(f"127.0.0.1:{here}:{inside}")
        for each in service.start.ports:
            if each.auto:
                found.append(f"127.0.0.1::{each.inside}")
                why = "compose chooses another free port each time: `docker compose port`"
                at = (*service.at, "ports")
                self._said.carried(service.family, f"auto:{each.inside}", why, at)
        return found

    def _depends(self, service: ExportService) -> dict[str, object]:
        found: dict[str, object] = {}
        for dependency in service.depends_on:
            others = self._parts.family(dependency.name)
            if not others:
                why = f"{dependency.name} is not started by rpx"
                self._said.lost(service.family, "depends_on", why, (*service.entry, "depends_on"))
            for other in others:
                condition = {
                    "started": "service_started",
                    "healthy": "service_healthy"
                    if self._can_be_asked(other)
                    else "service_started",
                    "completed": "service_completed_successfully",
                }[dependency.condition]
                found[other.name] = {"condition": condition}
                if not dependency.required or left_out(other) > left_out(service):
                    found[other.name] = {"condition": condition, "required": False}
        return found

    def _can_be_asked(self, service: ExportService) -> bool:
        start = service.start
        if start.oneshot:
            return False
        ready = start.ready
        asked = ready is not None and bool(ready.command or ready.tcp or ready.http)
        return service.check is not None or asked or bool(service.ports)

    def _check(self, service: ExportService) -> dict[str, object] | None:
        check, ready = service.check, service.start.ready
        if check is not None:
            if ready is not None and (ready.tcp or ready.http or ready.command):
                why = "its health check stands for it"
                self._said.carried(service.family, "ready", why, (*service.at, "ready"))
            test = check_test(service, check, self._parts, self._said)
            if test is None:
                return None
            return {
                "test": [_escaped(each) for each in test],
                "interval": _duration(check.interval),
                "timeout": _duration(check.timeout),
                "retries": check.unhealthy_threshold,
                "start_period": _starting(check.start_period),
                "start_interval": "1s",
            }
        test = ready_test(service, self._parts, self._said)
        if test is None and service.family in self._waited and service.ports:
            test = ["CMD-SHELL", tcp_command(service.ports[0][1])]
            why = (
                "others wait for its port: asked with nc or bash, of which its image must have one"
            )
            self._said.guessed(service.family, "healthcheck", why, service.entry)
        if test is None or service.start.oneshot:
            return None
        escaped = [_escaped(each) for each in test]
        return {
            "test": escaped,
            "interval": "5s",
            "start_period": _starting(None),
            "start_interval": "1s",
        }

    def _restart(self, service: ExportService) -> str:
        restart = service.start.restart
        if restart.policy == "on-failure" and restart.max_restarts != _USUAL.max_restarts:
            return f"on-failure:{restart.max_restarts}"
        return restart.policy

    def _reads(self, service: ExportService) -> bool:
        """Whether its stdin is to stay open: a watcher of files ends where there is none."""
        start = service.start
        watcher = start.container is None and not service.ports and not start.oneshot
        written = self._parts.written.value((*service.at, "stdin")) == "open"
        return start.stdin == "open" and (watcher or written)

    def _watch(self, service: ExportService) -> list[dict[str, object]]:
        start = service.start
        if not start.watch:
            return []
        at = (*service.at, "watch")
        if not os.path.isfile(start.cwd / "Dockerfile"):
            why = "there is no Dockerfile that a changed file could be built by"
            self._said.lost(service.family, "watch", why, at)
            return []
        self._said.carried(service.family, "watch", "a change builds the image anew", at)
        ignored = [pattern[1:] for pattern in start.watch if pattern.startswith("!")]
        found = []
        for pattern in start.watch:
            if pattern.startswith("!"):
                continue
            folder, rest = _folder_of(pattern)
            entry: dict[str, object] = {
                "path": relative(start.cwd / folder, self._parts.root),
                "action": "rebuild",
            }
            if rest:
                entry["include"] = [rest]
            if ignored:
                entry["ignore"] = ignored
            found.append(entry)
        return found


def _folder_of(pattern: str) -> tuple[str, str]:
    """The folder that a pattern begins with, and the rest."""
    parts = pattern.split("/")
    fixed: list[str] = []
    while parts and not set(parts[0]) & set("*?[{"):
        fixed.append(parts.pop(0))
    return "/".join(fixed) or ".", "/".join(parts)


def _in_a_shell(command: str) -> list[str]:
    """The words of `sh -c "…"`, which needs no shell around it; none for any other command."""
    if set(command) & set("$`\\"):  # which the outer shell would have a word in
        return []
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    return words if len(words) == 3 and words[0] in _SHELLS and words[1] == "-c" else []


def _is_plain(command: str) -> bool:
    """Whether it is words alone: compose runs those without a shell."""
    words = command.split(" ")
    shell = "=" in words[0] or words[0] in _OF_THE_SHELL or "" in words
    return not shell and not _SHELL_WORDS & set(command)


def _escaped(text: str) -> str:
    """A text in which compose sees no variable."""
    return text.replace("$", "$$")


def _shell(command: str | tuple[str, ...]) -> list[str]:
    words = ("sh", "-c", command) if isinstance(command, str) else command
    return [_escaped(each) for each in words]


def _starting(period: float | None) -> str:
    """How long failures don't count: without a period, as long as it has never been well."""
    return _duration(_FOR_EVER if period is None else period)


def _duration(seconds: float) -> str:
    whole = round(seconds * 1000)
    return f"{whole // 1000}s" if whole % 1000 == 0 else f"{whole}ms"
