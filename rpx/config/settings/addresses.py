"""Addresses of backends, as they may be written.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator, ValidationInfo

from rpx.config.settings.forms import number, text
from rpx.config.settings.written import Kind
from rpx.config.wording import shown, wrong
from rpx.model.address import Address, Location, SocketFile, Tls

_BACKEND_HOST = re.compile(
    r"(?=.{1,253}\Z)(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*(?<!-)"
)
_ADDRESS = re.compile(r"(?:(?P<host>\[[^\]]*\]|[^\[\]:]*):)?(?P<port>[0-9]+)")

LONGEST_PATH = 107 if sys.platform == "linux" else 103  # bytes, of sun_path without its NUL
_PORTS: Final = {"http": 80, "https": 443, "h2c": 80}
_GRPC: Final = "write h2c://host:port for gRPC without TLS, https://host:port for gRPC with it"
_OTHER_SCHEMES: Final = {
    **dict.fromkeys(("grpc", "grpcs", "dns"), _GRPC),
    "h2": "write https://host:port: with TLS both sides agree on HTTP/2; h2c:// is it without TLS",
    "ws": "write http://host:port: WebSockets pass by themselves",
    "wss": "write https://host:port: WebSockets pass by themselves",
}
_FORMS = "write host:port, :port or port, for example localhost:3000"


def addresses(value: object) -> object:
    """`from` as a list: a text may hold several addresses with commas between."""
    if isinstance(value, str) and "," in value:
        return [part.strip() for part in value.split(",")]
    if isinstance(value, str | int | dict) and not isinstance(value, bool):
        return [value]
    if (isinstance(value, list) and value) or value == ():  # (): the ports are chosen later
        return value
    raise wrong(
        f"is not a list of addresses: {shown(value) if value != [] else 'it is empty'}", _FORMS
    )


def address(value: object, info: ValidationInfo) -> object:
    """host:port, :port, port, unix:path, or one of the URLs that `url` takes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Address("localhost", _port(str(value), value))
    if not isinstance(value, str):
        raise wrong(f"is not an address: {shown(value)}", _FORMS)
    text = value.strip()
    if text.startswith("unix:"):
        return _socket_file(text.removeprefix("unix:"), value, info)
    if "://" in text:
        return _url(text, value)
    return _host_and_port(text, value)


def _host_and_port(text: str, value: object) -> Address:
    parts = _ADDRESS.fullmatch(text)
    if parts is None:
        hint = _FORMS
        several = re.split(r"[\s;|]+", text)
        if len(several) > 1 and all(map(_ADDRESS.fullmatch, several)):
            hint = f"put a comma between two addresses: {', '.join(several)}"
        elif text.count(":") > 1:
            hint = "brackets belong around an IPv6 address: [::1]:3000"
        raise wrong(f"is not an address: {shown(value)}", hint)
    return Address(_host(parts["host"] or "localhost", value), _port(parts["port"], value))


def url(value: object, info: ValidationInfo) -> object:
    """http://host:port, https://host:port, h2c://host:port or unix:///path."""
    if not isinstance(value, str) or "://" not in value:
        raise wrong(f"is not a URL: {shown(value)}", "write http://host:port, or use `address`")
    return address(value, info)


def _url(text: str, value: object) -> Address:
    scheme, rest = text.split("://", 1)
    if scheme.lower() not in _PORTS:
        hint = _OTHER_SCHEMES.get(scheme.lower(), "write http://host:port or https://host:port")
        raise wrong(f"is not an http://, https:// or h2c:// URL: {shown(value)}", hint)
    authority, _, path = rest.partition("/")
    if path or re.search(r"[?#@]", authority):
        raise wrong(
            f"is more than a host and a port, which is not supported: {shown(value)}",
            f"write {scheme}://host:port",
        )
    if not re.search(r":[0-9]+$", authority):
        authority += f":{_PORTS[scheme.lower()]}"
    tls = Tls() if scheme.lower() == "https" else None
    return replace(_host_and_port(authority, value), tls=tls, h2c=scheme.lower() == "h2c")


def _socket_file(text: str, value: object, info: ValidationInfo) -> SocketFile:
    """A path, relative to the project's folder; as a URL with an empty host."""
    path = text.removeprefix("//") if text.startswith("//") else text
    if not path or (path is not text and not path.startswith("/")):
        hint = "write unix:/path/to.sock, or unix:run/api.sock relative to rpx.yaml"
        raise wrong(f"has no usable path: {shown(value)}", hint)
    full = os.path.normpath((info.context or {}).get("root", Path()) / path)
    if "\0" in full:
        raise wrong("holds a NUL character", "no path can hold one; remove it")
    if (size := len(os.fsencode(full))) > LONGEST_PATH:
        raise wrong(
            f"is too long for a unix socket: {size} bytes of at most {LONGEST_PATH}: {shown(full)}",
            "use a shorter one, for example below /tmp",
        )
    return SocketFile(full, path)


def written_location(found: Location) -> str:
    """What may be written for an address wherever the file is: paths are absolute."""
    if isinstance(found, SocketFile):
        return f"unix:{found.path}"
    scheme = "h2c://" if found.h2c else "https://" if found.tls is not None else ""
    return f"{scheme}{found}"


def _host(text: str, value: object) -> str:
    literal = text[1:-1] if text.startswith("[") else text
    try:
        return str(ipaddress.ip_address(literal))
    except ValueError:
        pass
    # Only digits and dots, but no address: 3000:3001 is meant as two ports, 10.0.0:80 is a slip.
    if text.startswith("[") or not _BACKEND_HOST.fullmatch(text) or re.fullmatch(r"[0-9.]+", text):
        hint = "for two backends put a comma between: 3000, 3001" if text.isdigit() else _FORMS
        raise wrong(f"has no usable host: {shown(value)}", hint)
    return text.lower()


def _port(text: str, value: object) -> int:
    if text.startswith("0") and text.strip("0"):
        raise wrong(
            f"has a port with a leading zero: {shown(value)}", f"write it as {text.lstrip('0')}"
        )
    if text.startswith("-") or len(text) > 5 or not 1 <= int(text) <= 65535:
        raise wrong(f"has no usable port: {shown(value)}", "ports go from 1 to 65535")
    return int(text)


_HOST_AND_PORT = r"((\[[^\]]*\]|(?![0-9]+:)[^\s,:/\[\]]*):)?[1-9][0-9]{0,4}"
_ONE = rf"(unix:.+|[A-Za-z0-9]+://.+|{_HOST_AND_PORT})"
_OF_SEVERAL = rf"\s*(unix:[^,]+|[A-Za-z0-9]+://[^,]+|{_HOST_AND_PORT})\s*"
ADDRESS: Final = number(pattern=rf"^\s*{_ONE}\s*$", minimum=1, maximum=65535)
ADDRESSES: Final = number(pattern=rf"^{_OF_SEVERAL}(,{_OF_SEVERAL})*$", minimum=1, maximum=65535)
Located = Annotated[
    Location,
    BeforeValidator(address),
    Kind("`host:port`, `:port`, port, `unix:path`", ADDRESS, written_location),
]
LocatedUrl = Annotated[
    Location,
    BeforeValidator(url),
    Kind(
        "`http://host:port`, `https://host:port`, `h2c://host:port`, `unix:///path`",
        text("^([Hh][Tt][Tt][Pp][Ss]?|[Hh]2[Cc]|unix)://"),
    ),
]
