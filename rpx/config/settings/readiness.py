"""`ready`: the sign by which a started process shows that it is ready.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo, model_validator

from rpx.config.settings.addresses import Located, address
from rpx.config.settings.forms import AS_WRITTEN, text
from rpx.config.settings.values import Command, Seconds, Wait, url_path
from rpx.config.settings.written import Kind, Maybe, Written, setting
from rpx.config.wording import shown, wrong
from rpx.model.address import Address
from rpx.model.config import Ready, Web

_SIGNS = ("log", "tcp", "http", "command", "delay")


def pattern(value: object) -> object:
    """A regular expression, as Python has them."""
    if isinstance(value, str):
        try:
            re.compile(value)
        except re.error as error:
            raise wrong(
                f"is not a regular expression: {error}", "write \\ before what is meant literally"
            ) from None
    return value


def web(value: object, info: ValidationInfo) -> object:
    """A URL, or the path of one on the backend itself."""
    if isinstance(value, str) and value.startswith("/"):
        return Web(address=None, path=str(url_path(value)))
    if not isinstance(value, str) or not value.lower().startswith("http://"):
        raise wrong(
            f"is not a path and no http:// URL: {shown(value)}",
            "write /health, or http://localhost:3000/health",
        )
    authority, slash, path = value[len("http://") :].partition("/")
    where = address(authority if re.search(r":[0-9]+$", authority) else f"{authority}:80", info)
    if not isinstance(where, Address):
        raise wrong(
            f"is a URL of a unix socket: {shown(value)}",
            "write a path, which asks the backend itself, or tcp: unix:PATH",
        )
    return Web(address=where, path=str(url_path(slash + path)) if slash else "/")


def written_web(found: Web) -> str:
    """What may be written for a URL."""
    return found.path if found.address is None else f"http://{found.address}{found.path}"


Pattern = Annotated[str, BeforeValidator(pattern), Kind("regular expression", AS_WRITTEN)]
WebField = Annotated[
    Web,
    BeforeValidator(web),
    Kind("`/path`, or `http://` URL", text("^(/|[Hh][Tt][Tt][Pp]://)"), written_web),
]


class ReadyWritten(Written):
    """`ready`."""

    example = "ready: {tcp: 5432}"
    nouns = (Ready,)
    needs = (*_SIGNS, "timeout")
    apart = (_SIGNS,)

    log: Maybe[Pattern] = setting(
        "a line of its output matches, anywhere in the line; colours don't count. It is taken as"
        " written: no `$` is filled in"
    )
    tcp: Maybe[Located] = setting("a port takes a connection")
    http: Maybe[WebField] = setting(
        "a GET is answered with 200 to 399 within 2 s. A path asks the backend itself, and one of"
        " `processes` at the first of its [`ports`](#ports)"
    )
    command: Maybe[Command] = setting(
        "exits with 0, run in the service's folder and environment, again and again, 10 s at most"
        " each time"
    )
    delay: Maybe[Seconds] = setting("the process has run so long")
    timeout: Maybe[Wait] = setting(
        "beside one of these, or alone: a process that is not ready by then is replaced as if it"
        " had crashed. Default: no limit"
    )

    @model_validator(mode="after")
    def _one_sign(self) -> ReadyWritten:
        signs = self.model_fields_set & {*_SIGNS}
        if len(signs) > 1:
            raise wrong("waits for several things", "keep one of log, tcp, http, command and delay")
        if not self.model_fields_set:
            raise wrong("waits for nothing", "give it one of log, tcp, http, command and delay")
        return self
