"""A project's side of the machine's door, with a door in the test's hand."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

from rpx.door import door_frames as words
from rpx.door.door_frames import PassedClient, Reader, client_payload, frame, json_frame, send
from rpx.door.starting import DoorPlace
from rpx.model.status import Note
from rpx.proxy import front_door
from rpx.proxy.door_link import NoDoor, RefusedByDoor
from rpx.proxy.front_door import FrontDoor
from rpx.proxy.listener import open_listeners
from tests.proxy.house import HOST, House, get, running
from tests.support.origin import OK, answers, origin
from tests.support.raw import SOON, Raw, connect

if TYPE_CHECKING:
    from rpx.door.messages import MemberHello

OTHER = get("/b").replace(HOST.encode(), b"blog.localhost")
WHO: MemberHello = {
    "v": 1, "rpx": "0.1.0", "pid": 1, "run_id": "r", "project": "shop", "folder": "/", "file": "/f",
    "realm": "", "branch": "", "hosts": [], "entrances": [], "accepts": True,
}  # fmt: skip
ID = 7  # of the only entrance


class FakeDoor:
    """A door that does what the test says."""

    def __init__(self, folder: Path) -> None:
        self.place = DoorPlace(folder, folder)
        self.listeners = open_listeners("127.0.0.1", 0)
        self.port: int = self.listeners[0].getsockname()[1]
        self._control = trio.socket.socket(trio.socket.AF_UNIX)
        self._links: list[FakeLink] = []

    async def listen(self) -> None:
        await self._control.bind(os.fspath(self.place.socket))
        self._control.listen()

    async def member(self) -> FakeLink:
        """Return the next connection, once HELLO has come by it."""
        with trio.fail_after(SOON):
            sock, _ = await self._control.accept()
        link = FakeLink(sock)
        self._links.append(link)
        kind, payload, fds = await link.next()
        assert kind == words.HELLO
        link.hello, link.fds = json.loads(payload), fds
        return link

    def welcome(self, link: FakeLink, **changed: object) -> None:
        """Take a member: with listeners, unless it has brought them."""
        fds = [] if link.fds else [each.fileno() for each in self.listeners]
        given = {
            "id": ID, "tls": False, "port": self.port, "machine": True, "usual": 80, "errno": 13,
            "fds": len(fds),
        }  # fmt: skip
        said = {"v": 1, "rpx": "0.1.0", "pid": 2, "since": 0.0, "entrances": [given], **changed}
        link.say(json_frame(words.WELCOME, said, len(fds)), *fds)

    def close(self) -> None:
        self._control.close()
        for link in self._links:
            link.sock.close()
        for listener in self.listeners:
            listener.close()


class FakeLink:
    """The door's end of a connection."""

    def __init__(self, sock: trio.socket.SocketType) -> None:
        self.sock = sock
        self.hello: dict[str, Any] = {}
        self.fds: list[int] = []
        self._reader = Reader()
        self._frames: list[tuple[int, bytes, list[int]]] = []

    def say(self, data: bytes, *fds: int) -> None:
        send(self.sock._sock, data, fds)  # type: ignore[attr-defined]

    async def next(self) -> tuple[int, bytes, list[int]]:
        """Return the next frame; kind 0: it has hung up."""
        with trio.fail_after(SOON):
            while not self._frames:
                await trio.lowlevel.wait_readable(self.sock)
                if not self._reader.feed(self.sock._sock):  # type: ignore[attr-defined]
                    return 0, b"", []
                self._frames = list(self._reader.frames())
        return self._frames.pop(0)

    async def give(self, port: int, first: bytes, listener: socket.socket) -> Raw:
        """Pass a client on that has said that; return its end."""
        raw = await connect(port)
        await raw.send(first)
        sock, place = listener.accept()
        sock.setblocking(False)
        with sock:
            payload = client_payload(ID, place[0], place[1])
            self.say(frame(words.TAKE, payload, 1), sock.fileno())
        return raw


