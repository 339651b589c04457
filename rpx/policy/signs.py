"""The signs by which a started process is known to be ready, in words."""

from __future__ import annotations

from rpx.errors import brief
from rpx.model.config import HealthCheck, Ready
from rpx.model.specs import ProcessSpec


def expected(spec: ProcessSpec) -> str:
    """Say what a started process is waited for to show."""
    signs = ["a container that runs"] if spec.start.container is not None else []
    signs += [_sign(spec.start.ready, spec)] if spec.start.ready else []
    if spec.health_check is not None:
        signs.append(asked(spec.health_check))
    elif spec.address is not None:
        signs.append(f"a connection to {spec.address}")
    return ", then ".join(sign for sign in signs if sign)


def asked(check: HealthCheck) -> str:
    """Say what a check looks for."""
    if check.tcp is not None:
        return f"a connection to {check.tcp}"
    if check.command is not None:
        return _success(check.command)
    if check.grpc is not None:
        return f"SERVING from grpc.health.v1{f' of {check.grpc}' if check.grpc else ''}"
    return f"GET {check.path}"


def _success(command: str | tuple[str, ...]) -> str:
    words = command if isinstance(command, str) else " ".join(command)
    return f"success of `{brief(words)}`"


def _sign(ready: Ready, spec: ProcessSpec) -> str:
    if ready.log is not None:
        return f"a line that matches `{ready.log}`"
    if ready.tcp is not None:
        return f"a connection to {ready.tcp}"
    if ready.http is not None:
        return f"GET http://{ready.http.address or spec.listens}{ready.http.path}"
    if ready.command is not None:
        return _success(ready.command)
    return f"{ready.delay:g} s up" if ready.delay is not None else ""
