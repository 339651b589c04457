"""Whether rpx and its backends can have the ports that they want, and who has them instead."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

from rpx.backend.port_holder import port_owner
from rpx.backend.preflight import how_to_permit, taken
from rpx.doctor.findings import Finding, Status
from rpx.doctor.holders import INSTEAD, is_for_the_door
from rpx.door.roster import Roster, read_roster
from rpx.door.starting import door_place
from rpx.model.address import Address, both
from rpx.model.config import Config
from rpx.runs.lease import project_with
from rpx.setup.port_keepers import is_held
from rpx.setup.system import this_system

USUAL = (("http_port", 80, "8080"), ("https_port", 443, "8443"))


def ports(config: Config | None, ours: int | None) -> Iterator[Finding]:
    """Look at the listener's ports, and while the project doesn't run at those of its backends.

    `ours` is the pid of the supervisor that runs the project. What the door has is as it should be.
    """
    yield from _of_listener(config, ours)
    if config is None or ours is not None:
        return
    for proxy in config.proxies:
        for source in proxy.sources:
            # In a realm rpx chooses others, which are free.
            if source.start and isinstance(source.address, Address) and not config.realm:
                yield _wanted(f"port of {proxy.name}:{source.address.port}", source.address, None)


def _of_listener(config: Config | None, ours: int | None) -> Iterator[Finding]:
    roster = read_roster(door_place())
    host = config.listen.host if config else "localhost"
    usual = USUAL if config is None or config.secured else USUAL[:1]
    for setting, port, instead in usual:
        given = getattr(config.listen, setting) if config else None
        if _is_at_the_door(given or port, roster):
            what = "the door of your projects has it"
            yield Finding("ports", f"port {given or port}", Status.OK, what)
        elif (given or port) in INSTEAD and _is_held_for_the_door(given or port):
            what = "held for the door of your projects, which begins when somebody comes"
            yield Finding("ports", f"port {given or port}", Status.OK, what)
        elif given is None:
            yield _usual(f"port {port}", Address(host, port), instead, ours)
        elif given:
            yield _wanted(f"port {given}, of `listen.{setting}`", Address(host, given), ours)


def _is_at_the_door(port: int, roster: Roster | None) -> bool:
    """Whether the door listens there, for all projects or for some that have asked for it."""
    if roster is None:
        return False
    at = {each for member in roster.members for each in (member.http, member.https)}
    return port in at | {roster.http, roster.https}


def _is_held_for_the_door(port: int) -> bool:
    if not is_held(this_system()):
        return False
    owner = port_owner(port, ("localhost",))
    return owner is not None and is_for_the_door(owner)


def _usual(subject: str, address: Address, instead: str, ours: int | None) -> Finding:
    """One that rpx takes if it can, and else another: at most something to know."""
    found = _wanted(subject, address, ours)
    if found.status is Status.OK:
        return found
    detail = f"{found.detail}; projects get {instead} or one above it instead"
    return Finding(found.check, subject, Status.WARNING, detail, found.hint)


def _wanted(subject: str, address: Address, ours: int | None) -> Finding:
    error = _why_not(address)
    if error is None:
        return Finding("ports", subject, Status.OK, "free, and permitted")
    if error.errno == errno.EADDRINUSE:
        owner = port_owner(address.port, (address.host,))
        if ours is not None and owner is not None and owner.pid == ours:
            return Finding("ports", subject, Status.OK, f"this project has it (pid {ours})")
        problem = taken("the port", address, project_with).problems[0]
        what = problem.what.removeprefix(f"the port, {address.port}, is ")
        return Finding("ports", subject, Status.PROBLEM, what, problem.hint)
    if error.errno in (errno.EACCES, errno.EPERM):
        hint = how_to_permit(address.port)
        return Finding("ports", subject, Status.PROBLEM, "not permitted", hint)
    hint = f"`{address.host}` has to be an address of this machine"
    return Finding("ports", subject, Status.PROBLEM, error.strerror or str(error), hint)


def _why_not(address: Address) -> OSError | None:
    """Take the port for an instant, as a listener would."""
    first, *other = both(address.host)
    for host in (first, *other):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind((host, address.port))
        except OSError as error:
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) and host in other:
                continue  # a machine without IPv6
            return error
    return None
