"""Probes of process-compose as health checks."""

from __future__ import annotations

from dataclasses import dataclass

from rpx.moving.draft import Draft, DraftService, Written
from rpx.moving.lined import Lined
from rpx.moving.remarks import Origin

_LOCAL = {"", "localhost", "127.0.0.1", "::1", "0.0.0.0"}  # noqa: S104  # whom a probe asks
_NUMBERS = {
    "period_seconds": "interval",
    "timeout_seconds": "timeout",
    "success_threshold": "healthy_threshold",
    "failure_threshold": "unhealthy_threshold",
}


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe asks: `words` of `health_check`; with HTTP where, by which scheme."""

    words: Written
    origin: Origin
    is_http: bool
    port: int | None = None
    secure: bool = False


def probe_of(written: Lined, what: str, draft: Draft, service: str) -> Probe | None:
    """A probe; None where it asks nothing that is known. What rpx has no words for is said."""
    words = _numbers(written, what, draft, service)
    http, command = written.get("http_get"), written.get("exec")
    if command is not None and (asks := command.get("command")) is not None:
        for key in command.mapping:
            if key != "command":
                why = "rpx asks in the folder of the service"
                draft.lost(service, f"{what}: {key}", why, command.at(key), "`cd … && …`")
        return Probe({"command": asks.text.replace("$$", "$"), **words}, asks.origin, is_http=False)
    if http is not None and http.mapping:
        return _http(http, words, draft, service, what)
    draft.lost(service, what, "it asks nothing", written.origin, "`http_get` or `exec`")
    return None


def _numbers(written: Lined, what: str, draft: Draft, service: str) -> Written:
    """How often a probe asks, and how long."""
    words: Written = {}
    for key, said in written.mapping.items():
        here = written.at(key)
        if key in _NUMBERS and said.text.isdigit():
            seconds = key in {"period_seconds", "timeout_seconds"}
            words[_NUMBERS[key]] = f"{said.text}s" if seconds else int(said.text)
        elif key == "initial_delay_seconds":
            why = "rpx asks at once; what fails before the first success does not count"
            draft.carried(service, key, why, here)
        elif key not in {"http_get", "exec"}:
            draft.lost(service, f"{what}: {key}", "is no key of a probe", here)
    return words


def _http(http: Lined, words: Written, draft: Draft, service: str, what: str) -> Probe | None:
    def text(key: str) -> str:
        said = http.get(key)
        return "" if said is None else said.text

    port = text("port") or text("num_port")
    if text("host") not in _LOCAL or not port.isdigit():
        why = "asks elsewhere, or at a port that isn't known now"
        draft.lost(service, what, why, http.origin, "`ready: {http: http://…}`")
        return None
    found: Written = {"path": text("path") or "/", **words}
    if text("status_code"):
        found["expect"] = int(text("status_code")) if text("status_code").isdigit() else "200-399"
    headers = http.get("headers")
    if headers is not None and headers.mapping:
        found["headers"] = {name: said.text for name, said in headers.mapping.items()}
        if host := found["headers"].pop("Host", None):
            found["host"] = host
    known = {"host", "port", "num_port", "path", "scheme", "status_code", "headers"}
    for key in http.mapping:
        if key not in known:
            draft.lost(service, f"{what}: {key}", "is no key of a probe", http.at(key))
    secure = text("scheme").lower() == "https"
    return Probe(found, http.origin, is_http=True, port=int(port), secure=secure)


def check_of(probe: Probe, service: DraftService, draft: Draft) -> None:
    """Write a probe as the `health_check` of its service."""
    if not probe.is_http:
        service.settings["health_check"] = probe.words
        return
    if probe.secure:
        service.settings["from"] = {"url": f"https://localhost:{probe.port}", "verify": False}
        service.settings["change_origin"] = True
    elif service.settings.get("from") != f"localhost:{probe.port}":
        listens = service.settings.get("from")
        why = f"asks at {probe.port}, and its command says {listens}: the probe is believed"
        draft.guessed(service.name, "readiness_probe", why, probe.origin)
        service.settings["from"] = f"localhost:{probe.port}"
    service.settings["health_check"] = probe.words
