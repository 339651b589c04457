"""Hosts that clients ask for, with or without a path, as they may be written in `to`.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import Annotated

from pydantic import BeforeValidator

from rpx.config.settings.forms import one_or_more, text
from rpx.config.settings.written import Kind, several
from rpx.config.wording import shown, wrong
from rpx.model.config import ANY
from rpx.policy.realm import label_of

# A `_` isn't a host's (RFC 1123 §2.1), but browsers, resolvers and certificates take it for one.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# Without `;`, which would end it where a cookie's Path names it.
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()+,=:@-]|%[0-9A-Fa-f]{2})+)*")

LONGEST_HOST = 253  # characters (RFC 1035 §2.3.4, without the lengths and the root)
LONGEST = 63  # characters of a name, as of a label of DNS: files and columns are called by it


def hosts(value: object) -> object:
    """One of them, or a list, of which none is empty."""
    if value == []:
        raise wrong("is an empty list", "write at least one host, for example api.localhost")
    return several(value)


def route(value: object) -> object:
    """A host that clients ask for, with or without a path: the host in lower case, as browsers ask
    for it, without the root's dot, an IPv6 one in its usual form; the path as it is, without a
    slash at its end.
    """
    if not isinstance(value, str):
        return value
    scheme, _, rest = value.rpartition("://")
    if scheme:
        shorter = re.sub(r":[0-9]*(/|$)", r"\1", rest).rstrip("/") or "api.localhost"
        raise wrong(f"has a scheme: {shown(value)}", f"write it without: {shorter}")
    host, slash, path = value.partition("/")
    return _route_host(host.lower().removesuffix("."), value) + _route_path(slash + path, value)


def _route_host(text: str, value: str) -> str:
    if text == ANY:
        return text
    literal = _ipv6(text)
    if literal is not None:
        return literal
    if re.search(r":[0-9]*$", text):
        raise wrong(
            f"has a port: {shown(value)}",
            "write only the host; `listen.http_port` chooses the port",
        )
    wild, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    if "*" in name:
        raise wrong(
            f"has `*` where it means nothing: {shown(value)}",
            "it stands for one whole label, the first, as in *.tenant.localhost; alone, for any"
            " host that nobody else has",
        )
    name = as_browsers_ask(name)
    if not is_host_name(name):
        raise wrong(f"is not a host name: {shown(value)}", _instead_of(text))
    return wild + name


def _instead_of(text: str) -> str:
    several = [part.strip() for part in text.split(",")]
    if len(several) > 1 and all(map(is_host_name, several)):
        return f"write several as a list: [{', '.join(several)}]"
    return "letters, digits, - and _ between dots, for example api.localhost"


def default_name(to: str, shared: Collection[str]) -> str:
    """The first label of a host, with the path where the host is `shared` by several proxies.

    Of letters that are not ASCII as much as a name can have: `bücher` is bucher. `*` is any.
    """
    host, _, path = to.partition("/")
    label = host.strip("[]") if host.startswith("[") else host.removeprefix("*.").split(".")[0]
    label = "any" if label == ANY else _in_letters(label)
    parts = (label, path) if host in shared else (label,)
    name = "-".join(filter(None, re.split(r"[^A-Za-z0-9_]+", "/".join(parts))))
    return name.lstrip("_-")[:LONGEST].rstrip("-")


def _in_letters(label: str) -> str:
    """A label that is not ASCII, or says so of itself, in Latin letters, if it is of such."""
    label = as_browsers_ask(label)
    if not label.startswith("xn--"):
        return label
    try:
        return label_of(label.removeprefix("xn--").encode().decode("punycode")) or label
    except UnicodeError:  # it isn't what it says
        return label


def as_browsers_ask(name: str) -> str:
    """A host's name as DNS and certificates have it; "" where there is none, and itself if ASCII.

    Browsers write letters that are not ASCII as `xn--…`, by the rules of UTS #46 without its
    transition: so do we, and take what they take, as `straße`, or pictures, which RFC 5891 has not.
    """
    if name.isascii():
        return name
    import idna  # noqa: PLC0415 - large tables, which few need

    try:
        labels = idna.uts46_remap(name.lower(), std3_rules=False, transitional=False).split(".")
    except idna.IDNAError:
        return ""
    known = (x if x.isascii() else f"xn--{x.encode('punycode').decode('ascii')}" for x in labels)
    return ".".join(known).removesuffix(".")


def as_ascii(name: str) -> str:
    """What to write for a name with letters that are not ASCII, as a hint; "" where there are none.

    Browsers ask for that form (RFC 5891).
    """
    known = as_browsers_ask(name)
    other = known != name and is_host_name(known)
    return f"browsers ask for it as `{known}`: write that" if other else ""


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


Route = Annotated[str, BeforeValidator(route)]
Hosts = Annotated[
    tuple[Route, ...],
    BeforeValidator(hosts),
    Kind(
        "host, host/path, or list of them",
        one_or_more(text(r"^(\[[^\]]*\]|\*|(\*\.)?[^\s:/\[\],*]+)(/[^\s*?#]*)?$")),
        list,
    ),
]
