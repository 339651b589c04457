"""The signs by which a started process is known to be ready, in words."""

from __future__ import annotations

from rpx.errors import brief
from rpx.model.config import Ready
from rpx.model.specs import ProcessSpec


def expected(spec: ProcessSpec) -> str:
    """Say what a started process is waited for to show."""
    signs = [_sign(spec.start.ready, spec)] if spec.start.ready else []
    if spec.health_check is not None:
        signs.append(f"GET {spec.health_check.path}")
    elif spec.address is not None:
        signs.append(f"a connection to {spec.address}")
    return ", then ".join(sign for sign in signs if sign)


def _sign(ready: Ready, spec: ProcessSpec) -> str:
    if ready.log is not None:
        return f"a line that matches `{ready.log}`"
    if ready.tcp is not None:
        return f"a connection to {ready.tcp}"
    if ready.http is not None:
        return f"GET http://{ready.http.address or spec.address}{ready.http.path}"
    if ready.command is not None:
        words = ready.command if isinstance(ready.command, str) else " ".join(ready.command)
        return f"success of `{brief(words)}`"
    return f"{ready.delay:g} s up" if ready.delay is not None else ""
