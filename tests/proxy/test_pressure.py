"""Large bodies and slow sides: nothing is collected, nobody else waits."""

from __future__ import annotations

import errno
import hashlib
import socket
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
import trio

from rpx.model.status import Note
from rpx.proxy import connection, listener, sockets
from tests.proxy.house import get, running, until
from tests.support.origin import OK, answers, never, origin
from tests.support.raw import SOON, Raw, background

SIZE = 100_000_000
BLOCK = bytes(range(256)) * 4096  # 1 MB


def most(kind: str) -> int:
    """How large the kernel lets a buffer of TCP grow: `wmem`, `rmem`."""
    file = Path(f"/proc/sys/net/ipv4/tcp_{kind}")
    return int(file.read_text().split()[2]) if file.exists() else 8_000_000


# What may lie in both connections, of which one side is slow and has a small window, and in rpx.
BETWEEN = 2 * most("wmem") + most("rmem") + 4_000_000


async def pour(raw: Raw, sent: list[int]) -> None:
    """Send SIZE bytes as fast as they go; `sent` says how many have gone."""
    while sent[0] < SIZE:
        sent[0] += await raw.sock.send(BLOCK[sent[0] % len(BLOCK) :][: SIZE - sent[0]])


async def send_for_ever(raw: Raw) -> None:
    with trio.fail_after(SOON):
        while True:
            await raw.sock.send(BLOCK)


async def drink(raw: Raw, count: int) -> str:
    """Read that many bytes; return their digest."""
    digest = hashlib.sha256()
    while count:
        if not raw.buffer and not await raw.more(1 << 20):
            break
        piece, raw.buffer = raw.buffer[:count], raw.buffer[count:]
        count -= len(piece)
        digest.update(piece)
    return digest.hexdigest()


def digest() -> str:
    found = hashlib.sha256()
    for start in range(0, SIZE, len(BLOCK)):
        found.update(BLOCK[: SIZE - start])
    return found.hexdigest()


async def stalls(sent: list[int]) -> None:
    """Wait until no more bytes have gone for a while."""
    with trio.fail_after(SOON):
        last = -1
        while sent[0] > last:
            last = sent[0]
            await trio.sleep(0.15)


async def test_a_download_goes_as_fast_as_its_client_reads_and_no_faster() -> None:
    async with origin() as backend, running(backend) as house:
        client = await house.client(window=65536)
        await client.send(get())
        end = await backend.accept()
        await end.request()
        await end.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        await client.until(b"\r\n\r\n")
        before = psutil.Process().memory_info().rss
        sent = [0]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pour, end, sent)
            await stalls(sent)
            assert sent[0] < BETWEEN
            assert await drink(client, SIZE) == digest()
        assert psutil.Process().memory_info().rss - before < 16_000_000


async def test_an_upload_goes_as_fast_as_its_backend_reads_and_no_faster() -> None:
    async with origin(window=65536) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get("/", f"Content-Length: {SIZE}", method="PATCH"))
        end = await backend.accept()
        await end.until(b"\r\n\r\n")
        before = psutil.Process().memory_info().rss
        sent = [0]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pour, client, sent)
            await stalls(sent)
            assert sent[0] < BETWEEN
            assert await drink(end, SIZE) == digest()
        await end.send(OK)
        assert (await client.answer()).body == b"ok"
        assert psutil.Process().memory_info().rss - before < 16_000_000


CHUNK = b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK)


async def pour_chunks(raw: Raw, sent: list[int]) -> None:
    """Send chunks for ever, as fast as they go."""
    while True:
        sent[0] += await raw.sock.send(CHUNK[sent[0] % len(CHUNK) :])


@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", "X-Until: the end"])
async def test_nothing_piles_up_behind_a_client_that_does_not_read(framing: str) -> None:
    async with origin() as backend, running(backend) as house:
        client = await house.client(window=65536)
        await client.send(get())
        end = await backend.accept()
        await end.request()
        await end.send(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode())
        await client.until(b"\r\n\r\n")
        before, sent = psutil.Process().memory_info().rss, [0]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pour_chunks, end, sent)
            await stalls(sent)
            nursery.cancel_scope.cancel()
        assert sent[0] < BETWEEN
        assert psutil.Process().memory_info().rss - before < 16_000_000