@asynccontextmanager
async def behind(folder: Path) -> AsyncIterator[tuple[FakeDoor, FrontDoor, House, FakeLink]]:
    """A house whose clients come by a door, which has just taken it."""
    door = FakeDoor(folder)
    await door.listen()
    bugs: list[ExceptionGroup[Exception]] = []
    front = FrontDoor(lambda: door.place, WHO, bugs.append)
    try:
        async with origin(answers(OK)) as backend, trio.open_nursery() as nursery:
            nursery.start_soon(front.ask, [HOST], [(False, None)])
            link = await door.member()
            door.welcome(link)
            await until(lambda: front.joined, "it has not joined")
            async with running(backend, besides=front) as house:
                yield door, front, house, link
            nursery.cancel_scope.cancel()
    finally:
        front.close()
        door.close()
    assert not bugs, bugs


async def test_who_is_alone_accepts_for_itself_until_it_is_told_not_to(tmp_path: Path) -> None:
    async with behind(tmp_path) as (door, front, _, link):
        assert (link.hello["hosts"], link.hello["project"]) == ([HOST], "shop")
        port = front.ports.find(None, tls=False)
        assert (port.port, port.usual, port.errno) == (door.port, 80, 13)
        link.say(frame(words.ALONE, bytes([ID])))
        client = await connect(door.port)
        await client.send(get())
        assert (await client.answer()).body == b"ok"
        await client.send(OTHER)  # also of those the door knows more than we
        kind, payload, fds = await link.next()
        assert (kind, PassedClient(payload).ahead) == (words.ASTRAY, OTHER)
        os.close(*fds)
        link.say(frame(words.HALT, bytes([ID])))
        assert (await link.next())[:2] == (words.HALTED, bytes([ID]))
        late = await link.give(door.port, get(), door.listeners[0])
        assert (await late.answer()).body == b"ok"
        late.close()
        client.close()


async def test_who_closes_a_listener_ends_what_accepts_there_also_before_it_has_begun(
    tmp_path: Path,
) -> None:
    async with behind(tmp_path) as (_, front, house, _):
        listeners = open_listeners("127.0.0.1", 0)
        front.ports[0].listen([each.detach() for each in listeners])
        async with trio.open_nursery() as nursery:
            for listener in front.ports[0].listeners:
                nursery.start_soon(house.server.accept, listener, lambda: None)
            front.close()  # as by SIGTERM in the middle of the start


async def test_a_project_goes_from_door_to_door_with_its_listeners_and_clients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    def start(_: DoorPlace, lock: int | None) -> bool:
        if lock is not None:
            started.append(lock)
        return lock is not None

    monkeypatch.setattr(front_door, "start_one", start)
    monkeypatch.setattr(front_door, "LEAVING", SOON)  # a busy machine takes its time
    async with behind(tmp_path) as (door, _, house, link):
        client = await link.give(door.port, get(), door.listeners[0])
        assert (await client.answer()).body == b"ok"
        link.sock.close()  # as by kill -9
        await client.send(OTHER)
        second = await door.member()
        assert len(second.fds) == second.hello["entrances"][0]["fds"] == len(door.listeners)
        second.say(frame(99, b"of a later protocol"))
        door.welcome(second, rpx="0.0.9")
        kind, payload, fds = await second.next()
        assert (kind, PassedClient(payload).ahead) == (words.ASTRAY, OTHER)
        os.close(*fds)
        # That one is older than we are: we start the next.
        assert (await second.next())[:2] == (words.RETIRE, b"\x01")
        read, write = os.pipe()
        second.say(frame(words.MOVE, b"", 1), read)
        door._control.close()
        os.unlink(door.place.socket)
        await until(lambda: started, "nobody starts one")
        door._control = trio.socket.socket(trio.socket.AF_UNIX)
        await door.listen()
        third = await door.member()
        door.welcome(third)
        for way in (second, third):  # the former is read to its end
            late = await way.give(door.port, get(), door.listeners[0])
            assert (await late.answer()).body == b"ok"
            late.close()
        second.sock.close()
        client.close()
        again = await third.give(door.port, get(), door.listeners[0])
        assert (await again.answer()).body == b"ok"  # so it is followed
        again.close()
        for fd in (read, write, started[0], *second.fds, *third.fds):
            os.close(fd)
        # It was started by us, so it ends with us: the others are to have another one before.
        house.stop()
        assert (await third.next())[0] == words.LEAVE  # first: nobody is to wait for us
        assert (await third.next())[0] == words.RETIRE
        last = await third.give(door.port, get(), door.listeners[0])  # was under way
        assert (await last.answer()).body == b"ok"
        last.close()
        third.sock.close()


