"""What a page says to do about backends that don't answer."""

from __future__ import annotations

from rpx.hub.backend_tls import NO_TLS, UNTRUSTED
from rpx.hub.endpoint import Endpoint, Pool
from rpx.model.status import AT_REST
from rpx.policy.depend import hopeless
from rpx.policy.protocol_hints import hint_for
from rpx.proxy.protocol import has_answered

OTHER_PROTOCOL = (
    "does it speak HTTP/1.1? For TLS write https:// before its address in `from`, for HTTP/2"
    " without TLS (gRPC) h2c://"
)

_TLS_HINTS = {
    UNTRUSTED: "beside its `url` in rpx.yaml, `ca: FILE` names the authority to trust, and `verify:"
    " false` trusts any certificate",
    NO_TLS: "write http:// in its `url`, if it is to be asked without TLS",
}


def hint_of_broken(pool: Pool) -> str:
    """Somebody listens there and hangs up: that it is to be started is no use to say."""
    if hint := _protocol_hint(pool):
        return hint
    if any(map(has_answered, pool.backends)):
        return "" if any(backend.external for backend in pool.backends) else hint_of(pool)
    if any(backend.external for backend in pool.backends):
        return OTHER_PROTOCOL
    return f"{hint_of(pool)}; {OTHER_PROTOCOL}"


def _protocol_hint(pool: Pool) -> str:
    return next(filter(None, map(hint_of_protocol, pool.backends)), "")


def hint_of_protocol(backend: Endpoint) -> str:
    """What to write, where it speaks something else than it is asked in; else ""."""
    return hint_for(backend.last_error, backend.spec.address)


def hint_of(pool: Pool) -> str:
    """What brings one of them up."""
    if hint := _protocol_hint(pool):
        return hint
    for fault, hint in _TLS_HINTS.items():
        if any(backend.last_error.startswith(fault) for backend in pool.backends):
            return hint
    if paused := [b.label for b in pool.backends if b.paused]:
        return " or ".join(f"`rpx resume-backend {label}`" for label in paused) + " brings it back"
    if any(backend.external for backend in pool.backends):
        return "start the process that listens there; rpx sends requests as soon as it answers"
    if awaited := hopeless(each for backend in pool.backends for each in backend.obstacles):
        return f"`rpx start {awaited}` starts what is waited for; `rpx logs {awaited}` says more"
    processes = [backend.process for backend in pool.backends if backend.process is not None]
    names = dict.fromkeys(process.spec.name for process in processes)
    logs = " or ".join(f"`rpx logs {name}`" for name in names) + " shows what they printed"
    logs += f", `rpx why {pool.backends[0].label}` says why"
    if all(process.state in AT_REST for process in processes):
        return " or ".join(f"`rpx start {name}`" for name in names) + f" starts them; {logs}"
    return logs
