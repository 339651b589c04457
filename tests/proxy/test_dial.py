"""Happy eyeballs: which of a backend's addresses gets the connection, and how soon."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from rpx.model.address import Address
from rpx.proxy import dial
from rpx.proxy.dial import Dialer, Place, call
from rpx.proxy.reactor import Reactor
from tests.support.places import V4, V6, black_hole, listening, nobody
from tests.support.raw import SOON


class Names(trio.abc.HostnameResolver):
    """Knows the addresses of one name."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts

    async def getaddrinfo(self, host: object, port: object, *_: object) -> Any:  # noqa: ANN401 - as trio has it
        return [
            (V6 if ":" in each else V4, socket.SOCK_STREAM, 6, "", (each, port))
            for each in self.hosts
        ]

    async def getnameinfo(self, sockaddr: object, flags: int) -> tuple[str, str]:
        raise NotImplementedError


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, socket.socket]]:
    """Every socket with which somebody was called, and who that was."""
    seen: list[tuple[str, socket.socket]] = []

    def seeing(place: Place) -> tuple[socket.socket, bool]:
        sock, done = call(place)
        seen.append((str(place.address[0]), sock))
        return sock, done

    monkeypatch.setattr(dial, "call", seeing)
    return seen


async def reached(dialer: Dialer, address: Address) -> str:
    """Connect; the host that answered."""
    with trio.fail_after(SOON):
        with await dialer.dial(address, SOON) as sock:
            return str(sock.getpeername()[0])


@pytest.mark.parametrize(("up", "down"), [("127.0.0.1", "::1"), ("::1", "127.0.0.1")])
async def test_localhost_is_the_one_that_listens_and_the_other_is_not_asked_again(
    up: str, down: str, called: list[tuple[str, socket.socket]]
) -> None:
    dialer = Dialer(Reactor())
    with listening(up) as port, nobody(down, port):
        address = Address("localhost", port)
        assert await reached(dialer, address) == up
        called.clear()
        assert await reached(dialer, address) == up
        assert [host for host, _ in called] == [up]


async def test_a_backend_that_moves_to_the_other_address_is_found_again() -> None:
    dialer = Dialer(Reactor())
    with listening("::1") as port, nobody("127.0.0.1", port):
        assert await reached(dialer, Address("localhost", port)) == "::1"
    with listening("127.0.0.1", port), nobody("::1", port):
        assert await reached(dialer, Address("localhost", port)) == "127.0.0.1"


async def test_an_address_that_never_answers_costs_one_head_start_and_is_left(
    called: list[tuple[str, socket.socket]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial, "HEAD_START", 0.03)
    dialer = Dialer(Reactor())
    with black_hole("127.0.0.1") as port, listening("::1", port):
        began = trio.current_time()
        assert await reached(dialer, Address("localhost", port)) == "::1"
        assert trio.current_time() - began >= 0.03
        assert list(dict.fromkeys(host for host, _ in called)) == ["127.0.0.1", "::1"]
        assert {sock.fileno() for _, sock in called} == {-1}
        called.clear()
        monkeypatch.setattr(dial, "HEAD_START", 60)
        assert await reached(dialer, Address("localhost", port)) == "::1"
        assert [host for host, _ in called] == ["::1"]


async def test_the_next_is_called_at_once_when_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "HEAD_START", 60)
    trio.socket.set_custom_hostname_resolver(Names("127.0.0.1", "127.0.0.2", "127.0.0.3"))
    with listening("127.0.0.3") as port, nobody("127.0.0.1", port), nobody("127.0.0.2", port):
        assert await reached(Dialer(Reactor()), Address("shop.test", port)) == "127.0.0.3"


