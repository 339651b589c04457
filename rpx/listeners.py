"""Which ports rpx listens at: those that were chosen, or what takes the place of the usual ones."""

from __future__ import annotations

import errno
import os
import shlex
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from rpx.backend.free_ports import keep_for_services, kept_for_services, ports_for_services
from rpx.backend.preflight import how_to_permit, needs_permission, taken
from rpx.errors import RpxError
from rpx.model.address import Address
from rpx.model.config import ANY, Config
from rpx.model.own_settings import Metrics
from rpx.model.ports import Ports
from rpx.policy.nearness import is_loopback
from rpx.proxy.door_link import NoDoor, RefusedByDoor
from rpx.proxy.front_door import FrontDoor
from rpx.proxy.listener import listen_at, open_listeners
from rpx.proxy.shared_ports import SharedPort, WantedPort
from rpx.runs.lease import project_with


@dataclass(frozen=True, slots=True)
class Usual:
    """The ports of a listener where nobody chose one."""

    setting: str
    first: int
    others: range


HTTP = Usual("`listen.http_port`", 80, range(8080, 8180))
HTTPS = Usual("`listen.https_port`", 443, range(8443, 8543))
Preferred = Mapping[Literal["http", "https"], int]  # the machine's ports that somebody chose
_NOTHING: Final[Preferred] = MappingProxyType({})
LOOPBACK = "127.0.0.1"  # a URL with this needs no resolver, and leads nowhere else


@dataclass(frozen=True, slots=True)
class WaysIn:
    """How clients come to a project: by listeners of its own, or by ports of the machine's door.

    `plain` and `tls` are its own, and new. `ports` are what URLs have; `moved` says which of them
    are not the usual ones, and why.
    """

    ports: Ports
    plain: Sequence[socket.socket] = ()
    tls: Sequence[socket.socket] = ()
    moved: Sequence[str] = ()


async def ways_in(config: Config, ports: Ports, doors: ExitStack, door: FrontDoor | None) -> WaysIn:
    """Have what `config` needs where there are `ports` already; `doors` takes it back.

    Raises: RpxError when a port can't be had, or when another project has a name.
    """
    if door is None or not (config.is_served and config.shares_ports):
        return _own(config, ports, doors)
    if ports.http and not door.joined:  # there was none when this run began
        return _own(config, ports, doors)
    wanted: list[WantedPort] = [(False, config.listen.http_port)]
    if config.secured or ports.https:
        wanted.append((True, config.listen.https_port))
    try:
        doors.callback(await door.ask(config.hosts, wanted))
    except RefusedByDoor as refused:
        raise _refused(config, refused.why, door.preferred) from None
    except NoDoor as error:
        if door.joined:
            raise RpxError(f"the door of this machine can't be had: {error}") from None
        own = _own(config, ports, doors, door.preferred)
        why = f"this project listens by itself: the door of this machine can't be had ({error})"
        return replace(own, moved=[why, *own.moved])
    shared = [door.ports.find(port, tls=tls) for tls, port in wanted]
    http, https = (next((x.port for x in shared if x.tls is tls), 0) for tls in (False, True))
    new = [x for x in shared if not (ports.https if x.tls else ports.http)]
    return WaysIn(replace(ports, http=http, https=https), moved=_moved(new))


def _own(
    config: Config,
    ports: Ports,
    doors: ExitStack,
    preferred: Preferred = _NOTHING,
) -> WaysIn:
    plain: list[socket.socket] = []
    tls: list[socket.socket] = []
    moved = moved_tls = ""
    http = replace(HTTP, first=preferred.get("http", HTTP.first))
    https = replace(HTTPS, first=preferred.get("https", HTTPS.first))
    if config.is_served and not ports.http:
        plain, moved = listen(config.listen.host, http, config.listen.http_port)
        close_at_the_end(doors, plain)
    if config.secured and not ports.https:
        tls, moved_tls = listen(config.listen.host, https, config.listen.https_port)
        close_at_the_end(doors, tls)
    had = replace(ports, http=ports.http or port_of(plain), https=ports.https or port_of(tls))
    return WaysIn(had, plain, tls, moved=[text for text in (moved, moved_tls) if text])


def listen(host: str, usual: Usual, wanted: int | None) -> tuple[list[socket.socket], str]:
    """Open the listeners; also say why they aren't on the first port, where nobody chose one.

    Raises: RpxError when the port that is `wanted`, or every usual one, can't be had.
    """
    if wanted is not None:
        try:
            return open_listeners(host, wanted), ""
        except OSError as error:
            raise _no_port(host, wanted, error, usual.setting) from None
    why = ""
    for port in (usual.first, *usual.others):
        try:
            listeners = open_listeners(host, port)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EPERM):
                raise _no_port(host, port, error, usual.setting) from None
            why = why or _why_not(host, port, error)
        else:
            return listeners, f"listening on port {port}: {why}" if why else ""
    raise RpxError(
        f"no port from {usual.others.start} to {usual.others.stop - 1} is free",
        hint=f"set {usual.setting}; 0 takes any free one",
    )


def listen_for_metrics(wanted: Metrics | None) -> tuple[list[socket.socket], str]:
    """Open the listeners for `metrics`, if it is there; also say where they are.

    Raises: RpxError when the port can't be had.
    """
    if wanted is None:
        return [], ""
    try:
        listeners = open_listeners("localhost", wanted.port)
    except OSError as error:
        raise _no_port("localhost", wanted.port, error, setting="`metrics.port`") from None
    port = listeners[0].getsockname()[1]
    return listeners, f"metrics at http://localhost:{port}/metrics"


