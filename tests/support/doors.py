"""A real door in a process of its own, members as small as can be, and clients."""

from __future__ import annotations

import contextlib
import itertools
import os
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rpx.door.door_frames import (
    ALONE,
    ASTRAY,
    HALT,
    HALTED,
    HELLO,
    LEAVE,
    MOVE,
    REFUSED,
    RETIRE,
    TAKE,
    WELCOME,
    Garbled,
    PassedClient,
    Reader,
    client_payload,
    frame,
    json_frame,
    read_json,
    send,
)
from rpx.door.roster import Roster, read_roster
from rpx.door.starting import DoorPlace, connect, start_door, take_lock
from tests.support.looks import pause

PATIENCE = 30.0


def until(true: Callable[[], object], what: str = "it") -> None:
    """Wait for something that is bound to come."""
    began = time.monotonic()
    while not true():
        waited = time.monotonic() - began
        assert waited < PATIENCE, f"{what} did not come about"
        time.sleep(pause(waited, 0.005))


def free_port() -> int:
    """A port that is free on both loopback addresses."""
    while True:
        with socket.socket() as one, socket.socket(socket.AF_INET6) as other:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            try:
                other.bind(("::1", port))
            except OSError:
                continue
            return port


class DoorOfTest:
    """A door for one test, with folders of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.place = DoorPlace(folder / "r" / "door", folder / "s")
        self.options = options or ("--stay", "0.2")
        self.http = free_port()
        self.https = free_port()
        self.seen: set[int] = set()

    def start(self) -> int:
        """Start it where none is; return its pid."""
        lock = take_lock(self.place)
        if lock is not None:
            start_door(self.place, lock, options=self.options)
        return self.pid()

    def pid(self) -> int:
        """The pid of the living one, once it answers."""

        def answers() -> Roster | None:
            sock = connect(self.place)
            if sock is None:
                return None
            sock.close()
            return read_roster(self.place)

        until(answers, "a door")
        roster = read_roster(self.place)
        assert roster is not None
        self.seen.add(roster.pid)
        return roster.pid

    def roster(self) -> Roster:
        """Who is there."""
        found = read_roster(self.place)
        assert found is not None
        return found

    def kill(self) -> None:
        """Kill it so that it can do nothing about it."""
        os.kill(self.pid(), signal.SIGKILL)

    def close(self) -> None:
        """Leave nothing behind."""
        roster = read_roster(self.place)
        pids = self.seen | ({roster.pid} if roster else set())
        for pid in pids:
            if b"rpx/door/__main__.py" in command_of(pid):
                os.kill(pid, signal.SIGKILL)


def command_of(pid: int) -> bytes:
    """The command line of a process; b"" where there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


