"""Frames and their descriptors over a real socket pair: whole, in pieces, and wrong."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator

import pytest

from rpx.door.door_frames import (
    HELLO,
    MOST,
    MOST_AHEAD,
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


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a stream."""
    one, other = socket.socketpair()
    other.setblocking(False)
    with one, other:
        yield one, other


def drain(reader: Reader, sock: socket.socket) -> list[tuple[int, bytes, list[int]]]:
    """All frames that have come."""
    found = []
    try:
        while reader.feed(sock):
            found += list(reader.frames())
    except BlockingIOError:
        pass
    return found + list(reader.frames())


def test_frames_come_as_they_were_sent_however_they_are_cut(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    one, other = pair
    sent = [(HELLO, b"{}"), (TAKE, b"x" * 5000), (99, b""), (WELCOME, b"1")]
    data = b"".join(frame(kind, payload) for kind, payload in sent)
    chance, reader, found = random.Random(3), Reader(), []
    while data:
        size = chance.randrange(1, 900)
        one.sendall(data[:size])
        data = data[size:]
        found += drain(reader, other)
    assert [(kind, payload) for kind, payload, _ in found] == sent


def test_descriptors_belong_to_the_frame_that_said_so_also_of_an_unknown_kind(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    one, other = pair
    files = [os.memfd_create(str(number)) for number in range(3)]
    send(one, frame(200, b"later", 2), files[:2])
    one.sendall(frame(HELLO, b"{}"))
    send(one, frame(TAKE, b"client", 1), files[2:])
    found = drain(Reader(), other)
    assert [(kind, len(fds)) for kind, _, fds in found] == [(200, 2), (HELLO, 0), (TAKE, 1)]
    same = [os.path.samestat(os.fstat(x), os.fstat(y)) for x, y in zip(
        files, [fd for _, _, fds in found for fd in fds], strict=True
    )]  # fmt: skip
    assert all(same)
    assert not any(os.get_inheritable(fd) for _, _, fds in found for fd in fds)
    for fd in [*files, *(fd for _, _, fds in found for fd in fds)]:
        os.close(fd)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff\x01\x00",
        (MOST + 3).to_bytes(4, "big") + b"\x01\x00",
        b"\x00\x00\x00\x01\x01\x00",
        frame(TAKE, b"", 1),
    ],
)
def test_what_is_no_frame_is_told_before_it_is_waited_for(
    pair: tuple[socket.socket, socket.socket], data: bytes
) -> None:
    one, other = pair
    one.sendall(data)
    with pytest.raises(Garbled):
        drain(Reader(), other)


def test_descriptors_that_nobody_took_are_closed_with_the_reader(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    one, other = pair
    reader, file = Reader(), os.memfd_create("x")
    before = len(os.listdir("/proc/self/fd"))
    send(one, frame(TAKE, b"client", 1)[:7], [file])
    assert drain(reader, other) == []
    assert len(os.listdir("/proc/self/fd")) == before + 1
    reader.close()
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(file)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "fe80::1%lo"])
def test_a_client_is_described_with_where_it_came_from(address: str) -> None:
    client = PassedClient(client_payload(7, address, 65535, b"GET /", astray=True))
    assert client.address == address.partition("%")[0]
    assert (client.entrance, client.port, client.ahead) == (7, 65535, b"GET /")
    assert client.astray
    assert client.family == (socket.AF_INET6 if ":" in address else socket.AF_INET)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        client_payload(0, "::1", 1, b"abc")[:-1],
        client_payload(0, "::1", 1) + b"x",
        client_payload(0, "::1", 1, bytes(MOST_AHEAD + 1)),
    ],
)
def test_a_client_that_is_described_wrongly_is_refused(payload: bytes) -> None:
    with pytest.raises(Garbled):
        PassedClient(payload)


@pytest.mark.parametrize("payload", [b"", b"[]", b"\xff", b"[" * 100000, b'"x"'])
def test_json_that_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(Garbled):
        read_json(payload)
    assert read_json(json_frame(HELLO, {"a": 1})[6:]) == {"a": 1}
