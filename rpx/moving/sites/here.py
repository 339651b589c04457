"""Addresses of backends as other tools write them: which of them are on this machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_BY_NUMBER = {"0.0.0.0", "172.17.0.1"}  # noqa: S104  # as a backend: this machine
_BY_NAME = {"host.docker.internal", "host.containers.internal", "gateway.docker.internal"}
_HERE = {"localhost", "127.0.0.1", "[::1]", "::1", *_BY_NUMBER, *_BY_NAME}
_HOST_PORT = re.compile(r"(\[[\da-fA-F:.]+\]|[\w.-]+)(?::(\d+))?\Z")

# Where a backend of a name and port is now, for who knows more of the names than this room.
Resolve = Callable[[str, int], str | None]


@dataclass(frozen=True, slots=True)
class PlaceHere:
    """An address for `from`; `guess` is the name that was taken for one of this machine, or ""."""

    address: str
    guess: str = ""
    is_local: bool = True


def place_of(text: str, usual: int, resolve: Resolve | None = None) -> PlaceHere | None:
    """`host`, `host:port`: where that is. `usual` is the port without one. None for what is none.

    A name without a dot is that of a container, most likely: its port is looked for here.
    """
    found = _HOST_PORT.match(text)
    if found is None:
        return None
    host, port = found[1], int(found[2] or usual)
    if not 0 < port < 65536:
        return None
    if resolve is not None and (known := resolve(host, port)):
        return PlaceHere(known)
    if host in _HERE:
        if host in _BY_NUMBER or host in _BY_NAME:
            host = "localhost"
        return PlaceHere(f"[{host}]:{port}" if host == "::1" else f"{host}:{port}")
    if "." not in host and not host.startswith("["):
        return PlaceHere(f"localhost:{port}", guess=host)
    return PlaceHere(f"{host}:{port}", is_local=False)
