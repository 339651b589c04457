"""Variables that only a starting process has, such as the URLs of proxies: a mark in a text stands
for each until then. No text that a user writes has one, since NUL is refused in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

REALM: Final = "RPX_REALM"  # the variable that tells a project's realm; no mark: it is always known

_PORT = "RPX_PORT_"
_ADDRESS = re.compile(r"RPX_\w+_(?:PORT(?:_[0-9]+)?|HOST|ADDRESS)")
_MARK = re.compile("\0([A-Za-z_][A-Za-z0-9_]*)\0")


def mark(name: str) -> str:
    """What stands in a text for the value that `name` will have."""
    return f"\0{name}\0"


def marked(text: str) -> list[str]:
    """The names that are marked in a text."""
    return _MARK.findall(text)


def without_marks(text: str) -> str:
    """The text with nothing in the place of each mark."""
    return _MARK.sub("", text)


def with_marks_as(form: str, text: str) -> str:
    """The text with each mark written in a form, whose `%s` is the name of the variable."""
    return _MARK.sub(lambda found: form % found[1], text)


def filled(text: str, variables: Mapping[str, str]) -> str:
    """The text with the value of each marked variable; one that isn't there is empty."""
    return _MARK.sub(lambda found: variables.get(found[1], ""), text)


def port_variable(port: int) -> str:
    """The variable that tells which port there is instead of a written one: `RPX_PORT_3001`."""
    return f"{_PORT}{port}"


def is_of_a_realm(name: str) -> bool:
    """Whether a variable tells of the realm of a project: it means nothing to another project."""
    return name == REALM or (name.startswith(_PORT) and name.removeprefix(_PORT).isdigit())


def url_variable(name: str) -> str:
    """The variable by which services reach the proxy of this name: `RPX_WEB_APP_URL`."""
    return _of(name, "URL")


def _of(name: str, what: str) -> str:
    return f"RPX_{name.upper().replace('-', '_')}_{what}"


def port_of_variable(name: str, port: int | None = None) -> str:
    """The variable that tells the first port of a service, `RPX_DB_PORT`, or one of them by what it
    is known by: `RPX_DB_PORT_5432`.
    """
    return _of(name, "PORT" if port is None else f"PORT_{port}")


def host_variable(name: str) -> str:
    """The variable that tells the host by which services reach a service: `RPX_DB_HOST`."""
    return _of(name, "HOST")


def address_variable(name: str) -> str:
    """The variable that tells both, as `host:port`: `RPX_DB_ADDRESS`."""
    return _of(name, "ADDRESS")


def tells_an_address(name: str) -> bool:
    """Whether a variable is one of these three."""
    return _ADDRESS.fullmatch(name) is not None


def tells_of_services(name: str) -> bool:
    """Whether rpx itself tells a variable of this name, of a service to itself or to others."""
    own = name in {"RPX_NAME", "RPX_REPLICA", "RPX_URL"}
    return own or tells_an_address(name) or (name.startswith("RPX_") and name.endswith("_URL"))


def public_url_variable(name: str) -> str:
    """The variable that tells under which URL browsers do: `RPX_WEB_APP_PUBLIC_URL`."""
    return url_variable(f"{name}-public")
