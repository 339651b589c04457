"""Files on their way: by each protocol, to whoever is fast, slow or gone; never cut off unseen."""

from __future__ import annotations

import os
import re
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from rpx.certificates.authority import Authority, open_authority
from rpx.model.own_settings import Timeouts
from rpx.proxy import file_body
from tests.proxy.h2_client import client as h2_client
from tests.proxy.house import get, until
from tests.proxy.lock import Lock
from tests.proxy.static_house import ask, open_files, sending, write
from tests.support.raw import Raw

SIZE = 1_500_000
CONTENT = os.urandom(SIZE)
HUGE = 1 << 30  # a sparse file, of which nothing is on the disk


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return open_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write(tmp_path, large_bin=CONTENT, small_bin=CONTENT[:1000], none_bin=b"")


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def is_open(path: Path) -> bool:
    return str(path.resolve()) in open_files()


@asynccontextmanager
async def connected(site: Path, authority: Authority, way: str) -> AsyncIterator[Raw]:
    """A client by plain TCP or with TLS."""
    lock = Lock(authority) if way == "tls" else None
    async with sending(site, lock=lock) as (house, _):
        yield await (house.client() if lock is None else house.tls_client(lock.client()))


PARTS = ["0-9,20-29,-10", "5-5,100000-1000000,1400000-", "0-800000,900000-900009"]


@pytest.mark.parametrize("way", ["plain", "no sendfile", "no epoll", "tls"])
async def test_files_and_parts_of_them_come_whole(
    monkeypatch: pytest.MonkeyPatch, site: Path, authority: Authority, way: str
) -> None:
    if way == "no sendfile":
        monkeypatch.setattr(file_body, "_UNABLE", {22})
        monkeypatch.setattr(os, "sendfile", refuse)
    if way == "no epoll":
        monkeypatch.delattr(select, "epoll")
    async with connected(site, authority, way) as client:
        assert (await ask(client, "/large.bin")).body == CONTENT
        assert (await ask(client, "/small.bin")).body == CONTENT[:1000]
        assert (await ask(client, "/none.bin")).body == b""
        head = await ask(client, "/large.bin", method="HEAD")
        assert head.field("content-length") == str(SIZE)
        part = await ask(client, "/large.bin", "Range: bytes=1000-1400000")
        assert (part.status, part.body) == (206, CONTENT[1000:1400001])
        for value in PARTS:
            answer = await ask(client, "/large.bin", f"Range: bytes={value}")
            assert (answer.status, pieces_of(answer.body)) == (206, cut(value))
        await client.send(get("/large.bin") + get("/small.bin"))
        assert (await client.answer()).body == CONTENT
        assert (await client.answer()).body == CONTENT[:1000]


def refuse(*_: int) -> int:
    raise OSError(22, "Invalid argument")


def pieces_of(body: bytes) -> list[bytes]:
    """The parts of a multipart body, by their own Content-Range."""
    (boundary,) = re.findall(rb"\r\n--(.*)--\r\n$", body)
    preface = re.compile(
        rb"\r\n--%b\r\nContent-Type: [^\r]*\r\nContent-Range: bytes (\d+)-(\d+)/%d\r\n\r\n"
        % (boundary, SIZE)
    )
    found, at = [], 0
    while match := preface.match(body, at):
        size = int(match[2]) - int(match[1]) + 1
        found.append(body[match.end() : match.end() + size])
        at = match.end() + size
    assert body[at:] == b"\r\n--%b--\r\n" % boundary
    return found


def cut(value: str) -> list[bytes]:
    found = []
    for spec in value.split(","):
        first, _, last = spec.partition("-")
        start = int(first) if first else SIZE - int(last)
        found.append(CONTENT[start : int(last) + 1 if first and last else SIZE])
    return found


async def test_files_come_whole_on_streams_side_by_side(site: Path) -> None:
    async with sending(site) as (house, _), h2_client(house) as client:
        await client.settled()
        several = ("range", f"bytes={PARTS[1]}")
        numbers = [await client.ask("/large.bin") for _ in range(5)]
        numbers.append(await client.ask("/small.bin"))
        last = await client.ask("/large.bin", several)
        head = await client.ask("/large.bin", method="HEAD")
        for number in numbers[:5]:
            assert (await client.answer(number)).body == CONTENT
        assert (await client.answer(numbers[5])).body == CONTENT[:1000]
        assert pieces_of((await client.answer(last)).body) == cut(PARTS[1])
        got = await client.answer(head)
        assert (got.head[b"content-length"], got.body, got.reset) == (b"%d" % SIZE, b"", None)
        for method in ("POST", "DELETE"):
            assert (
                await client.answer(await client.ask("/small.bin", method=method))
            ).status == 405


