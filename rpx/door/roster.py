"""Who is behind the door: what its lock file says, for `rpx projects`, `doctor` and pages."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rpx.door.starting import DoorPlace

KNOWN = "known.json"
_TRIES = 5  # a door that writes has half of it there for an instant


@dataclass(frozen=True, slots=True)
class RosterService:
    """A service of a member. `state` as `rpx ps` says it; `url` "" where it has none."""

    name: str
    url: str
    state: str


@dataclass(frozen=True, slots=True)
class RosterMember:
    """A project that has joined. `since`: when, in seconds since the epoch."""

    pid: int
    project: str
    folder: Path
    file: Path
    run_id: str
    realm: str
    branch: str
    hosts: tuple[str, ...]
    since: float
    state: str
    services: tuple[RosterService, ...]
    http: int  # the port of its names without TLS; 0: none
    https: int


@dataclass(frozen=True, slots=True)
class Roster:
    """A door, and who is behind it. `http` and `https`: the machine's ports, 0 while not open."""

    pid: int
    version: str
    since: float
    http: int
    https: int
    members: tuple[RosterMember, ...]


@dataclass(frozen=True, slots=True)
class KnownProject:
    """A project that has been behind the door and isn't now. `last`: when it left (epoch)."""

    project: str
    folder: Path
    file: Path
    realm: str
    hosts: tuple[str, ...]
    last: float


def read_roster(place: DoorPlace) -> Roster | None:
    """Return who is behind the door; None where there is no door."""
    line = _line(place)
    return _parsed(line) if line is not None else None


def read_for_page(place: DoorPlace) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return who is behind the door, and who has been, as machine_listing.page_for takes them."""
    line = _line(place)
    try:
        known = [each for each in _kept(place) if isinstance(each["file"], str)]
    except (OSError, ValueError, KeyError, TypeError):
        known = []
    return json.loads(line)["members"] if line is not None else [], known


def _kept(place: DoorPlace) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((place.state / KNOWN).read_bytes())["projects"]
    return found


def _line(place: DoorPlace) -> bytes | None:
    """What a living door has written, once it can be read as a roster."""
    try:
        lock = os.open(place.lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not _held(lock):
            return None
        for _ in range(_TRIES):
            line = os.pread(lock, 16 << 20, 0).partition(b"\n")[0]
            if _parsed(line) is not None:
                return line
    except OSError:
        pass
    finally:
        os.close(lock)
    return None


def read_known(place: DoorPlace) -> tuple[KnownProject, ...]:
    """Return the projects that have been behind this door, the last first; also who runs again."""
    try:
        return tuple(_known(each) for each in _kept(place) if os.path.isdir(each["folder"]))
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _held(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    fcntl.flock(lock, fcntl.LOCK_UN)
    return False


def _parsed(line: bytes) -> Roster | None:
    try:
        said = json.loads(line)
        return Roster(
            pid=said["pid"],
            version=said["rpx"],
            since=said["since"],
            http=said["ports"]["http"],
            https=said["ports"]["https"],
            members=tuple(_member(each) for each in said["members"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _member(said: Mapping[str, Any]) -> RosterMember:
    return RosterMember(
        pid=said["pid"],
        project=said["project"],
        folder=Path(said["folder"]),
        file=Path(said["file"]),
        run_id=said["run_id"],
        realm=said["realm"],
        branch=said["branch"],
        hosts=tuple(said["hosts"]),
        since=said["since"],
        state=said["state"],
        services=tuple(_services(said["services"])),
        http=said["http"],
        https=said["https"],
    )


def _services(said: Sequence[Mapping[str, Any]]) -> list[RosterService]:
    return [RosterService(each["name"], each["url"], each["state"]) for each in said]


def _known(said: Mapping[str, Any]) -> KnownProject:
    return KnownProject(
        project=said["project"],
        folder=Path(said["folder"]),
        file=Path(said["file"]),
        realm=said["realm"],
        hosts=tuple(said["hosts"]),
        last=said["last"],
    )
