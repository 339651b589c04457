"""`health_check`: how a backend is asked whether it is well.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, model_validator

from rpx.config.settings.addresses import Located
from rpx.config.settings.forms import BOOLEAN, any_of, list_of, number, text
from rpx.config.settings.header_fields import FIELDS, TOKEN
from rpx.config.settings.values import Command, Count, Milliseconds, Seconds, UrlPath
from rpx.config.settings.written import Kind, Maybe, Switched, setting, switch, switched
from rpx.config.wording import shown, wrong
from rpx.model.config import HealthCheck

WAYS: Final = ("path", "tcp", "command", "grpc")  # of which a check has one
_OF_A_GET: Final = ("expect", "host", "headers")
_COMMAND_WITHIN: Final = 10.0  # seconds: a program that has to be loaded takes longer than a GET
_COMPOSE: Final = ("CMD", "CMD-SHELL", "NONE")
_FRAMING: Final = frozenset({"connection", "content-length", "transfer-encoding", "upgrade"})
_TEXT = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110 §5.5
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_SERVICE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_RANGE = re.compile(r"([1-5][0-9][0-9])(?:\s*-\s*([1-5][0-9][0-9]))?")


def statuses(value: object) -> object:
    """`200`, `200-399`, `200,204,300-399`, or a list of those, as ranges."""
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(_status(part) for part in (parts if isinstance(parts, list) else [parts]))


def _status(value: object) -> tuple[int, int]:
    found = _RANGE.fullmatch(str(value).strip())
    if found is None or int(found[1]) > int(found[2] or found[1]):
        hint = "write 200, 200-399 or [200, 204, 300-399]"
        raise wrong(f"has something that is no status and no range: {shown(value)}", hint)
    return int(found[1]), int(found[2] or found[1])


def command(value: object) -> object:
    """What is to be run; Compose's lists begin with a word that says how."""
    if isinstance(value, list) and value and value[0] in _COMPOSE:
        if value[0] == "NONE":
            raise wrong("has NONE, which is Compose's word", "write `health_check: false`")
        hint = "leave that word out: a text goes to the shell, a list of words does not"
        raise wrong(f"begins with {value[0]}, which is Compose's word", hint)
    return value


def host(value: object) -> object:
    """What `Host` says."""
    if isinstance(value, str) and not _HOST.fullmatch(value):
        raise wrong(f"is not a host: {shown(value)}", "write api.localhost, or api.localhost:3000")
    return value


def headers(value: object) -> object:
    """Fields of a request, as pairs of texts."""
    if not isinstance(value, dict):
        raise wrong(f"is not a mapping: {shown(value)}", "write `headers: {Accept: text/plain}`")
    return tuple(_header(str(name), text) for name, text in value.items())


def _header(name: str, text: object) -> tuple[str, str]:
    if not TOKEN.fullmatch(name):
        raise wrong(f"has something that is no name of a header: {shown(name)}", "write X-Check")
    if name.lower() == "host":
        raise wrong("has `Host`", "write it as `host: api.localhost`, beside `headers`")
    if name.lower() in _FRAMING:
        raise wrong(f"has `{name}`, which says how the request is sent", "leave that to rpx")
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise wrong(f"has no text for `{name}`: {shown(text)}", "write a text or a number")
    if not _TEXT.fullmatch(str(text)):
        raise wrong(f"holds a character that no header can: {shown(text)}", "write it in ASCII")
    return name, str(text)


def grpc(value: object) -> object:
    """`true`: the server as a whole, which is the service ""; or the name of a service."""
    if value is False:
        raise wrong("is switched off", "leave it out, or write `health_check: false`")
    if value is not True and not (isinstance(value, str) and _SERVICE.fullmatch(value)):
        hint = "write true, or a service as its .proto has it: shop.v1.Orders"
        raise wrong(f"is no name of a gRPC service: {shown(value)}", hint)
    return "" if value is True else value


def written_service(found: str) -> str | bool:
    """What may be written for a service."""
    return found or True


def written_statuses(found: Iterable[tuple[int, int]]) -> str:
    """What may be written for ranges of statuses."""
    return ",".join(str(least) if least == most else f"{least}-{most}" for least, most in found)