async def test_of_a_name_with_several_addresses_the_one_that_answered_is_called_first(
    called: list[tuple[str, socket.socket]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial, "HEAD_START", 0.01)
    trio.socket.set_custom_hostname_resolver(Names("127.0.0.1", "127.0.0.2", "::1"))
    dialer = Dialer(Reactor())
    with black_hole("127.0.0.1") as port, listening("127.0.0.2", port), black_hole("::1", port):
        assert await reached(dialer, Address("shop.test", port)) == "127.0.0.2"
        alternating = ["127.0.0.1", "::1", "127.0.0.2"]
        assert list(dict.fromkeys(host for host, _ in called)) == alternating
        assert {sock.fileno() for _, sock in called} == {-1}
        called.clear()
        assert await reached(dialer, Address("shop.test", port)) == "127.0.0.2"
        assert [host for host, _ in called] == ["127.0.0.2"]


async def test_an_address_that_is_no_longer_among_those_of_a_name_is_not_called(
    called: list[tuple[str, socket.socket]],
) -> None:
    dialer = Dialer(Reactor())
    with listening("127.0.0.1") as port, listening("127.0.0.2", port):
        for host in ("127.0.0.1", "127.0.0.2"):
            trio.socket.set_custom_hostname_resolver(Names(host))
            assert await reached(dialer, Address("shop.test", port)) == host
        assert [host for host, _ in called] == ["127.0.0.1", "127.0.0.2"]


async def test_where_all_refuse_the_connection_is_refused() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        with nobody("::1", port), pytest.raises(ConnectionRefusedError):
            await Dialer(Reactor()).dial(Address("localhost", port), SOON)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "shop.test"])
async def test_where_nobody_answers_time_runs_out_and_nothing_stays_open(
    host: str, called: list[tuple[str, socket.socket]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial, "HEAD_START", 0.01)
    trio.socket.set_custom_hostname_resolver(Names("127.0.0.1", "::1"))
    with black_hole("127.0.0.1") as port, black_hole("::1", port):
        with pytest.raises(TimeoutError):
            await Dialer(Reactor()).dial(Address(host, port), 0.05)
    assert called
    assert {sock.fileno() for _, sock in called} == {-1}


async def test_a_name_that_nobody_knows_raises() -> None:
    with pytest.raises(socket.gaierror):
        await Dialer(Reactor()).dial(Address("no-such-host.invalid", 80), SOON)


async def test_many_get_through_a_short_queue_as_fast_as_the_backend_takes_them() -> None:
    """The kernel would call again after a second, for all at once; most of them would then hang."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=2)
    dialer = Dialer(Reactor())
    address = Address("127.0.0.1", listener.socket.getsockname()[1])
    answers: list[bytes] = []

    async def ask() -> None:
        with trio.socket.from_stdlib_socket(await dialer.dial(address, SOON)) as sock:
            await sock.send(b"x")
            answers.append(await sock.recv(1))

    async def echo(stream: trio.SocketStream) -> None:
        await stream.send_all(await stream.receive_some())

    async with listener, trio.open_nursery() as backend:
        with trio.fail_after(0.9):
            async with trio.open_nursery() as clients:
                for _ in range(40):
                    clients.start_soon(ask)
                await trio.testing.wait_all_tasks_blocked()
                backend.start_soon(trio.serve_listeners, echo, [listener])
        backend.cancel_scope.cancel(reason="all are answered")
    assert answers == [b"x"] * 40


async def test_a_port_of_this_machine_that_leads_elsewhere_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """As one that is forwarded into a virtual machine, on a slow line; here without the line."""
    calls: list[socket.socket] = []

    def calling(_: Place) -> tuple[socket.socket, bool]:
        calls.append(socket.socket())
        return calls[-1], False

    async def slowly(sock: socket.socket, _: Place) -> socket.socket:
        try:
            await trio.sleep(0.6)
        except BaseException:
            sock.close()
            raise
        return sock

    monkeypatch.setattr(dial, "call", calling)
    monkeypatch.setattr(dial, "answered", slowly)
    dialer, address = Dialer(Reactor()), Address("127.0.0.1", 3000)
    answers: list[socket.socket] = []

    async def ask() -> None:
        answers.append(await dialer.dial(address, 5.0))

    await ask()
    assert [sock for sock in calls if sock.fileno() != -1] == answers
    calls.clear()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:  # by now it is known, and nobody waits for others
        for _ in range(20):
            nursery.start_soon(ask)
    assert trio.current_time() - began == pytest.approx(0.6)
    assert len(calls) == 20
    for sock in answers:
        sock.close()
