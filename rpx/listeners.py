"""Which ports rpx listens at: those that were chosen, or what takes the place of the usual ones."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rpx.backend.free_ports import keep_for_services, kept_for_services, ports_for_services
from rpx.backend.preflight import how_to_permit, needs_permission, taken
from rpx.errors import RpxError
from rpx.model.address import Address
from rpx.model.config import Config, Metrics
from rpx.policy.nearness import is_loopback
from rpx.proxy.listener import listen_at, open_listeners
from rpx.runs.lease import project_with


@dataclass(frozen=True, slots=True)
class Usual:
    """The ports of a listener where nobody chose one."""

    setting: str
    first: int
    others: range


HTTP = Usual("`listen.http_port`", 80, range(8080, 8180))
HTTPS = Usual("`listen.https_port`", 443, range(8443, 8543))
LOOPBACK = "127.0.0.1"  # a URL with this needs no resolver, and leads nowhere else


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