async def test_nothing_piles_up_before_a_backend_that_does_not_read() -> None:
    async with origin(window=65536) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get("/", "Transfer-Encoding: chunked", method="PATCH"))
        end = await backend.accept()
        await end.until(b"\r\n\r\n")
        before, sent = psutil.Process().memory_info().rss, [0]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pour_chunks, client, sent)
            await stalls(sent)
            nursery.cancel_scope.cancel()
        assert sent[0] < BETWEEN
        assert psutil.Process().memory_info().rss - before < 16_000_000
        client.reset()  # a FIN would wait behind all that nobody reads


async def test_an_answer_reaches_a_client_whose_upload_nobody_reads() -> None:
    """RFC 9112 §9.6: the backend reads no more, answers, closes; no reset eats the answer."""
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await client.send(get("/", "Content-Length: 20000000", method="PATCH"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send, b"x" * 20_000_000)
            end = await backend.accept()
            await end.until(b"\r\n\r\n")
            await end.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
            end.close()
            answer = await client.answer()
        assert (answer.status, answer.body) == (413, b"no")
        assert await client.ended() == "closed"


async def test_a_client_that_never_stops_sending_is_left_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "LINGER_ALL", 0.2)
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await client.send(b"nonsense\r\n\r\n")
        with pytest.raises(OSError, match=r"reset|Broken"):
            await send_for_ever(client)
        assert backend.visits == []


async def test_requests_that_need_no_backend_keep_nobody_waiting_however_many_come_at_once() -> (
    None
):
    many = 2000
    stray = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
    async with origin(answers(OK)) as backend, running(backend) as house, background() as nursery:
        flood, other = await house.client(), await house.client()
        nursery.start_soon(flood.send, stray * many)
        nursery.start_soon(drink, flood, 100 * many)
        unrouted = house.registry.unrouted
        await until(lambda: unrouted.requests, "no answer")
        await other.send(get())
        assert (await other.answer()).body == b"ok"
        assert unrouted.requests < many / 2
        nursery.cancel_scope.cancel()


async def test_a_flood_of_new_clients_does_not_keep_those_waiting_that_are_in() -> None:
    many = 400
    async with origin(answers(OK)) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        assert (await client.answer()).body == b"ok"
        with ExitStack() as flood:
            await client.send(get())
            for _ in range(many):
                flood.enter_context(socket.create_connection(("127.0.0.1", house.port)))
            assert (await client.answer()).body == b"ok"
            assert len(house.shared.sweeper.connections) < many
            await until(lambda: len(house.shared.sweeper.connections) > many, "not all are in")


async def test_a_backend_that_thinks_does_not_keep_others_waiting() -> None:
    async with (
        origin(never) as one,
        origin(answers(OK)) as two,
        running(one, two) as house,
    ):
        stuck = await house.client()
        await stuck.send(get())
        await one.visit(0)
        for _ in range(2):
            client = await house.client()
            await client.send(get())  # for the second
            assert (await client.answer()).body == b"ok"
            other = await house.client()
            await other.send(get())  # for the first, which thinks
        assert len(two.requests) == 2


async def test_out_of_descriptors_rpx_says_so_and_goes_on_a_little_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = [OSError(errno.EMFILE, "Too many open files")]

    async def accept(sock: socket.socket) -> tuple[socket.socket, str, int]:
        if full:
            raise full.pop()
        return await sockets.accept(sock)

    monkeypatch.setattr(listener, "accept", accept)
    async with origin(answers(OK)) as backend, running(backend) as house:
        with house.registry.events.subscribe() as news:
            client = await house.client()
            await client.send(get())
            assert (await client.answer()).body == b"ok"
            told = [event.text for event in news.take() if isinstance(event, Note)]
    [said] = told
    assert said.startswith("can't take more connections: Too many open files; rpx may have ")