@pytest.mark.parametrize("way", ["plain", "tls"])
async def test_a_file_that_shrinks_on_its_way_breaks_the_connection(
    tmp_path: Path, authority: Authority, way: str
) -> None:
    path = sparse(tmp_path / "a.bin", HUGE)
    async with connected(tmp_path, authority, way) as client:
        await client.send(get("/a.bin"))
        assert b"Content-Length: %d\r\n" % HUGE in await client.until(b"\r\n\r\n")
        os.truncate(path, 1_000_000)
        while await client.more():
            client.buffer = b""
        assert client.end == "reset" or way == "tls"
        assert client.received < HUGE


async def test_a_file_that_shrinks_resets_its_stream_alone(tmp_path: Path) -> None:
    path = sparse(write(tmp_path, b_txt=b"b") / "a.bin", HUGE)
    async with sending(tmp_path) as (house, counts), h2_client(house) as client:
        await client.settled()
        number = await client.ask("/a.bin")
        await client.until(lambda: client.streams[number].body)
        os.truncate(path, 100)
        got = await client.answer(number)
        assert (got.ended, got.reset) == (False, 2)  # INTERNAL_ERROR
        assert (await client.answer(await client.ask("/b.txt"))).body == b"b"
        assert counts.errors == 1


async def test_a_small_file_that_shrinks_as_it_is_read_is_not_answered(
    monkeypatch: pytest.MonkeyPatch, site: Path
) -> None:
    read = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, size, at: read(fd, size, at)[:-1])
    async with sending(site) as (house, counts):
        client = await house.client()
        await client.send(get("/small.bin"))
        assert await client.ended() == "reset"
        assert (counts.requests, counts.errors, counts.abandoned) == (0, 1, 1)


async def test_a_file_that_grows_is_sent_as_long_as_was_said(site: Path) -> None:
    async with sending(site) as (house, _):
        client = await house.client(window=4096)
        await client.send(get("/large.bin"))
        await client.until(b"\r\n\r\n")
        with (site / "large.bin").open("ab") as file:
            file.write(b"more" * 1000)
        assert await client.take(SIZE) == CONTENT
        assert len((await ask(client, "/large.bin")).body) == SIZE + 4000


@pytest.mark.parametrize("leave", [Raw.close, Raw.reset])
async def test_the_file_of_a_client_that_leaves_is_closed(
    monkeypatch: pytest.MonkeyPatch,
    site: Path,
    leave: Any,  # noqa: ANN401 - a method
) -> None:
    path = sparse(site / "huge.bin", HUGE)
    async with sending(site) as (house, counts), h2_client(house) as other:
        await other.settled()
        client = await house.client(window=4096)
        await client.send(get("/huge.bin"))
        await client.until(b"\r\n\r\n")
        other.acknowledges = False
        number = await other.ask("/huge.bin")
        await other.until(lambda: other.streams[number].body)
        assert is_open(path)
        leave(client)
        other.h2.reset_stream(number)
        await other.flush()
        await until(lambda: not is_open(path), "it is open")
        assert counts.codes == {200: 2}
        assert counts.errors == 0


async def test_a_client_that_takes_nothing_is_cut_off(site: Path) -> None:
    path = sparse(site / "huge.bin", HUGE)
    async with sending(site, timeouts=Timeouts(send=0.3)) as (house, _), h2_client(house) as other:
        other.acknowledges = False
        client = await house.client(window=4096)
        await client.send(get("/huge.bin"))
        number = await other.ask("/huge.bin")
        assert (await other.answer(number)).reset is not None
        await until(lambda: not is_open(path), "it is open")


async def test_rpx_goes_down_when_a_file_has_been_sent(site: Path) -> None:
    sparse(site / "huge.bin", size := 50_000_000)
    async with sending(site) as (house, _):
        client = await house.client()
        await client.send(get("/huge.bin"))
        head = await client.until(b"\r\n\r\n")
        house.stop()
        await until(lambda: house.drains, "it does not go down")
        while await client.more(1 << 20):
            client.buffer = b""
        assert client.end == "closed"
        assert client.received == len(head) + size


async def test_others_are_answered_while_a_large_file_is_taken_fast(site: Path) -> None:
    sparse(site / "huge.bin", HUGE)
    async with sending(site) as (house, _):
        one, two = await house.client(), await house.client()
        await one.send(get("/huge.bin"))
        await one.until(b"\r\n\r\n")
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def swallow() -> None:
                while await one.more(1 << 20):
                    one.buffer = b""

            for _ in range(20):
                assert (await ask(two, "/small.bin")).body == CONTENT[:1000]
            assert one.received < HUGE
            nursery.cancel_scope.cancel()
