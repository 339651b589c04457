"""What a member may say in HELLO and STATE: looked at, before anything is done."""

from __future__ import annotations

import re

from rpx.door.door_frames import (
    LONGEST_TEXT,
    MOST_ENTRANCES,
    MOST_HOSTS,
    MOST_SERVICES,
    Garbled,
)

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

    from rpx.door.messages import MemberHello, ServiceState, StateOfMember, WantedEntrance

_HOST: Final = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]|\*")
_SHOWN: Final = 200  # characters of what a page shows


class Improper(Exception):
    """A HELLO that can be read, and can't be done: what is wrong with it, in words."""


def read_hello(said: Mapping[str, Any]) -> MemberHello:
    """Return a HELLO in which everything is of its type and within bounds.

    Raises: Improper; Garbled for what isn't of the type that it has to be.
    """
    hosts = [_host(each) for each in _list(said, "hosts", MOST_HOSTS)]
    if len(set(hosts)) != len(hosts):
        hosts = list(dict.fromkeys(hosts))
    found: MemberHello = {
        "v": _number(said, "v"),
        "rpx": _text(said, "rpx"),
        "pid": _number(said, "pid"),
        "run_id": _text(said, "run_id"),
        "project": _text(said, "project"),
        "folder": _text(said, "folder"),
        "file": _text(said, "file"),
        "realm": _text(said, "realm", ""),
        "branch": _text(said, "branch", ""),
        "start": _text(said, "start", "rpx up"),
        "hosts": hosts,
        "entrances": [_entrance(each) for each in _list(said, "entrances", MOST_ENTRANCES)],
        "accepts": said.get("accepts") is True,
        "prefer": {},
    }
    preferred = said.get("prefer") or {}
    if not isinstance(preferred, dict):
        raise Garbled("prefer")
    for scheme in ("http", "https"):
        if preferred.get(scheme) is not None:
            found["prefer"][scheme] = _port(preferred[scheme])
    return found


def read_state(said: Mapping[str, Any]) -> StateOfMember:
    """Return how a member is. Raises: Garbled."""
    services = _list(said, "services", MOST_SERVICES)
    return {"state": _text(said, "state")[:_SHOWN], "services": [_service(x) for x in services]}


def _service(said: object) -> ServiceState:
    if not isinstance(said, dict):
        raise Garbled("services")
    return {
        "name": _text(said, "name")[:_SHOWN],
        "url": _text(said, "url", "")[: _SHOWN * 2],
        "state": _text(said, "state", "")[:_SHOWN],
    }


def _entrance(said: object) -> WantedEntrance:
    if not isinstance(said, dict):
        raise Garbled("entrances")
    port = said.get("port")
    fds = said.get("fds", 0)
    if not isinstance(fds, int) or not 0 <= fds <= 2:
        raise Garbled("fds")
    return {
        "tls": said.get("tls") is True,
        "port": None if port is None else _port(port),
        "fds": fds,
    }


def _port(value: object) -> int:
    if not isinstance(value, int) or not 0 < value < 65536:
        raise Improper(f"a port is from 1 to 65535, and not {value!r:.20}")
    return value


def _host(value: object) -> str:
    if not isinstance(value, str):
        raise Garbled("hosts")
    host = value.lower().removesuffix(".")
    if len(host) > 300 or not _HOST.fullmatch(host):
        raise Improper(f"{value!r:.80} is not a host name")
    return host


def _list(said: Mapping[str, Any], key: str, most: int) -> list[Any]:
    found = said.get(key, [])
    if not isinstance(found, list):
        raise Garbled(key)
    if len(found) > most:
        raise Improper(f"more than {most} {key}")
    return found


def _number(said: Mapping[str, Any], key: str) -> int:
    found = said.get(key)
    if not isinstance(found, int) or not 0 <= found < 1 << 32:
        raise Garbled(key)
    return found


def _text(said: Mapping[str, Any], key: str, default: str | None = None) -> str:
    found = said.get(key, default)
    if not isinstance(found, str):
        raise Garbled(key)
    if len(found) > LONGEST_TEXT:
        raise Improper(f"`{key}` has more than {LONGEST_TEXT} characters")
    return found