_STATUS_TEXT: Final = r"\s*[1-5][0-9][0-9](\s*-\s*[1-5][0-9][0-9])?\s*"
_ONE_STATUS: Final = number(pattern=f"^{_STATUS_TEXT}$", minimum=100, maximum=599)
STATUS: Final = number(pattern=f"^{_STATUS_TEXT}(,{_STATUS_TEXT})*$", minimum=100, maximum=599)
CheckCommand = Annotated[Command, BeforeValidator(command)]
HostName = Annotated[
    str, BeforeValidator(host), Kind("host, or `host:port`", text(rf"^{_HOST.pattern}$"))
]
Headers = Annotated[
    tuple[tuple[str, str], ...],
    BeforeValidator(headers),
    Kind("mapping of names to texts", FIELDS, dict),
]
Statuses = Annotated[
    tuple[tuple[int, int], ...],
    BeforeValidator(statuses),
    Kind("`200`, `200-399`, list", any_of(STATUS, list_of(_ONE_STATUS, least=1)), written_statuses),
]


Service = Annotated[
    str,
    BeforeValidator(grpc),
    Kind("`true`, or a service", any_of(BOOLEAN, text(_SERVICE.pattern)), written_service),
]


class HealthCheckWritten(Switched):
    """`health_check`."""

    example = "health_check: {path: /health}"
    nouns = (HealthCheck,)
    apart = (WAYS,)

    path: Maybe[UrlPath] = setting(
        "what is asked for, with GET; of a process at the first of its [`ports`](#ports)"
    )
    tcp: Maybe[Located] = setting("instead of that: a port takes a connection")
    command: Maybe[CheckCommand] = setting(
        "instead of that: exits with 0, run in the service's folder and environment"
    )
    grpc: Maybe[Service] = setting(
        "instead of that: grpc.health.v1 says SERVING, of the server as a whole or of that service"
    )
    host: Maybe[HostName] = setting("what `Host` says with a `path`", "the address")
    headers: Maybe[Headers] = setting("sent along with a `path`")
    interval: Maybe[Annotated[Milliseconds, Field(gt=0)]] = setting(
        "between checks of a backend that is up. A backend that is out of rotation is asked every"
        " second, or at this interval if that is shorter, and"
        " [knocked at](supervision.md#knocks) more often while nothing listens there"
    )
    timeout: Maybe[Annotated[Milliseconds, Field(gt=0)]] = setting(
        "an answer that comes later is a failure; a command that takes longer is ended"
    )
    healthy_threshold: Maybe[Count] = setting("passes in a row until it is in rotation")
    unhealthy_threshold: Maybe[Count] = setting("failures in a row until it is out")
    expect: Maybe[Statuses] = setting("statuses that pass; redirects are not followed")
    start_period: Maybe[Seconds] = setting(
        "so long, failures of a process that has never been ready don't count. Afterwards,"
        " `unhealthy_threshold` failures make it `unhealthy`, and as many again"
        " [replace](supervision.md#health) it",
        "for ever",
    )

    @model_validator(mode="after")
    def _one_way(self) -> HealthCheckWritten:
        ways = [name for name in WAYS if name in self.model_fields_set]
        if len(ways) > 1:
            raise wrong("asks in several ways", "keep one of path, tcp, command and grpc")
        for name in _OF_A_GET:
            if name in self.model_fields_set and ways and ways != ["path"]:
                raise wrong(
                    f"has `{name}`, which only a GET of a `path` has", f"leave out `{name}`"
                )
        return self


def merged(below: HealthCheckWritten | None, own: HealthCheckWritten | None) -> HealthCheck | None:
    """The check of a proxy, what holds for all (`below`) with its own words; None: it has none.

    Who asks in another way than all the others has nothing of how they ask.
    """
    above = own.written() if own is not None else None
    beneath = below.written() if below is not None else None
    if above and beneath and not above.keys().isdisjoint(WAYS):
        dropped = {*WAYS, *(_OF_A_GET if "path" not in above else ())}
        beneath = {name: value for name, value in beneath.items() if name not in dropped}
    settings = switched(beneath, above)
    if settings is None:
        return None
    if settings.get("command"):
        settings = {"timeout": _COMMAND_WITHIN, **settings}
    return HealthCheck(**settings)


HealthCheckField = Annotated[HealthCheckWritten, BeforeValidator(switch)]
