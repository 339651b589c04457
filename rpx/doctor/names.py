"""Whether the hosts of a project lead to this machine, for browsers and for other programs.

Browsers and curl know by themselves that all below `.localhost` does; for other names they ask
libc, as everybody else does for all.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence

from rpx.doctor.findings import Finding, Status
from rpx.model.config import ANY, Config

PATIENCE = 5.0  # seconds for all of them; `.local` may be asked of the whole network
SAMPLE = "rpx-doctor"  # in the place of a wildcard's `*`


def names(config: Config | None) -> Iterator[Finding]:
    """Look every host up as a program would; localhost where there is no project."""
    routes = config.hosts if config else ["localhost"]
    for host, addresses in _look_up(_hosts(routes)).items():
        yield _judged(host, addresses)


def unknown(routes: Iterable[str]) -> list[str]:
    """Which hosts of these `to`s no program can look up here; blocks for PATIENCE at most."""
    return [host for host, addresses in _look_up(_hosts(routes)).items() if addresses == []]


def remedy(hosts: Sequence[str]) -> str:
    """What makes libc know hosts that it doesn't know, as commands that can be typed."""
    sudo = "sudo " if os.geteuid() else ""
    ours = [host for host in hosts if host.endswith(".localhost")]
    plain = " ".join(host for host in hosts if not host.startswith("*."))
    added = f"`{sudo}rpx hosts add {plain}`" if plain else ""
    if ours and len(ours) == len(hosts):
        every = "lets it know every name below .localhost"
        if shutil.which("apt-get"):
            first = f"`{sudo}apt-get install libnss-myhostname` {every}"
        else:
            first = f"`myhostname` in the `hosts:` line of /etc/nsswitch.conf {every}"
        return f"{first}; or {added}" if added else first
    if added:
        return added
    domain = hosts[0].removeprefix("*.")
    return (
        f"a hosts file has no wildcards: add what you use, `{sudo}rpx hosts add a.{domain}`,"
        f" or let a DNS server know them, as dnsmasq by `address=/{domain}/127.0.0.1`"
    )


def _hosts(routes: Iterable[str]) -> list[str]:
    """The hosts of these `to`s that are names, once each; `*` is none."""
    hosts = (to.partition("/")[0] for to in routes)
    return list(dict.fromkeys(host for host in hosts if host != ANY and not _is_address(host)))


def _look_up(hosts: Sequence[str]) -> dict[str, list[str] | None]:
    """The addresses of each, [] for one that is unknown, None for one that took too long."""
    answers: dict[str, list[str]] = {}

    def ask(host: str) -> None:
        try:
            found = socket.getaddrinfo(host.replace("*", SAMPLE), None, type=socket.SOCK_STREAM)
        except OSError:
            answers[host] = []
        else:
            answers[host] = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))

    threads = [threading.Thread(target=ask, args=(host,), daemon=True) for host in hosts]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return {host: answers.get(host) for host in hosts}


def _judged(host: str, addresses: list[str] | None) -> Finding:
    ours = host == "localhost" or host.endswith(".localhost")
    who = "browsers: this machine, always; libc" if ours else "browsers and libc"
    if addresses is None:
        status, detail = Status.WARNING, f"{who}: no answer within {PATIENCE:g} s"
    elif not addresses:
        status = Status.WARNING if ours else Status.PROBLEM
        detail = f"{who}: unknown"
    elif elsewhere := [address for address in addresses if not _is_here(address)]:
        status, detail = Status.PROBLEM, f"{who}: {', '.join(elsewhere)}, which is another machine"
    else:
        return Finding("names", host, Status.OK, f"{who}: {', '.join(addresses)}")
    return Finding("names", host, status, detail, _remedy(host, known=bool(addresses)))


def _remedy(host: str, *, known: bool) -> str:
    if known:
        return f"see where it comes from: `getent hosts {host.replace('*', SAMPLE)}`"
    return remedy([host])


def _is_here(address: str) -> bool:
    """Whether it is one of this machine's own."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((address.partition("%")[0], 0))
    except OSError:
        # Without IPv6 ::1 is nobody's, but it leads nowhere else either.
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    return True


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
