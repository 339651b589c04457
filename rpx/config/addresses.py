"""Hosts and addresses as they may be written: validators of schema.py.

Raises: PydanticCustomError, as shorthand.py says.
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationInfo

from rpx.config.wording import shown, wrong
from rpx.model.address import Address, SocketFile, Tls

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# Without `;`, which would end it where a cookie's Path names it.
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()+,=:@-]|%[0-9A-Fa-f]{2})+)*")
_BACKEND_HOST = re.compile(
    r"(?=.{1,253}\Z)(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*(?<!-)"
)
_ADDRESS = re.compile(r"(?:(?P<host>\[[^\]]*\]|[^\[\]:]*):)?(?P<port>[0-9]+)")

LONGEST_PATH = 107 if sys.platform == "linux" else 103  # bytes, of sun_path without its NUL
_FORMS = "write host:port, :port or port, for example localhost:3000"


def route(value: object) -> object:
    """A host that clients ask for, with or without a path: the host in lower case, without the
    root's dot, an IPv6 one in its usual form; the path as it is, without a slash at its end.
    """
    if isinstance(value, list) and value:
        hosts = " and ".join(f"`to: {shown(host).strip('`')}`" for host in value[:2])
        raise wrong("is a list: a proxy answers to one host", f"write an entry for each: {hosts}")
    if not isinstance(value, str):
        return value
    scheme, _, rest = value.rpartition("://")
    if scheme:
        shorter = re.sub(r":[0-9]*(/|$)", r"\1", rest).rstrip("/") or "api.localhost"
        raise wrong(f"has a scheme: {shown(value)}", f"write it without: {shorter}")
    host, slash, path = value.partition("/")
    return _route_host(host.lower().removesuffix("."), value) + _route_path(slash + path, value)


def _route_host(text: str, value: str) -> str:
    literal = _ipv6(text)
    if literal is not None:
        return literal
    if re.search(r":[0-9]*$", text):
        raise wrong(
            f"has a port: {shown(value)}",
            "write only the host; `listen.http_port` chooses the port",
        )
    name = text.removeprefix("*.")
    if "*" in name:
        raise wrong(
            f"has `*` where it means nothing: {shown(value)}",
            "it stands for one whole label, the first, as in *.tenant.localhost",
        )
    if not is_host_name(name):
        raise wrong(
            f"is not a host name: {shown(value)}",
            as_ascii(text)
            or "letters, digits and - between dots, for example api.localhost; others as xn--…",
        )
    return text


def network(value: object) -> object:
    """An address, a network of them (CIDR), or localhost, in its usual form."""
    if not isinstance(value, str) or value == "localhost":
        return value
    try:
        found = ipaddress.ip_network(value.strip().strip("[]"), strict=False)
    except ValueError:
        raise wrong(
            f"is neither an address nor a network: {shown(value)}",
            'for example 127.0.0.1, "::1", 10.0.0.0/8 or localhost',
        ) from None
    return str(found.network_address if found.num_addresses == 1 else found)


LONGEST = 63  # characters of a name, as of a label of DNS: files and columns are called by it


def default_name(to: str, shared: Collection[str]) -> str:
    """The first label of a host, with the path where the host is `shared` by several proxies."""
    host, _, path = to.partition("/")
    label = host.strip("[]") if host.startswith("[") else host.removeprefix("*.").split(".")[0]
    parts = (label, path) if host in shared else (label,)
    name = "-".join(filter(None, re.split(r"[^A-Za-z0-9_]+", "/".join(parts))))
    return name[:LONGEST].rstrip("-")


def as_ascii(name: str) -> str:
    """What to write for a name with letters that are not ASCII, as a hint; "" where there are none.

    Browsers ask for that form (RFC 5891). Four characters were read in another way once, and Python
    still does: no hint for those.
    """
    wild, name = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    try:
        known = "" if set(name) & set("ßς\u200c\u200d") else name.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    other = known != name and is_host_name(known)
    return f"browsers ask for it as `{wild}{known}`: write that" if other else ""


def is_host_name(text: str) -> bool:
    """Whether it is a host's name in lower case, without a trailing dot."""
    return len(text) <= 253 and all(_LABEL.fullmatch(label) for label in text.split("."))


def _ipv6(text: str) -> str | None:
    """The usual form of an IPv6 address in brackets, None for everything else."""
    try:
        found = f"[{ipaddress.IPv6Address(text.strip('[]'))}]"
    except ValueError:
        return None
    if not re.fullmatch(r"\[[^]]+\]", text):
        raise wrong(
            f"is an IPv6 address without brackets: {shown(text)}", f'write it in quotes: "{found}"'
        )
    return found


def _route_path(text: str, value: str) -> str:
    path = text.rstrip("/")
    if "*" in path:
        shorter = value.partition("*")[0].rstrip("/")
        raise wrong(
            f"has `*` in its path: {shown(value)}",
            f"a path stands for all that begins with it: write {shorter}",
        )
    if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise wrong(
            f"has a path that is none: {shown(value)}",
            "write how it begins, for example /api; what is not ASCII as %XX, and no query",
        )
    return path


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


def source(value: object) -> object:
    """An entry of `from` that is only an address."""
    return {"address": value} if not isinstance(value, dict) else value


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
    """http://host:port, https://host:port or unix:///path."""
    if not isinstance(value, str) or "://" not in value:
        raise wrong(f"is not a URL: {shown(value)}", "write http://host:port, or use `address`")
    return address(value, info)


def _url(text: str, value: object) -> Address:
    scheme, rest = text.split("://", 1)
    tls = Tls() if scheme.lower() == "https" else None
    if tls is None and scheme.lower() != "http":
        raise wrong(
            f"is not an http:// or https:// URL: {shown(value)}",
            "write http://host:port or https://host:port",
        )
    authority, _, path = rest.partition("/")
    if path or re.search(r"[?#@]", authority):
        raise wrong(
            f"is more than a host and a port, which is not supported: {shown(value)}",
            f"write {scheme}://host:port",
        )
    if not re.search(r":[0-9]+$", authority):
        authority += ":443" if tls else ":80"
    return replace(_host_and_port(authority, value), tls=tls)


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
