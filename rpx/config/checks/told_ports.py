"""Ports that a service is told in so many words, though they are others in the realm.

It would speak to the service of another checkout, whose data are not its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rpx.model.config import Config, Start
from rpx.model.late import port_variable
from rpx.policy.realm_ports import written_ports

_HERE = re.compile(r"(?<![\w.-])(localhost|127\.0\.0\.1|\[::1\]):([0-9]{1,5})(?![0-9])")


def told_ports(config: Config) -> Iterator[str]:
    """A sentence for each place that has one; none without a realm."""
    if not config.realm:
        return
    ports = {str(port): port for port in written_ports(config)}
    for place in dict.fromkeys(_places(config)):
        about, text = place
        for host, port in dict.fromkeys(_HERE.findall(text)):
            if port in ports:
                instead = f"{host}:${{{port_variable(ports[port])}:-{port}}}"
                yield (
                    f"{about} says {host}:{port}, which in the realm `{config.realm}` is another"
                    f" port: write {instead}"
                )


def _places(config: Config) -> Iterator[tuple[str, str]]:
    """What there is to read, and how it is called."""
    for name, start in _starts(config):
        command = start.command if isinstance(start.command, str) else " ".join(start.command)
        yield f"the command of {name}", command
        yield from ((f"`{key}` of {name}", text) for key, text in start.env.items() if text)


def _starts(config: Config) -> Iterator[tuple[str, Start]]:
    for proxy in config.proxies:
        for start in (proxy.start, *(source.start for source in proxy.sources)):
            if start is not None:
                yield proxy.name, start
    yield from ((process.name, process.start) for process in config.processes)
