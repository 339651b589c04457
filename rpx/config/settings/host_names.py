"""Hosts that clients ask for, with or without a path, as they may be written in `to`.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import Annotated

from pydantic import BeforeValidator

from rpx.config.settings.written import Kind
from rpx.config.wording import shown, wrong

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# Without `;`, which would end it where a cookie's Path names it.
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()+,=:@-]|%[0-9A-Fa-f]{2})+)*")

LONGEST_HOST = 253  # characters (RFC 1035 §2.3.4, without the lengths and the root)
LONGEST = 63  # characters of a name, as of a label of DNS: files and columns are called by it


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
    return len(text) <= LONGEST_HOST and all(_LABEL.fullmatch(label) for label in text.split("."))


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


Route = Annotated[str, BeforeValidator(route), Kind("host, or host/path")]
