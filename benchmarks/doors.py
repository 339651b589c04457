"""rpx as its clients reach it: by its own listener, or by the door that projects share.

Each way has a door, ports and folders of its own; nothing of this machine's user is touched.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.contenders import RPX, environment
from benchmarks.load import Place
from benchmarks.machine import free_ports
from benchmarks.processes import HOST, Failed, running
from rpx.certificates.authority import open_authority
from rpx.certificates.leaves import Leaves
from rpx.door.roster import Roster, read_roster
from rpx.door.starting import door_place_in

# `own`: its own listener; nobody else is needed. `passed`: another project runs, too, so the door
# accepts, and passes each client on. `alone`: it is alone behind the door, and accepts for itself.
OWN, PASSED, ALONE = WAYS = ("rpx-own", "rpx-passed", "rpx-alone")
OTHER = "other.localhost"
_HANDED_OVER = 1.0  # seconds: who was alone has stopped to accept, and the door does


class Machine:
    """Projects that share ports, by a door that is theirs alone. `own`: each with its listener."""

    def __init__(
        self, folder: Path, backends: Sequence[int], *, tls: bool = False, own: bool = False
    ) -> None:
        folder.mkdir()
        self._folder = folder
        self._backends = backends
        self._tls = tls
        http, https = free_ports(2)
        self.port = https if tls else http
        self._words = environment(folder) | {
            "RPX_HTTP_PORT": str(http),
            "RPX_HTTPS_PORT": str(https),
        }
        self._listen: dict[str, object] = {}
        if own:
            self._listen = {"door": False, "http_port": http, "https_port": https}

    @property
    def door(self) -> int:
        """The process of the door. Raises: Failed if there is none."""
        found = self._roster()
        if found is None:
            raise Failed("there is no door")
        return found.pid

    def _roster(self) -> Roster | None:
        return read_roster(door_place_in(self._folder / "private" / "rpx" / "door"))

    def _knows(self, host: str) -> bool:
        """Whether a project with this host is behind the door."""
        found = self._roster()
        return found is not None and any(host in member.hosts for member in found.members)

    @contextmanager
    def up(self, host: str = HOST) -> Iterator[int]:
        """Run a project with this host; the pid, once it answers. Raises: Failed."""
        folder = self._folder / host
        command = self._written(folder, host)
        log = folder / "log"
        running_ = running(
            command,
            self.port,
            log,
            self._words,
            tls=self._tls,
            host=host,
            begun=lambda: bool(self._listen) or self._knows(host),
        )
        with running_ as pid:
            yield pid

    def _written(self, folder: Path, host: str) -> tuple[str, ...]:
        """Write a project's file; return the command that runs it. JSON is YAML."""
        folder.mkdir()
        tls = self._tls
        pem = str(Leaves(open_authority(folder / "authority")).get(host).path) if tls else ""
        config: dict[str, object] = {
            "https": {"cert": pem, "key": pem} if tls else False,
            "to": host,
            "from": [f"127.0.0.1:{backend}" for backend in self._backends],
        }
        if self._listen:
            config["listen"] = self._listen
        file = folder / "rpx.yaml"
        file.write_text(json.dumps(config))
        return (*RPX, "up", "-f", str(file))


@contextmanager
def project(
    way: str, folder: Path, backends: Sequence[int], *, tls: bool = False
) -> Iterator[Place]:
    """Run a project so, until the block ends. Raises: Failed."""
    machine = Machine(folder, backends, tls=tls, own=way == OWN)
    with ExitStack() as stack:
        pid = stack.enter_context(machine.up())
        if way == PASSED:
            stack.enter_context(machine.up(OTHER))
            time.sleep(_HANDED_OVER)
        yield Place(machine.port, pid, None if way == OWN else machine.door)
