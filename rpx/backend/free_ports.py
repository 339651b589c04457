"""Ports that rpx chooses: for copies of services that name none, for listeners by which services
reach proxies, in a realm for all that it starts. They are free, and the same ones every time.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from rpx.errors import RpxError
from rpx.folders import make_folder
from rpx.model.config import Config
from rpx.policy.plan import copies, fixed_ports, with_ports
from rpx.policy.realm_ports import is_written, own_ports, with_own_ports
from rpx.policy.service_ports import auto_ports, is_auto, with_service_ports

# Below what Linux and macOS hand out for outgoing connections: a backend that is just restarting
# would lose its port to a request to another one.
RANGE: Final = range(20_000, 30_000)
LOOPBACK: Final = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))

Kept = dict[str, list[int]]
NONE: Final[Mapping[str, list[int]]] = {}


def choose_ports(
    config: Config, file: Path | None, *, keep: bool = True, running: Mapping[str, list[int]] = NONE
) -> Config:
    """Return `config` with an address for every copy of a service that has none and every port that
    is `auto`, and in a realm another port for all that rpx starts.

    Ports come from those that are `running`, then from `file`, as far as they are free, and with
    `keep` go there: None and a file that can't be read or written only mean that they may be others
    next time. Raises: RpxError.
    """
    wanted = {**copies(config), **own_ports(config), **auto_ports(config)}
    if not wanted:
        return with_service_ports(config, {})
    chosen = _more(wanted, config, file, running)
    if keep:
        keep_ports(file, chosen)
    config = with_service_ports(with_own_ports(config, chosen), chosen)
    return with_ports(config, chosen)


def spare_ports(
    config: Config, file: Path | None, running: Mapping[str, list[int]], extra: Mapping[str, int]
) -> Kept:
    """Return so many ports more for each name than are `running`. Raises: RpxError."""
    wanted = {name: len(running[name]) + count for name, count in extra.items()}
    found = _more(wanted, config, file, running)
    return {name: ports[len(running[name]) :] for name, ports in found.items()}


def kept_ports(file: Path | None) -> Kept:
    """Return the ports of a project that runs, or those that copies will have the next time."""
    return _read(file)


def written_ones(ports: Kept) -> Kept:
    """Return those that stand for ports which are written, or `auto`: none is that of a copy."""
    return {key: ports[key] for key in ports if is_written(key) or is_auto(key)}


def keep_ports(file: Path | None, ports: Mapping[str, list[int]]) -> None:
    """Let copies have these ports the next time; what more of them have had stays behind that."""
    kept = _read(file)
    longer = {name: kept.get(name, [])[len(chosen) :] for name, chosen in ports.items()}
    _write(file, {**kept, **{name: ports[name] + longer[name] for name in ports}})


def ports_for_services(
    variables: Iterable[str],
    config: Config,
    file: Path | None,
    free: Callable[[int], bool],
    taken: Iterable[int] = (),
) -> dict[str, int]:
    """Return the port by which services reach each proxy, by the variable that tells it, as far as
    `file` has it and it is `free`. None is one of those `taken`. Raises: RpxError.
    """
    names = {_entry(variable): 1 for variable in variables}
    fixed = {*fixed_ports(config), *taken}
    try:
        found = choose(names, _read(file), fixed, str(config.root), free)
    except RpxError:
        wide = f"{RANGE.start} to {RANGE.stop - 1}"
        raise RpxError(f"no port from {wide} is free for services to reach a proxy by") from None
    return {name[1:]: port for name, (port,) in found.items()}


def kept_for_services(file: Path | None) -> dict[str, int]:
    """Return the ports by which services reach proxies, or will if they are free then."""
    return {name[1:]: ports[0] for name, ports in _read(file).items() if name[0] == "$" and ports}


def keep_for_services(file: Path | None, ports: Mapping[str, int]) -> None:
    """Let services reach proxies by these ports also the next time."""
    keep_ports(file, {_entry(variable): [port] for variable, port in ports.items()})


def _entry(variable: str) -> str:
    """Its name among those that have ports; no service can be called so."""
    return f"${variable}"


def _more(
    wanted: Mapping[str, int], config: Config, file: Path | None, running: Mapping[str, list[int]]
) -> Kept:
    ours = {port for ports in running.values() for port in ports}
    kept = _read(file)
    for name, ports in running.items():
        kept[name] = [*ports, *(port for port in kept.get(name, []) if port not in ours)]
    return choose(
        wanted,
        kept,
        fixed_ports(config),
        str(config.root),
        lambda port: port in ours or is_free(port),
    )


def choose(
    wanted: Mapping[str, int],
    kept: Mapping[str, Iterable[int]],
    fixed: Iterable[int],
    seed: str,
    free: Callable[[int], bool],
) -> Kept:
    """Return so many free ports for each name: those kept, else the next from a place of its own.

    None is of `fixed`, nor kept for another name. `seed` tells projects apart. Raises: RpxError.
    """
    taken = set(fixed)
    reserved = {name: set(ports) for name, ports in kept.items()}
    chosen: Kept = {}
    for name, count in wanted.items():
        others = set().union(*(ports for other, ports in reserved.items() if other != name))
        begin = zlib.crc32(f"{seed}\0{name}".encode(errors="surrogateescape")) % len(RANGE)
        own = [*kept.get(name, ()), *RANGE[begin:], *RANGE[:begin]]
        candidates = (port for port in dict.fromkeys(own) if port not in others)
        ports = chosen[name] = []
        for port in candidates:
            if len(ports) == count:
                break
            if port not in taken and free(port):
                taken.add(port)
                ports.append(port)
        if len(ports) < count:
            raise RpxError(
                f"there are not enough free ports for {count} copies of `{name}`",
                hint=f"they are taken from {RANGE.start} to {RANGE.stop - 1}; give it a `from`",
            )
    return chosen


def is_free(port: int) -> bool:
    """Tell whether nobody listens on the port, on either loopback address."""
    return not any(is_taken(family, host, port) for family, host in LOOPBACK)


def is_taken(family: socket.AddressFamily, host: str, port: int, *, sharing: bool = True) -> bool:
    """Tell whether a bind would collide. A family that this machine lacks collides with nothing.

    `sharing`: as servers bind, that may have the port of connections which are over (TIME_WAIT).
    """
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, sharing)
            sock.bind((host, port))
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False


def _read(file: Path | None) -> Kept:
    """What an earlier run has kept, as far as it can be understood."""
    try:
        data = json.loads(file.read_bytes()) if file else {}
        return {
            str(name): [port for port in ports if type(port) is int and port in RANGE]
            for name, ports in data.items()
        }
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _write(file: Path | None, ports: Kept) -> None:
    """Replace the file whole: a run that is killed leaves the old one or the new one."""
    if file is None:
        return
    beside = file.with_suffix(".new")
    try:
        make_folder(file.parent)
        beside.write_text(json.dumps(ports))
        os.replace(beside, file)
    except OSError:
        pass  # the place of its own is the same next time, too
