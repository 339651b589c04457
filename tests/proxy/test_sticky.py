"""Sticky sessions on the wire: who prefers whom, what the client is told, what backends see."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import trio

from rpx.http.forwarded import forwarding
from rpx.hub.endpoint import Endpoint
from rpx.model.config import Sticky, Strategy
from rpx.model.status import Note
from rpx.policy.lifecycle import Move
from rpx.proxy.connection import Connection
from tests.proxy.house import House, get, post, running, until
from tests.support.bench import process_of
from tests.support.origin import OK, Origin, answers, closes, origin, refusing, says
from tests.support.raw import Answer, Raw

STICKY = Sticky(cookie="id", ttl=60)
COOKIE = re.compile(r"id=([A-Z2-7]{16}); Path=/; HttpOnly; SameSite=Lax; Max-Age=60")


def set_cookies(answer: Answer) -> list[str]:
    return re.findall(r"\r\n(?i:set-cookie):[ \t]*([^\r]*)", answer.head.decode())


async def ask(client: Raw, *cookies: str, request: bytes | None = None) -> Answer:
    fields = [f"Cookie: {'; '.join(cookies)}"] if cookies else []
    await client.send(request or get("/", *fields))
    return await client.answer()


def pinned(answer: Answer) -> str:
    """The value of the cookie that the answer sets."""
    (line,) = set_cookies(answer)
    found = COOKIE.fullmatch(line)
    assert found, line
    return found[1]


def value(house: House, backend: Endpoint) -> str:
    assert house.pool.affinity is not None
    return house.pool.affinity.value(backend).decode()


@asynccontextmanager
async def pool_of(
    *weights: int, ours: bool = False, strategy: Strategy = "round-robin"
) -> AsyncIterator[House]:
    """Serve backends that say A, B, C…, with sticky sessions."""
    async with AsyncExitStack() as stack:
        places: list[Origin] = [
            await stack.enter_async_context(origin(answers(says("ABCDEF"[number]))))
            for number in range(len(weights))
        ]
        yield await stack.enter_async_context(
            running(*places, weights=weights, sticky=STICKY, ours=ours, strategy=strategy)
        )


async def test_the_first_answer_binds_the_client_and_later_ones_say_nothing_more() -> None:
    async with pool_of(1, 1, 1) as house:
        client = await house.client()
        first = await ask(client)
        mine = pinned(first)
        assert mine == value(house, house.backends["ABC".index(first.body.decode())])
        for _ in range(4):
            answer = await ask(client, f"id={mine}")
            assert answer.body == first.body
            assert not set_cookies(answer)


async def test_clients_without_a_cookie_take_turns_that_bound_ones_dont_use_up() -> None:
    async with pool_of(1, 1) as house:
        client = await house.client()
        mine = f"id={pinned(await ask(client))}"
        heard = ""
        for _ in range(4):
            assert (await ask(client, mine)).body == b"A"
            heard += (await ask(client)).body.decode()
        assert heard == "BABA"


async def test_bound_clients_dont_move_the_turn_of_weights() -> None:
    async with pool_of(3, 1) as house:
        client = await house.client()
        mine = f"id={value(house, house.backends[1])}"
        heard = ""
        for _ in range(8):
            heard += (await ask(client)).body.decode()
            assert (await ask(client, mine)).body == b"B"
        assert heard == "AABAAABA"


@pytest.mark.parametrize(
    "cookie",
    [
        "id=",
        "id=garbage",
        "id=AAAAAAAAAAAAAAAA",
        'id="{0}"',
        "id={0}; id={0}",
        "id={0}; id={1}",
        "id={0}x",
        "id=%00%ff",
        "id=\xff\xfe",
        "id=" + "A" * 30_000,
        "ID={0}",
        "id",
        ";;; =; id=;",
    ],
)
async def test_what_is_no_cookie_of_ours_is_as_good_as_none(cookie: str) -> None:
    async with pool_of(1, 1) as house:
        client = await house.client()
        others = [value(house, backend) for backend in reversed(house.backends)]
        request = get("/", "Cookie: " + cookie.format(*others)).decode().encode("latin-1")
        answer = await ask(client, request=request)
        assert (answer.status, answer.body) == (200, b"A")
        assert pinned(answer) == value(house, house.backends[0])


async def test_the_backend_sees_the_other_cookies_as_they_came() -> None:
    async with (
        origin(answers(says("ok"))) as backend,
        running(backend, sticky=STICKY) as house,
    ):
        client = await house.client()
        mine = f"id={value(house, house.backends[0])}"
        await ask(client, "a=1", mine, 'b="x y"', "c")
        await ask(client, mine)
        await ask(client, "id=garbage")
        assert b'\r\nCookie: a=1; b="x y"; c\r\n' in backend.requests[0]
        assert b"ookie" not in backend.requests[1]
        assert b"ookie" not in backend.requests[2]


async def test_without_stickiness_a_cookie_of_that_name_passes() -> None:
    async with origin(answers(says("ok"))) as backend, running(backend) as house:
        answer = await ask(await house.client(), "server_id=x")
        assert not set_cookies(answer)
        assert b"\r\nCookie: server_id=x\r\n" in backend.requests[0]


async def test_a_client_whose_backend_is_out_is_moved_and_bound_anew() -> None:
    async with pool_of(1, 1, 1) as house:
        client = await house.client()
        old = f"id={pinned(await ask(client))}"
        house.out(house.backends[0])
        moved = await ask(client, old)
        assert moved.body == b"B"
        new = f"id={pinned(moved)}"
        house.up(house.backends[0])
        again = await ask(client, new)
        assert (again.body, set_cookies(again)) == (b"B", [])


@pytest.mark.parametrize("request_", [get(), post()])
async def test_a_client_whose_backend_refuses_is_moved_with_that_very_request(
    request_: bytes,
) -> None:
    with refusing() as port:
        async with (
            origin(answers(says("B"))) as second,
            running(port, second, sticky=STICKY) as house,
        ):
            client = await house.client()
            mine = f"Cookie: id={value(house, house.backends[0])}\r\n\r\n".encode()
            request = request_.replace(b"\r\n\r\n", b"\r\n" + mine, 1)
            answer = await ask(client, request=request)
            assert answer.body == b"B"
            assert pinned(answer) == value(house, house.backends[1])


async def test_the_cookie_names_who_answered_not_who_was_tried_first() -> None:
    async with (
        origin(closes) as first,
        origin(answers(says("B"))) as second,
        running(first, second, sticky=STICKY) as house,
    ):
        answer = await ask(await house.client())
        assert answer.body == b"B"
        assert pinned(answer) == value(house, house.backends[1])


async def test_no_answer_of_rpxs_own_binds_anybody() -> None:
    with refusing() as port:
        async with running(port, sticky=STICKY) as house:
            client = await house.client()
            mine = f"id={value(house, house.backends[0])}"
            for cookies in ([], [mine]):
                house.up(house.backends[0])
                answer = await ask(client, *cookies)
                assert (answer.status, set_cookies(answer)) == (502, [])


async def test_a_malformed_answer_binds_nobody() -> None:
    async with (
        origin(answers(b"SSH-2.0-x\r\n\r\n")) as backend,
        running(backend, sticky=STICKY) as h,
    ):
        answer = await ask(await h.client())
        assert (answer.status, set_cookies(answer)) == (502, [])


async def test_interim_answers_dont_carry_the_cookie_and_errors_of_the_backend_do() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    error = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    async with origin(answers(early + error)) as backend, running(backend, sticky=STICKY) as house:
        client = await house.client()
        await client.send(get())
        interim, answer = await client.answer(), await client.answer()
        assert (interim.status, set_cookies(interim)) == (103, [])
        assert answer.status == 404
        assert pinned(answer)


async def test_ours_wins_over_a_cookie_of_the_backends_own_and_that_is_said_once() -> None:
    sets = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: id=theirs\r\nSet-Cookie: b=2\r\n"
    async with (
        origin(answers(sets + b"Content-Length: 0\r\n\r\n")) as backend,
        running(backend, sticky=STICKY) as house,
    ):
        with house.registry.events.subscribe() as news:
            client = await house.client()
            answer = await ask(client)
            first, second, ours = set_cookies(answer)
            assert (first, second) == ("a=1", "b=2")
            assert COOKIE.fullmatch(ours)
            mine = f"id={value(house, house.backends[0])}"
            assert set_cookies(await ask(client, mine)) == ["a=1", "b=2"]
            notes = [event for event in news.take() if isinstance(event, Note)]
    assert [note.label for note in notes] == [house.backends[0].spec.label]
    assert "`id`" in notes[0].text


async def test_the_cookie_is_secure_on_an_encrypted_connection() -> None:
    async with pool_of(1) as house:
        client = await house.client()
        await ask(client)
        (connection,) = house.shared.sweeper.connections
        assert isinstance(connection, Connection)
        connection.peer = forwarding("127.0.0.1", "https")
        (line,) = set_cookies(await ask(client))
        assert line.endswith("; HttpOnly; SameSite=None; Max-Age=60; Secure")


async def test_so_it_is_where_a_trusted_proxy_has_the_encryption() -> None:
    async with origin(answers(OK)) as backend:
        for trusted, end in (["127.0.0.1"], "Secure"), ([], "Max-Age=60"):
            async with running(backend, sticky=STICKY, trusted=trusted) as house:
                client = await house.client()
                await client.send(get("/", "X-Forwarded-Proto: https"))
                (line,) = set_cookies(await client.answer())
                assert line.endswith("; " + end)


UPGRADE = ("Connection: upgrade", "Upgrade: echo")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"


async def test_a_tunnel_obeys_the_cookie_and_sets_it_for_a_new_client() -> None:
    async with (
        origin(answers(SWITCH)) as first,
        origin(answers(SWITCH)) as second,
        running(first, second, sticky=STICKY) as house,
    ):
        new = await ask(await house.client(), request=get("/", *UPGRADE))
        assert (new.status, pinned(new)) == (101, value(house, house.backends[0]))
        old = f"Cookie: id={pinned(new)}"
        known = await ask(await house.client(), request=get("/", *UPGRADE, old))
        assert (known.status, set_cookies(known)) == (101, [])
        assert (len(first.requests), len(second.requests)) == (2, 0)


async def test_a_client_of_a_backend_with_a_weight_of_0_stays_and_no_other_comes() -> None:
    async with pool_of(0, 1) as house:
        client = await house.client()
        mine = f"id={value(house, house.backends[0])}"
        for _ in range(3):
            assert (await ask(client, mine)).body == b"A"
            assert (await ask(client)).body == b"B"


async def test_a_bound_client_stays_at_a_draining_backend_until_its_work_ends() -> None:
    async with (
        origin() as slow,
        origin(answers(says("B"))) as other,
        running(slow, other, sticky=STICKY, ours=True) as house,
    ):
        backend, registry = house.backends[0], house.registry
        busy, bound = await house.client(), await house.client()
        mine = f"id={value(house, backend)}"
        await busy.send(get("/", f"Cookie: {mine}"))
        end = await slow.accept()
        await end.request()
        registry.move(process_of(backend), Move.STOP)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(registry.wait_drained, process_of(backend))
            await until(lambda: backend.drained is not None, "nobody waits for the drain")
            await bound.send(get("/", f"Cookie: {mine}"))
            more = await slow.accept()
            await more.request()
            await more.send(says("A"))
            stayed = await bound.answer()
            assert (stayed.body, set_cookies(stayed)) == (b"A", [])
            assert (await ask(bound)).body == b"B"  # a new client never
            backend.keeps_until = trio.current_time()  # half of the drain is over
            assert (await ask(bound, mine)).body == b"B"
            await end.send(says("A"))
            await busy.answer()
        moved = await ask(bound, mine)
        assert moved.body == b"B"
        assert pinned(moved) == value(house, house.backends[1])


async def test_a_client_of_an_external_backend_finds_it_before_its_first_check() -> None:
    async with (
        origin(answers(says("A"))) as first,
        origin(answers(says("B"))) as second,
        running(first, second, sticky=STICKY, up=False) as house,
    ):
        answer = await ask(await house.client(), f"id={value(house, house.backends[1])}")
        assert (answer.body, set_cookies(answer)) == (b"B", [])


async def test_a_bound_client_has_its_backend_first_of_those_that_return() -> None:
    async with (
        origin(answers(says("A"))) as first,
        origin(answers(says("B"))) as second,
        running(first, second, sticky=STICKY, ours=True, up=False) as house,
    ):
        for backend in house.backends:
            house.registry.move(process_of(backend), Move.LAUNCH)
        client = await house.client()
        await client.send(get("/", f"Cookie: id={value(house, house.backends[1])}"))
        await until(lambda: house.pool.waiting == 1, "nobody waits")
        for backend in house.backends:
            house.registry.judge(backend, Move.PROBE_UP)
        assert (await client.answer()).body == b"B"


@pytest.mark.parametrize("strategy", ["least-connections", "random", "ip-hash"])
async def test_sessions_are_sticky_under_every_strategy(strategy: Strategy) -> None:
    async with pool_of(3, 1, 1, strategy=strategy) as house:
        client = await house.client()
        for number, letter in enumerate(b"ABC"):
            mine = f"id={value(house, house.backends[number])}"
            for _ in range(3):
                assert (await ask(client, mine)).body == bytes([letter])
