"""What all requests of one project share: the ground that its data path stands on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rpx.door.starting import DoorPlace
from rpx.http.forwarded import Forwarding
from rpx.hub.endpoint import Endpoint
from rpx.hub.registry import Registry
from rpx.proxy.contexts import Contexts
from rpx.proxy.own_host import OwnHost
from rpx.proxy.passage import Courses
from rpx.proxy.peers import Peers
from rpx.proxy.public_folder import PublicFolder
from rpx.proxy.reactor import Reactor
from rpx.proxy.settings import Settings
from rpx.proxy.splice import Pipes
from rpx.proxy.sweeper import Hangups, Sweeper
from rpx.proxy.upstream import Upstreams
from rpx.proxy.wire import NEVER


class SharedState:
    """Who can answer, what clients may, what time it is. It lets nobody in: a Server does.

    `report` gets what went wrong on one connection by a bug of ours. `contexts` are there when TLS
    is spoken with clients. `settings`: a reload assigns others. `draining`: rpx goes down, and
    takes no more requests. `door`: where the machine's is, once other projects may have the ports,
    too. `own_host`: rpx's own, where there is one.
    """

    def __init__(
        self,
        registry: Registry,
        report: Callable[[ExceptionGroup[Exception]], None],
        *,
        settings: Settings,
        contexts: Contexts | None = None,
        trusted: Sequence[str] = (),
        own_host: OwnHost | None = None,
    ) -> None:
        """`trusted`: proxies before rpx, as addresses, networks, or `localhost`."""
        self.registry = registry
        self.report = report
        self.reactor = Reactor()
        self.settings = settings
        self.upstreams = Upstreams(self.reactor, self.remark, report, lambda: self.settings)
        self.sweeper = Sweeper(self.upstreams, self._unread, lambda: self.settings.timeouts.send)
        self.upstreams.wake = self.sweeper.wake
        self.courses = Courses()
        self.pipes = Pipes()
        self.hangups = Hangups()
        self.contexts = contexts
        self.peers = Peers(trusted)
        self.draining = False
        self._folders: dict[Path, PublicFolder] = {}
        self.door: DoorPlace | None = None
        self.own_host = own_host

    def remark(self, backend: Endpoint, text: str) -> None:
        """Say something about the way `backend` answers, the first time that it is seen."""
        if backend.remark(text):
            self.registry.say(text, backend)

    def folder(self, path: Path) -> PublicFolder:
        """Return what opens the files below a folder."""
        found = self._folders.get(path)
        if found is None:
            found = self._folders[path] = PublicFolder(path)
        return found

    def _unread(self, peer: Forwarding) -> None:
        self.registry.say(
            f"a client at {peer.client.decode()} took nothing of its answer for"
            f" {self.settings.timeouts.send:g} s (`timeouts.send`), and is cut off"
        )

    def answer_by(self) -> float:
        """Return when (trio's clock) a backend that is asked now must have begun to answer."""
        wait = self.settings.timeouts.answer
        return NEVER if wait is None else self.sweeper.now + wait