async def test_without_another_door_a_project_accepts_for_itself_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_door, "PATIENCE", 0.05)
    monkeypatch.setattr(front_door, "SLOWLY", 0.05)

    def start(*_: object) -> bool:
        raise FileNotFoundError("the interpreter is not there")

    monkeypatch.setattr(front_door, "start_one", start)
    async with behind(tmp_path) as (door, front, house, link):
        with house.registry.events.subscribe() as news:
            door._control.close()
            link.sock.close()
            client = await connect(door.port)
            await client.send(get())
            assert (await client.answer()).body == b"ok"
            await client.send(OTHER)
            assert (await client.answer()).status == 404
            os.unlink(door.place.socket)
            door._control = trio.socket.socket(trio.socket.AF_UNIX)
            await door.listen()
            second = await door.member()
            door.welcome(second)
            await until(lambda: front.open, "it has not joined")
            await client.send(OTHER)  # whom that one has
            assert (await second.next())[0] == words.ASTRAY
            told = [event.text for event in news.take() if isinstance(event, Note)]
            assert told == ["the door of this machine can't be had: the interpreter is not there"]
        for fd in second.fds:
            os.close(fd)
        client.close()


async def test_names_change_all_or_none(tmp_path: Path) -> None:
    async with behind(tmp_path) as (door, front, _, link), trio.open_nursery() as nursery:
        undone: list[Callable[[], None]] = []

        async def ask(*hosts: str) -> None:
            undone.append(await front.ask(hosts, [(False, None)]))

        nursery.start_soon(ask, HOST, "web.localhost")
        assert json.loads((await link.next())[1])["hosts"] == [HOST, "web.localhost"]
        link.fds = [0]
        door.welcome(link)
        await until(lambda: undone, "it is not answered")
        undone.pop()()
        assert json.loads((await link.next())[1])["hosts"] == [HOST]
        door.welcome(link)

        async def ask_in_vain() -> None:
            with pytest.raises(RefusedByDoor) as refused:
                await front.ask(["blog.localhost"], [(False, None)])
            assert refused.value.why == {"kind": "host"}

        nursery.start_soon(ask_in_vain)
        await link.next()
        link.say(json_frame(words.REFUSED, {"kind": "host"}))
        nursery.start_soon(ask, "new.localhost")
        await link.next()
        link.sock.close()  # before it has answered: the next one has the old names, then the new
        second = await door.member()
        assert second.hello["hosts"] == [HOST]
        door.welcome(second)
        assert json.loads((await second.next())[1])["hosts"] == ["new.localhost"]
        door.welcome(second)
        await until(lambda: undone, "it is not answered")
        for fd in second.fds:
            os.close(fd)


async def test_a_door_where_nobody_looks_any_more_gives_way_to_one_that_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_door, "LOOK", 0.01)
    async with behind(tmp_path) as (door, _, _, link):
        (tmp_path / "elsewhere").mkdir()
        other = FakeDoor(tmp_path / "elsewhere")
        door.place = other.place  # as by a runtime directory that was removed, or is back
        assert (await link.next())[0] == words.RETIRE
        await other.listen()
        link.say(frame(words.MOVE))
        second = await other.member()
        assert len(second.fds) == len(door.listeners)
        for fd in second.fds:
            os.close(fd)
        other.close()


@pytest.mark.parametrize(
    "said",
    [b"", b"\0\0\0\1", json_frame(words.WELCOME, {}), frame(words.WELCOME, b"nothing"),
     json_frame(words.WELCOME, {"entrances": [{}]})],
)  # fmt: skip
async def test_a_door_that_is_none_is_done_without(
    said: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_door, "PATIENCE", 0.05)
    monkeypatch.setattr(front_door, "start_one", lambda *_: False)
    door = FakeDoor(tmp_path)
    await door.listen()
    front = FrontDoor(lambda: door.place, WHO, lambda _: None)

    async def be_one() -> None:
        while True:
            link = await door.member()
            link.say(said)
            link.sock.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(be_one)
        with pytest.raises(NoDoor):
            await front.ask([HOST], [(False, None)])
        nursery.cancel_scope.cancel()
    assert not front.joined
    door.close()


async def until(true: Callable[[], object], what: str) -> None:
    with trio.move_on_after(SOON):
        while not true():  # noqa: ASYNC110 - nothing tells of it
            await trio.sleep(0.002)
    assert true(), what