def listen_for_services(
    variables: Iterable[str], config: Config, file: Path | None, taken: Iterable[int]
) -> tuple[dict[str, socket.socket], list[str]]:
    """Open a listener for each variable that is to tell its port, at that of the last time if it
    can be had; also say why they are elsewhere. `file` has those ports, and gets these.

    Where none can be had, services are told what browsers are. It may block, for a moment.
    """
    kept = kept_for_services(file)
    opened: dict[int, socket.socket] = {}
    busy: set[int] = set()

    def is_ours(port: int) -> bool:
        try:
            opened[port] = listen_at(LOOPBACK, port)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EPERM):
                raise
            busy.add(port)
        return port in opened

    try:
        ports = ports_for_services(variables, config, file, is_ours, taken)
    except (OSError, RpxError) as error:
        for listener in opened.values():
            listener.close()
        why = error.strerror if isinstance(error, OSError) else error
        return {}, [
            f"services are told the URLs of browsers, for want of a port on {LOOPBACK}: {why}"
        ]
    keep_for_services(file, ports)
    notes = [
        f"{_has_it(f'the port of {variable}', Address(LOOPBACK, kept[variable]))}: it is {port} now"
        for variable, port in ports.items()
        if kept.get(variable) in busy
    ]
    return {variable: opened[port] for variable, port in ports.items()}, notes


def open_to_others(host: str) -> str:
    """What is to be said where not only this machine can connect."""
    if host == "localhost" or is_loopback(host):
        return ""
    return f"other machines can connect: `listen.host` is {host}"


def close_at_the_end(doors: ExitStack, listeners: Sequence[socket.socket]) -> None:
    """Let `doors` close them, if nobody has come to serve them."""
    for listener in listeners:
        doors.callback(listener.close)


def port_of(listeners: Sequence[socket.socket]) -> int:
    """Return the port that they share; 0 if there are none."""
    return int(listeners[0].getsockname()[1]) if listeners else 0


def _moved(shared: Sequence[SharedPort]) -> list[str]:
    """One line for the machine's ports that aren't the usual ones."""
    others = [each for each in shared if each.wanted is None and each.errno]
    if not others:
        return []
    ports = " and ".join(str(each.port) for each in others)
    first, *more = map(_why_moved, others)
    for each, why in zip(others[1:], more, strict=True):
        same = why.replace(str(each.usual), str(others[0].usual)) == first
        first += f"; port {each.usual} likewise" if same else f"; {why}"
    return [f"listening on port{'s' if more else ''} {ports}: {first}"]


def _why_moved(port: SharedPort) -> str:
    if _is_free(port.usual):  # the door stays where it is
        return f"port {port.usual} is free by now; projects get it once all of them have ended"
    return _why_not("localhost", port.usual, OSError(port.errno, os.strerror(port.errno)))


def _is_free(port: int) -> bool:
    """Tell whether we could listen there, without doing so."""
    try:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((LOOPBACK, port))
    except OSError:
        return False
    return True


def _refused(config: Config, why: Mapping[str, Any], preferred: Preferred = _NOTHING) -> RpxError:
    """What a user is told when the door doesn't take a project."""
    kind, listen = why.get("kind"), config.listen
    if kind == "host":
        holder = why["holder"]
        since = time.strftime("%H:%M on %-d %B", time.localtime(holder["since"]))
        down = shlex.join(("rpx", "down", "-f", holder["file"]))
        what = f"`{why['name']}` is the name of the project `{holder['project']}`"
        if why["name"] == ANY:
            what = f"any host that nobody else has (`*`) is for the project `{holder['project']}`"
        return RpxError(
            f"{what}, which has run in {holder['folder']} since {since} (pid {holder['pid']})",
            hint=f"`{down}` stops that one; or give this one other hosts: `rpx up --realm NAME`",
        )
    if kind == "port":
        settings = {
            preferred.get("http"): "`RPX_HTTP_PORT`",
            preferred.get("https"): "`RPX_HTTPS_PORT`",
            listen.http_port: HTTP.setting,
            listen.https_port: HTTPS.setting,
        }
        setting = settings.get(why["port"], HTTP.setting)
        error = OSError(why["errno"], os.strerror(why["errno"]))
        return _no_port("localhost", why["port"], error, setting)
    if kind == "version":
        return RpxError(
            "the door of this machine is of another rpx, which does not understand this one",
            hint="stop what `rpx projects` lists; the next `rpx up` starts a new door",
        )
    return RpxError(f"the door of this machine does not take this project: {why.get('why', kind)}")


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return _has_it("the usual one", Address(host, port))
    return f"port {port} {needs_permission()}"


def _has_it(what: str, address: Address) -> str:
    return str(taken(what, address, project_with).problems[0].what)


def _no_port(host: str, port: int, error: OSError, setting: str = "`listen.http_port`") -> RpxError:
    if error.errno == errno.EADDRINUSE:
        return taken(setting, Address(host, port), project_with)
    if error.errno in (errno.EACCES, errno.EPERM):
        return RpxError(
            f"port {port} is not permitted",
            hint=f"set {setting} to 0 for any free one, or {how_to_permit(port)}",
        )
    return RpxError(
        f"can't listen on {host}, port {port}: {error.strerror}",
        hint="`listen.host` is an address of this machine; `localhost` is 127.0.0.1 and ::1",
    )