class FakeMember:
    """A project: it has names, takes clients, and answers with its own name. In a thread.

    `heard` are the frames that came, by kind and payload. `astray` counts clients that came so.
    """

    def __init__(
        self,
        door: DoorOfTest,
        name: str,
        *hosts: str,
        entrances: Sequence[dict[str, Any]] = ({"tls": False, "port": None},),
        accepts: bool = False,
        rejoins: bool = True,
        **about: object,
    ) -> None:
        self.door = door
        self.name = name
        self.entrances = [dict(each) for each in entrances]
        self.rejoins = rejoins
        self.about: dict[str, Any] = {
            "v": 1,
            "rpx": "0.1.0",
            "pid": os.getpid(),
            "run_id": f"{name}-{id(self)}",
            "project": name,
            "folder": str(door.place.state.parent),
            "file": str(door.place.state.parent / f"{name}.yaml"),
            "realm": "",
            "branch": "",
            "hosts": list(hosts),
            "accepts": accepts,
            "prefer": {"http": door.http, "https": door.https},
            **about,
        }
        self.heard: list[tuple[int, bytes]] = []
        self.refused: dict[str, Any] | None = None
        self.welcome: dict[str, Any] | None = None
        self.listeners: dict[int, list[socket.socket]] = {}  # by entrance
        self.alone: set[int] = set()
        self.astray = 0
        self.served = 0
        self.welcomes = 0
        self.hung = threading.Event()
        self.gives_back_http2 = False
        self._orders: list[Callable[[], object]] = []
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._door: socket.socket | None = None
        self._lock: int | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    # ---- from the test

    def joined(self) -> FakeMember:
        """Wait until the door has taken it."""
        until(lambda: self.welcome is not None or self.refused is not None, f"{self.name} in")
        assert self.refused is None, self.refused
        return self

    def do(self, order: Callable[[], object]) -> None:
        """Let its thread do something."""
        self._orders.append(order)
        self._wake.send(b"x")

    def say(self, data: bytes) -> None:
        """Send a frame, or what is none."""
        self.do(lambda: self._door.sendall(data) if self._door is not None else None)

    def hello(self, **changed: object) -> None:
        """Say HELLO again, with something changed."""
        self.about.update(changed)
        self.welcome = self.refused = None
        self.do(self._hello)

    def kinds(self) -> list[int]:
        """The kinds of the frames that it has heard."""
        return [kind for kind, _ in self.heard]

    def leave(self) -> None:
        """Go, as `rpx down` does."""

        def go() -> None:
            self._accepting(set())
            self.rejoins = False
            if self._door is not None:
                self._door.sendall(frame(LEAVE))

        self.do(go)

    def kill(self) -> None:
        """Be gone without a word, as by SIGKILL."""
        self._ended = True
        with contextlib.suppress(OSError):  # it has been killed before
            self._wake.send(b"x")
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    # ---- its thread

    def _run(self) -> None:
        try:
            while not self._ended:
                self._turn()
        finally:
            for each in list(self._selector.get_map().values()):
                if isinstance(each.fileobj, socket.socket):
                    each.fileobj.close()
            self._selector.close()
            self._wake.close()
            for listener in itertools.chain.from_iterable(self.listeners.values()):
                listener.close()

    def _turn(self) -> None:
        joining = self._door is None and (self.rejoins or not self.welcomes)
        if joining:
            self._join()
        for key, _ in self._selector.select(0.005 if joining else None):
            if key.data is None:
                self._woken.recv(64)
            else:
                key.data()
        while self._orders:
            self._orders.pop(0)()

    def _join(self) -> None:
        sock = None
        if self._lock is None:
            sock = connect(self.door.place)
        if sock is None:
            lock = self._lock if self._lock is not None else take_lock(self.door.place)
            self._lock = None
            if lock is not None:
                start_door(self.door.place, lock, options=self.door.options)
            return
        reader = Reader()
        self._door = sock
        self._selector.register(sock, selectors.EVENT_READ, partial(self._hear, sock, reader))
        self._hello()

    def _hello(self) -> None:
        fds: list[int] = []
        entrances = []
        for number, each in enumerate(self.entrances):
            held = self.listeners.get(number, [])
            fds += [listener.fileno() for listener in held]
            entrances.append({**each, "fds": len(held)})
        data = json_frame(HELLO, {**self.about, "entrances": entrances}, len(fds))
        with contextlib.suppress(OSError):
            if self._door is not None:
                sent = send(self._door, data, fds)
                self._door.sendall(data[sent:])

    def _hear(self, sock: socket.socket, reader: Reader) -> None:
        if self.hung.is_set():
            time.sleep(0.02)
            return
        try:
            alive = reader.feed(sock)
            for kind, payload, fds in reader.frames():
                self.heard.append((kind, payload))
                self._said(kind, payload, fds)
        except (OSError, Garbled):
            alive = False
        if not alive:
            self._selector.unregister(sock)
            sock.close()
            reader.close()
            if sock is self._door:
                self._door = None

    def _said(self, kind: int, payload: bytes, fds: list[int]) -> None:
        if kind == TAKE and fds:
            client = PassedClient(payload)
            self.astray += client.astray
            self._take(client.socket(fds[0]), client.ahead, client.entrance)
        elif kind == WELCOME:
            self._welcomed(read_json(payload), fds)
        elif kind == REFUSED:
            self.refused = read_json(payload)
        elif kind == ALONE:
            self._accepting({*self.alone, *payload})
        elif kind == HALT:
            self._accepting(self.alone - set(payload))
            if self._door is not None:
                self._door.sendall(frame(HALTED, payload))
        elif kind == MOVE:
            self._lock = fds[0] if fds else None
            self._door = None

    def _welcomed(self, said: dict[str, Any], fds: list[int]) -> None:
        self._accepting(set())
        self.ids = [given["id"] for given in said["entrances"]]
        for number, given in enumerate(said["entrances"]):
            new = [socket.socket(fileno=fds.pop(0)) for _ in range(given["fds"])]
            self.listeners.setdefault(number, []).extend(new)
        self.welcomes += 1
        self.welcome = said

    def _accepting(self, entrances: set[int]) -> None:
        for number, listeners in self.listeners.items():
            entrance = self.ids[number]
            for listener in listeners:
                watched = listener in {key.fileobj for key in self._selector.get_map().values()}
                if entrance in entrances and not watched:
                    listener.setblocking(False)
                    self._selector.register(
                        listener,
                        selectors.EVENT_READ,
                        lambda listener=listener, entrance=entrance: self._accept(
                            listener, entrance
                        ),
                    )
                elif entrance not in entrances and watched:
                    self._selector.unregister(listener)
        self.alone = set(entrances)

    def _accept(self, listener: socket.socket, entrance: int) -> None:
        with contextlib.suppress(OSError):
            self._take(listener.accept()[0], b"", entrance)

    def _take(self, sock: socket.socket, ahead: bytes, entrance: int) -> None:
        sock.setblocking(False)
        box = [ahead]
        self._selector.register(
            sock, selectors.EVENT_READ, lambda: self._serve(sock, box, entrance)
        )
        if ahead:
            self._serve(sock, box, entrance, more=False)

    def _serve(
        self, sock: socket.socket, box: list[bytes], entrance: int, *, more: bool = True
    ) -> None:
        data = b""
        try:
            data = sock.recv(65536)
        except BlockingIOError:
            pass
        except OSError:
            more = True
        if more and not data:
            self._drop(sock)
            return
        box[0] += data
        if box[0][:1] == b"\x16":
            self._answer(sock, b"TLS")
            return
        if box[0].startswith(b"PRI * ") and not self.gives_back_http2:
            return
        while b"\r\n\r\n" in box[0]:
            head = box[0].partition(b"\r\n\r\n")[0].lower()
            host = head.partition(b"\nhost:")[2].partition(b"\r")[0].strip().partition(b":")[0]
            host = host.removesuffix(b".")
            if not self._owns(host.decode()):
                self._give_back(sock, box[0], entrance)
                return
            box[0] = box[0].partition(b"\r\n\r\n")[2]
            self.served += 1
            self._answer(sock, self.name.encode(), close=b"connection: close" in head)

    def _owns(self, host: str) -> bool:
        return any(x in self.about["hosts"] for x in (host, "*." + host.partition(".")[2], "*"))

    def _answer(self, sock: socket.socket, body: bytes, *, close: bool = False) -> None:
        with contextlib.suppress(OSError):
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        if close:
            self._drop(sock)

    def _give_back(self, sock: socket.socket, data: bytes, entrance: int) -> None:
        self._selector.unregister(sock)
        peer = sock.getpeername()
        payload = client_payload(entrance, peer[0], peer[1], data)
        whole = frame(ASTRAY, payload, 1)
        if self._door is not None:
            sent = send(self._door, whole, [sock.fileno()])
            self._door.sendall(whole[sent:])
        sock.close()

    def _drop(self, sock: socket.socket) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(sock)
        sock.close()


