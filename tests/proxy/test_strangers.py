"""What is told of a project: all of it to who is on this machine, next to nothing to others."""

from __future__ import annotations

import json

import pytest

from rpx.http.forwarded import forwarding
from rpx.policy.nearness import is_nobodys
from rpx.proxy.connection import Connection
from tests.proxy.h2_client import client as h2_client
from tests.proxy.house import HOST, House, running
from tests.support.bench import process_of
from tests.support.raw import Answer, Raw

SECRET = b"postgres://app:hunter2@db"
ACCEPTS = ("text/html", "application/json", "text/plain")


async def ask(client: Raw, host: str = HOST, *fields: str) -> Answer:
    lines = "".join(f"{field}\r\n" for field in fields)
    await client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n".encode())
    return await client.answer()


def tells(answer: Answer, house: House) -> bool:
    """Whether it says what only we should know; it must say all of it or nothing."""
    label = house.backends[0].spec.label.encode()
    said = [SECRET in answer.body, label in answer.body]
    assert len(set(said)) == 1, answer.body
    return said[0]


def prints(house: House) -> None:
    house.registry.print(process_of(house.backends[0]), b"connecting to " + SECRET + b"\n")


@pytest.mark.parametrize("accept", ACCEPTS)
@pytest.mark.parametrize(
    ("fields", "near"),
    [
        ((), True),
        (("X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: api.localhost:3000"), True),
        (("X-Forwarded-For: 203.0.113.9",), False),
        (("Forwarded: for=203.0.113.9",), False),
        (("X-Forwarded-Host: shop.ngrok.app",), False),
    ],
)
async def test_who_came_through_a_tunnel_learns_nothing_of_a_backend(
    fields: tuple[str, ...], near: bool, accept: str
) -> None:
    async with running(1, hold=0, ours=True, up=False) as house:
        prints(house)
        client = await house.client()
        answer = await ask(client, HOST, *fields, f"Accept: {accept}")
        assert answer.status == 503
        assert tells(answer, house) is near


@pytest.mark.parametrize("accept", ACCEPTS)
async def test_nor_does_who_comes_from_another_machine(accept: str) -> None:
    async with running(1, hold=0, ours=True, up=False) as house:
        prints(house)
        client = await house.client()
        await ask(client)
        (connection,) = house.shared.sweeper.connections
        assert isinstance(connection, Connection)
        connection.peer = forwarding("192.0.2.7", "http")
        answer = await ask(client, HOST, f"Accept: {accept}")
        assert not tells(answer, house)
        assert answer.status == 503
        answer = await ask(client, "nowhere.localhost", f"Accept: {accept}")
        assert answer.status == 404
        assert HOST.encode() not in answer.body


@pytest.mark.parametrize("accept", ACCEPTS)
@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("nowhere.localhost", True),
        ("127.0.0.1:8080", True),
        ("[::1]", True),
        ("shop.test", True),
        ("nas.local", True),
        ("evil.example", False),
        ("build", False),
        ("evil.example.com", False),
        ("192.168.1.7", False),
    ],
)
async def test_a_page_whose_name_leads_here_does_not_learn_the_hosts(
    host: str, near: bool, accept: str
) -> None:
    async with running(1) as house:
        client = await house.client()
        answer = await ask(client, host, f"Accept: {accept}")
        assert answer.status == 404
        assert (HOST.encode() in answer.body) is near
        if accept == "application/json":
            assert ("hosts" in json.loads(answer.body)) is near


async def test_by_http2_neither() -> None:
    async with running(1) as house, h2_client(house) as peer:
        got = await peer.answer(await peer.ask(host="evil.example.com"))
        assert got.status == 404
        assert HOST.encode() not in got.body


@pytest.mark.parametrize(
    ("host", "nobodys"),
    [("localhost", True), ("a.LOCALHOST.", True), ("127.8.8.8", True), ("[::1]", True),
     ("nas.local", True), ("a.internal", True), ("localhost.evil.com", False),
     ("10.0.0.1", False), ("[fe80::1]", False), ("test.com", False), ("evil.example", False),
     ("a.invalid", False), ("build", False)],
)  # fmt: skip
def test_which_names_no_other_site_can_have(host: str, nobodys: bool) -> None:
    assert is_nobodys(host) is nobodys
