"""How a cluster asks whether a container is well: probes."""

from __future__ import annotations

from rpx.export.cluster_names import escaped, whole
from rpx.export.compose_checks import port_inside
from rpx.export.project_parts import ExportService, Parts
from rpx.export.said import Remarked
from rpx.model.config import HealthCheck, Web

Probe = dict[str, object]
_FOR_EVER = 3600  # seconds until a container that has never been well is started again


def probes_of(service: ExportService, parts: Parts, said: Remarked) -> dict[str, object]:
    """Return the probes of a container, by their names; a Job has none."""
    start, check = service.start, service.check
    if start.oneshot:
        return {}
    if check is None:
        asked = _ready(service, parts, said)
        timing = {"periodSeconds": 1, "failureThreshold": 1}
        found: dict[str, object] = {"readinessProbe": {**asked, **timing}} if asked else {}
    else:
        found = _checked(service, check, parts, said)
        if start.ready is not None and (start.ready.tcp or start.ready.http or start.ready.command):
            why = "its health check stands for it"
            said.carried(service.family, "ready", why, (*service.at, "ready"))
    return found


def _checked(
    service: ExportService, check: HealthCheck, parts: Parts, said: Remarked
) -> dict[str, object]:
    asked = _asked(service, check, parts, said)
    if not asked:
        return {}
    timing = {"periodSeconds": whole(check.interval), "timeoutSeconds": whole(check.timeout)}
    if check.interval < 1 or check.timeout < 1:
        why = "a probe knows whole seconds: 1 s at least"
        said.carried(service.family, "health_check", why, (*service.entry, "health_check"))
    found: dict[str, object] = {
        "startupProbe": {
            **asked,
            "periodSeconds": 1,
            "timeoutSeconds": whole(check.timeout),
            "failureThreshold": whole(check.start_period or _FOR_EVER),
        },
        "readinessProbe": {
            **asked,
            **timing,
            "successThreshold": check.healthy_threshold,
            "failureThreshold": check.unhealthy_threshold,
        },
    }
    if service.start.replaced_when_sick:
        # As in rpx: so many failures until it gets no requests, as many again until it is replaced.
        sick = {"failureThreshold": 2 * check.unhealthy_threshold}
        found["livenessProbe"] = {**asked, **timing, **sick}
    return found


def _asked(
    service: ExportService, check: HealthCheck, parts: Parts, said: Remarked
) -> Probe | None:
    at = (*service.entry, "health_check")
    if check.command is not None:
        return _exec(check.command)
    if check.tcp is not None:
        port = port_inside(service, check.tcp, parts)
        if port is None:
            said.lost(service.family, "tcp", f"{check.tcp} is no port of this container", at)
            return None
        return {"tcpSocket": {"port": port}}
    port = _first_port(service)
    if port is None:
        said.lost(service.family, "health_check", "no port is known to ask at", at)
        return None
    if check.grpc is not None:
        return {"grpc": {"port": port, **({"service": check.grpc} if check.grpc else {})}}
    get: dict[str, object] = {"path": check.path, "port": port}
    headers = [*([("Host", check.host)] if check.host else []), *check.headers]
    if headers:
        get["httpHeaders"] = [{"name": name, "value": text} for name, text in headers]
    return {"httpGet": get}


def _ready(service: ExportService, parts: Parts, said: Remarked) -> Probe | None:
    ready = service.start.ready
    if ready is not None and ready.command is not None:
        return _exec(ready.command)
    if ready is not None and ready.tcp is not None:
        port = port_inside(service, ready.tcp, parts)
        if port is not None:
            return {"tcpSocket": {"port": port}}
        why = f"{ready.tcp} is no port of this container"
        said.lost(service.family, "ready.tcp", why, (*service.at, "ready"))
    if ready is not None and ready.http is not None:
        return _web(service, ready.http, parts, said)
    delay = (
        {} if ready is None or ready.delay is None else {"initialDelaySeconds": whole(ready.delay)}
    )
    port = _first_port(service)
    if port is not None:
        return {"tcpSocket": {"port": port}, **delay}
    return {"exec": {"command": ["true"]}, **delay} if delay else None


def _web(service: ExportService, web: Web, parts: Parts, said: Remarked) -> Probe | None:
    port = _first_port(service)
    if web.address is not None:
        port = port_inside(service, web.address, parts)
    if port is None:
        why = "it is no port of this container"
        said.lost(service.family, "ready.http", why, (*service.at, "ready"))
        return None
    return {"httpGet": {"path": web.path, "port": port}}


def _exec(command: str | tuple[str, ...]) -> Probe:
    words = ["sh", "-c", command] if isinstance(command, str) else list(command)
    return {"exec": {"command": [escaped(each) for each in words]}}


def _first_port(service: ExportService) -> int | None:
    return service.ports[0][1] if service.ports else None