def retire(member: FakeMember, *, starts: bool) -> None:
    """Let a member ask the door to give way."""
    member.say(frame(RETIRE, b"\x01" if starts else b""))


class Answer:
    """An answer to a request: `status` 0 if none came."""

    def __init__(self, data: bytes) -> None:
        head, _, self.body = data.partition(b"\r\n\r\n")
        self.head = head.decode("latin-1")
        self.status = int(head[9:12]) if head.startswith(b"HTTP/1.1 ") else 0
        self.data = data

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


def ask(
    port: int,
    host: str,
    *fields: str,
    target: str = "/",
    method: str = "GET",
    address: str = "127.0.0.1",
) -> Answer:
    """Ask for a page on a connection of its own."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *fields]
    return raw(port, "\r\n".join([*lines, "", ""]).encode(), address=address)


def raw(port: int, *pieces: bytes, address: str = "127.0.0.1", pause: float = 0.0) -> Answer:
    """Send these bytes in pieces, and return all that is answered until the end."""
    with socket.create_connection((address, port), PATIENCE) as sock:
        for piece in pieces:
            sock.sendall(piece)
            if pause:
                time.sleep(pause)
        return Answer(read_all(sock))


def read_all(sock: socket.socket) -> bytes:
    """What comes until the end, or a reset."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while more := sock.recv(65536):
            data += more
    return data


@contextlib.contextmanager
def members(*them: FakeMember) -> Iterator[None]:
    """End them when the test ends."""
    try:
        yield
    finally:
        for each in them:
            each.kill()
