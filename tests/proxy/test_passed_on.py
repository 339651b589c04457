"""Clients that another process has accepted, and those who go back to it for another host."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import trio

from rpx.certificates.authority import Authority, open_authority
from rpx.door.starting import DoorPlace
from rpx.model.address import Address
from rpx.proxy.arrival import Arrival
from tests.proxy.h2_client import client as h2_client
from tests.proxy.house import HOST, House, get, post, running, serving, until
from tests.proxy.lock import Lock
from tests.support.bench import registry
from tests.support.origin import OK, answers, origin
from tests.support.raw import SOON, Raw, connect
from tests.support.specs import backend_spec
from tests.support.tls import Sealed

OTHER = get("/b", "Cookie: c=1").replace(HOST.encode(), b"blog.localhost")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("authority"))


class Door:
    """Accepts, as the machine's door does, and keeps what it is given back."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.back: list[tuple[Arrival, int, bytes]] = []

    open = True
    others: frozenset[str] = frozenset()

    def give_back(self, arrival: Arrival, sock: int, heard: bytes) -> None:
        self.back.append((arrival, sock, heard))

    async def client(self, first: bytes = b"") -> tuple[Raw, socket.socket]:
        """A client that has said that, and its socket here."""
        await until(lambda: self.house.shared.reactor._tasks, "the server has not begun")
        raw = await connect(self.listener.getsockname()[1])
        sock, _ = self.listener.accept()
        sock.setblocking(False)
        await raw.send(first)
        self.house._clients.append(raw)
        return raw, sock

    def give(
        self, sock: socket.socket, ahead: bytes = b"", *, tls: bool = False, astray: bool = False
    ) -> None:
        """Pass a client on."""
        port = sock.getpeername()[1]
        arrival = Arrival("192.0.2.7", port, self, 3, passed=True, ahead=ahead, astray=astray)
        contexts = self.house.shared.contexts if tls else None
        self.house.server.take(sock, arrival, contexts)

    async def again(self) -> tuple[socket.socket, bytes]:
        """The client that is given back, and what has been heard of it."""
        await until(lambda: self.back, "it is still here")
        arrival, fd, heard = self.back.pop()
        assert (arrival.address, arrival.entrance) == ("192.0.2.7", 3)
        return socket.socket(fileno=fd), heard

    def close(self) -> None:
        self.listener.close()
        for _, fd, _ in self.back:
            os.close(fd)


async def sock_readable(sock: socket.socket) -> None:
    with trio.fail_after(SOON):
        await trio.lowlevel.wait_readable(sock)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd" if Path("/proc/self/fd").exists() else "/dev/fd"))


async def test_who_was_passed_on_is_served_at_the_address_that_was_told() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        door = Door(house)
        for ahead in (b"", get("/a")[:20], get("/a")):
            client, sock = await door.client(get("/a")[len(ahead) :])
            door.give(sock, ahead)
            for _ in range(2):
                assert (await client.answer()).body == b"ok"
                await client.send(get("/a"))
            assert (await client.answer()).body == b"ok"
        assert len(backend.requests) == 9
        assert all(b"X-Forwarded-For: 192.0.2.7\r\n" in request for request in backend.requests)
        assert not door.back
        door.close()


async def test_a_client_goes_back_for_another_host_with_all_that_was_read() -> None:
    body = post("/up", "x" * 3000).replace(HOST.encode(), b"blog.localhost")
    async with origin(answers(OK)) as backend, running(backend) as house:
        door = Door(house)
        for asked in (OTHER, OTHER + get("/third"), body, body[:-1000]):
            client, sock = await door.client(get("/a"))
            door.give(sock)
            assert (await client.answer()).body == b"ok"
            await client.send(asked)
            sock, heard = await door.again()
            assert heard == asked
            assert not house.shared.sweeper.connections
            with sock:
                await client.send(b"more")  # which wakes nobody here any more
                await sock_readable(sock)
                assert sock.recv(9) == b"more"
                sock.send(b"from somebody else")
                assert await client.take(18) == b"from somebody else"
        assert len(backend.requests) == 4
        door.close()


async def test_a_client_goes_back_for_a_whole_name_of_others_that_our_wildcard_covers() -> None:
    async with origin(answers(OK)) as backend:
        spec = backend_spec("api", 1, Address("127.0.0.1", backend.port), host="*.localhost")
        async with serving(House(registry(spec), verbose=False)) as house:
            door = Door(house)
            client, sock = await door.client(OTHER)
            door.give(sock)
            assert (await client.answer()).body == b"ok"
            house.shared.registry.leave_to_others(frozenset({"blog.localhost"}))
            await client.send(get("/a"))
            assert (await client.answer()).body == b"ok"
            await client.send(OTHER)
            sock, heard = await door.again()
            assert heard == OTHER
            sock.close()
            door.close()


async def test_a_connection_changes_hands_two_hundred_times_and_leaves_nothing() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        door = Door(house)
        client, sock = await door.client()
        ahead, before = b"", 0
        for number in range(200):
            if not ahead:
                await client.send(get("/a"))
            door.give(sock, ahead)
            assert (await client.answer()).body == b"ok"
            # Now and then the next one's request comes behind the other's.
            ahead = get("/a") if number % 2 else b""
            await client.send(OTHER + ahead)
            sock, heard = await door.again()
            assert heard == OTHER + ahead
            if number == 3:
                before = descriptors()
        assert descriptors() == before
        sock.close()
        door.close()


async def test_by_tls_nobody_goes_back_but_is_told_to_ask_anew(
    authority: Authority, tmp_path: Path
) -> None:
    lock = Lock(authority)
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        door = Door(house)
        for place, status in ((None, 404), (DoorPlace(tmp_path, tmp_path), 421)):
            house.shared.door = place
            plain, sock = await door.client()
            door.give(sock, tls=True)
            sealed = Sealed(plain.sock, lock.client(), server_side=False, host=HOST)
            await sealed.stream.do_handshake()
            client = Raw(sealed)
            for request, expected in ((get(), 200), (OTHER, status)):
                await client.send(request)
                assert (await client.answer()).status == expected
            async with h2_client(house, named=HOST) as peer:
                got = await peer.answer(await peer.ask(host="blog.localhost"))
                assert got.status == status
            assert not door.back
        door.close()


async def test_by_tls_the_machines_page_ends_its_connection_as_a_project_may_have_the_name_soon(
    authority: Authority, tmp_path: Path
) -> None:
    lock = Lock(authority)
    asked = get("/").replace(HOST.encode(), b"blog.localhost")
    async with origin(answers(OK)) as backend, lock.house(backend) as house:
        house.shared.door = DoorPlace(tmp_path, tmp_path)
        door = Door(house)
        plain, sock = await door.client()
        door.give(sock, tls=True, astray=True)
        sealed = Sealed(plain.sock, lock.client(), server_side=False, host="blog.localhost")
        await sealed.stream.do_handshake()
        client = Raw(sealed)
        await client.send(asked)
        answer = await client.answer()
        assert (answer.status, answer.field("Connection")) == (404, "close")
        assert answer.field("Cache-Control") == "no-store"
        assert await client.rest() == b""
        async with h2_client(house, named="blog.localhost") as peer:
            got = await peer.answer(await peer.ask(host="blog.localhost"))
            assert got.status == 404
            assert b"frame-ancestors 'none'" in got.head[b"content-security-policy"]
            await peer.end()
            assert peer.goaways
        door.close()
