"""How a container is asked whether it is well, by commands that many images have."""

from __future__ import annotations

import shlex

from rpx.export.project_parts import ExportService, Parts
from rpx.export.said import Remarked
from rpx.model.config import HealthCheck, Web

Test = list[str]


def get_command(port: int, path: str, headers: list[tuple[str, str]]) -> str:
    """A shell's line that asks with GET: busybox has wget, other images have curl, or neither."""
    url = shlex.quote(f"http://127.0.0.1:{port}{path}")
    wget = "".join(f" --header {shlex.quote(f'{name}: {text}')}" for name, text in headers)
    curl = "".join(f" -H {shlex.quote(f'{name}: {text}')}" for name, text in headers)
    return f"wget -q -O /dev/null{wget} {url} || curl -fsS -o /dev/null{curl} {url}"


def tcp_command(port: int) -> str:
    """A shell's line that connects: busybox and most images have nc, others have bash."""
    return f"nc -z 127.0.0.1 {port} || bash -c ': </dev/tcp/127.0.0.1/{port}'"


def as_test(command: str | tuple[str, ...]) -> Test:
    """A command as compose's `test`."""
    return ["CMD-SHELL", command] if isinstance(command, str) else ["CMD", *command]


def port_inside(service: ExportService, place: object, parts: Parts) -> int | None:
    """At which port of the container a `tcp` is meant; None: it is somewhere else."""
    known = getattr(place, "called", None)
    for each in service.start.ports:
        if known in {each.inside, each.address.port if each.address else None}:
            return each.inside
    found = parts.behind(getattr(place, "place", ("", None)))
    if found is not None:
        return found[1] if found[0] is service else None
    loopback = getattr(place, "loopback", False)
    return known if loopback and isinstance(known, int) else None


def check_test(
    service: ExportService, check: HealthCheck, parts: Parts, said: Remarked
) -> Test | None:
    """What a `health_check` runs; None: it can't be asked from within."""
    at = (*service.entry, "health_check")
    if check.command is not None:
        return as_test(check.command)
    if check.tcp is not None:
        port = port_inside(service, check.tcp, parts)
        if port is None:
            why = f"{check.tcp} is no port of this container"
            said.lost(service.family, "tcp", why, (*at, "tcp"))
            return None
        said.guessed(service.family, "health_check", "asked with nc, which its image must have", at)
        return ["CMD-SHELL", tcp_command(port)]
    port = service.port or (service.start.ports[0].inside if service.start.ports else None)
    if check.grpc is not None and port is not None:
        why = "asked with grpc_health_probe, which its image must have"
        said.guessed(service.family, "health_check", why, at)
        of = ["-service", check.grpc] if check.grpc else []
        return ["CMD", "grpc_health_probe", "-addr", f":{port}", *of]
    if port is None:
        said.lost(service.family, "health_check", "no port is known to ask at", at)
        return None
    headers = [*([("Host", check.host)] if check.host else []), *check.headers]
    why = "asked with wget or curl, of which its image must have one"
    said.guessed(service.family, "health_check", why, at)
    return ["CMD-SHELL", get_command(port, check.path, headers)]


def ready_test(service: ExportService, parts: Parts, said: Remarked) -> Test | None:
    """What stands for `ready` where there is no `health_check`; None: nothing does."""
    ready = service.start.ready
    at = (*service.at, "ready")
    if ready is None:
        return None
    if ready.command is not None:
        return as_test(ready.command)
    if ready.tcp is not None:
        port = port_inside(service, ready.tcp, parts)
        if port is not None:
            said.guessed(service.family, "ready", "asked with nc, which its image must have", at)
            return ["CMD-SHELL", tcp_command(port)]
        said.lost(service.family, "tcp", f"{ready.tcp} is no port of this container", (*at, "tcp"))
    if ready.http is not None:
        return _web_test(service, ready.http, parts, said)
    return None


def _web_test(service: ExportService, web: Web, parts: Parts, said: Remarked) -> Test | None:
    at = (*service.at, "ready", "http")
    port = service.port or (service.start.ports[0].inside if service.start.ports else None)
    if web.address is not None:
        port = port_inside(service, web.address, parts)
    if port is None:
        said.lost(service.family, "http", "it is no port of this container", at)
        return None
    why = "asked with wget or curl, of which its image must have one"
    said.guessed(service.family, "ready", why, at)
    return ["CMD-SHELL", get_command(port, web.path, [])]
