"""A project that runs inside the test, with real processes, and clients that ask all the time."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import trio

from rpx.app import Options, serve
from rpx.changes.project import Terms
from rpx.config import load_config
from rpx.hub.backend import Backend
from rpx.hub.bus import Subscription
from rpx.hub.mailbox import ProjectOrder
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.config import Config
from rpx.model.status import Event, Note
from rpx.orders.whole import reported
from tests.support.running import until

SOON = 30.0
# As small as a server can be, since tests start dozens: what imports socket takes twice as long to
# start. It answers with its pid; /slow takes long.
APP = """\
import os, sys, time
import _socket, _thread
def serve(descriptor):
    sock = _socket.socket(fileno=descriptor)
    try:
        with open(descriptor, "rb", closefd=False) as rfile:
            while line := rfile.readline():
                while rfile.readline().strip():
                    pass
                if b"/slow" in line:
                    time.sleep(0.5)
                status = 503 if os.path.exists("sick") and b"/health" in line else 200
                body = b"%d" % os.getpid()
                head = b"HTTP/1.1 %d OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % (status, len(body))
                sock.sendall(head + body)
        sock.shutdown(_socket.SHUT_WR)
    except OSError:
        pass  # the client went away
    finally:
        sock.close()
if len(sys.argv) > 1 and sys.argv[1] == "broken":
    sys.exit("it does not work")
listener = _socket.socket(_socket.AF_INET)
listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(os.environ["PORT"])))
listener.listen(64)
while True:
    descriptor, _ = listener._accept()
    _thread.start_new_thread(serve, (descriptor,))
"""
RUN = f"exec {sys.executable} -I -S app.py"


def told(order: ProjectOrder) -> dict[str, Any]:
    """Return what came of a change, as the API answers it."""
    return reported(order).json()


class Live:
    """The running project as a test sees it."""

    def __init__(self, folder: Path, listen: str) -> None:
        self.folder = folder
        self.listen = listen
        self.registry: Registry
        self._news: Subscription[Event]
        self._notes: list[str] = []

    def write(self, text: str) -> None:
        """Write rpx.yaml; `RUN` in it is a server that works."""
        whole = f"name: shop\nlisten: {self.listen}\n" + text.replace("RUN", RUN)
        (self.folder / "rpx.yaml").write_text(whole)

    def order(self, scale: Mapping[str, int] | None = None, *, dry: bool = False) -> ProjectOrder:
        """Give an order about the whole project; it is yet to be carried out."""
        order = ProjectOrder(scale, dry=dry)
        self.registry.mailbox.give.send_nowait(order)
        return order

    async def change(
        self, scale: Mapping[str, int] | None = None, *, dry: bool = False
    ) -> ProjectOrder:
        """Give an order about the whole project, and return it once it is carried out."""
        order = self.order(scale, dry=dry)
        with trio.fail_after(SOON):
            await order.done.wait()
        return order

    async def reload(self, text: str) -> list[str]:
        """Write rpx.yaml and have it read again; what was to be done."""
        self.write(text)
        order = await self.change()
        if order.error is not None:
            raise order.error
        sentences: list[str] = told(order)["sentences"]
        return sentences

    @property
    def pids(self) -> dict[str, int | None]:
        """Label → pid of those that belong to the project."""
        return {label: backend.pid for label, backend in self.registry.backends.items()}

    def backend(self, label: str) -> Backend:
        """The backend of this label."""
        return self.registry.backends[label]

    @property
    def notes(self) -> list[str]:
        """What rpx has said so far."""
        self._notes += [event.text for event in self._news.take() if isinstance(event, Note)]
        return self._notes

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until a change of any backend makes it true."""
        with trio.fail_after(SOON):
            while not true():
                await self.registry.changed.wait()

    async def until_noted(self, text: str) -> None:
        """Wait until rpx says so."""
        await until(lambda: any(text in note for note in self.notes), f"{text!r} in {self.notes}")

    async def watching(self, folder: str = ".") -> None:
        """Wait until the system tells this process of changes in a folder of the project."""
        number = f"ino:{os.stat(self.folder / folder).st_ino:x} "
        await until(lambda: any(number in info for info in _inotify()), f"{folder} is watched")

    async def ready(self) -> None:
        """Wait until every backend is in rotation or at the end of what it is for."""
        await self.until(
            lambda: all(
                backend.in_rotation or backend.state.value == "completed"
                for backend in self.registry.backends.values()
            )
        )


def _inotify() -> Iterator[str]:
    """What /proc says about the watches of this process."""
    for descriptor in os.listdir("/proc/self/fdinfo"):
        with suppress(OSError):
            yield Path("/proc/self/fdinfo", descriptor).read_text()


@asynccontextmanager
async def live(
    folder: Path, text: str, *, terms: Terms | None = None, listen: str = "{http_port: 0}"
) -> AsyncIterator[Live]:
    """Run the project that `text` says until the block is left; wait until it is ready."""
    (folder / "app.py").write_text(APP)
    it = Live(folder, listen)
    it.write(text)
    file = folder / "rpx.yaml"

    def load(warn: Callable[[str], None]) -> Config:
        return load_config(file, os.environ, warn)

    bugs: list[ExceptionGroup[Exception]] = []
    given = terms or Terms()
    options = Options(
        f"live{os.getpid()}",
        bugs.append,
        terms=Terms(load, given.names, given.scale, folder / "ports.json"),
    )
    shutdown = Shutdown()
    async with trio.open_nursery() as nursery:
        it.registry = await nursery.start(serve, load(lambda _: None), options, shutdown)
        with it.registry.events.subscribe(10_000) as it._news:
            try:
                if not given.names:
                    await it.ready()
                yield it
            finally:
                shutdown.request()
    assert not bugs, bugs


class Clients:
    """What clients of one host have got: answers by pid, and what was no 200."""

    def __init__(self) -> None:
        self.answers: Counter[int] = Counter()
        self.failures: list[str] = []
        self._more = trio.Event()

    async def answered(self, count: int) -> None:
        """Wait until there are so many more answers."""
        target = self.answers.total() + count
        with trio.fail_after(SOON):
            while self.answers.total() < target and not self.failures:
                await self._more.wait()

    async def ask_on(self, port: int, host: str, path: str) -> None:
        """Ask again and again, over one connection as long as that lasts."""
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        while True:
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                while await self._ask(stream, request):
                    pass

    async def _ask(self, stream: trio.SocketStream, request: bytes) -> bool:
        await stream.send_all(request)
        data = await stream.receive_some(65536)
        while data and len(data) < _length(data):
            more = await stream.receive_some(65536)
            if not more:
                break
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 200"):
            self.answers[int(body)] += 1
        else:
            self.failures.append(f"{head[:60]!r} {body[:200]!r}")
        self._more.set()
        self._more = trio.Event()
        return b"connection: close" not in head.lower() and bool(data)


def _length(data: bytes) -> float:
    """How long the whole answer is, as far as that is known."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return float("inf")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    return len(head) + 4 + int(fields[b"content-length"])


@asynccontextmanager
async def clients(
    it: Live, host: str = "api.localhost", *, count: int = 4, path: str = "/", port: int = 0
) -> AsyncIterator[Clients]:
    """Ask for `host` all the time while the block runs; none of it may fail. `port`: elsewhere than
    where the project listens for all hosts.
    """
    asking = Clients()
    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(asking.ask_on, port or it.registry.ports.http, host, path)
        await asking.answered(10)
        yield asking
        await asking.answered(20)
        nursery.cancel_scope.cancel()
    assert not asking.failures, asking.failures[:3]
