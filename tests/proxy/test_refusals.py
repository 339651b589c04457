"""Answers of rpx's own: what they say, and what becomes of the connection."""

from __future__ import annotations

import json
import socket
from collections.abc import Awaitable, Callable
from typing import NoReturn

import pytest
import trio

from rpx.model.own_settings import Timeouts
from rpx.policy.lifecycle import Move
from tests.proxy.house import HOST, get, running
from tests.support.bench import process_of
from tests.support.origin import OK, answers, closes, once, origin, refusing
from tests.support.raw import Raw

JSON = "Accept: application/json"


@pytest.mark.parametrize("ours", [False, True])
async def test_a_502_names_the_backends_their_states_and_what_they_printed_last(
    *, ours: bool
) -> None:
    with refusing() as one:
        async with origin(closes) as two, running(one, two, ours=ours, hold=0) as house:
            for process in house.registry.processes:
                house.registry.print(process, b"Error: <no> database\n")
            client = await house.client()
            await client.send(get("/", "Accept: text/html"))
            page = (await client.answer()).body.decode()
            assert f"api:{one}" in page
            assert f"127.0.0.1:{two.port}" in page
            assert ("ready (external)" in page) is not ours
            assert "connection refused" in page
            assert "closed the connection before it answered" in page
            assert ("Error: &lt;no&gt; database" in page) is ours


async def test_a_502_as_json_has_the_same_in_fields() -> None:
    with refusing() as port:
        async with running(port, ours=True, hold=0) as house:
            house.registry.print(process_of(house.backends[0]), b"line\n")
            client = await house.client()
            await client.send(get("/", JSON))
            answer = await client.answer()
            found = json.loads(answer.body)
            assert (answer.status, found["status"]) == (502, 502)
            assert found["backends"][0]["name"] == f"api:{port}"
            assert found["backends"][0]["last_error"] == "connection refused"
            assert found["backends"][0]["output"] == ["line"]


async def settings(raw: Raw) -> None:
    """What a server of HTTP/2 says first."""
    await raw.send(b"\0\0\0\4\0\0\0\0\0")
    await raw.request()


async def alert(raw: Raw) -> None:
    """What a server of TLS says to a request without."""
    await raw.request()
    await raw.send(b"\x15\x03\x03\0\2\2\x46")


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (settings, ["write `protocol: h2c`"]),
        (alert, ["write `from: https://"]),
        (closes, ["For TLS write https:// before its address", "h2c://"]),
    ],
)
async def test_a_backend_that_has_never_answered_may_speak_another_protocol(
    behaviour: Callable[[Raw], Awaitable[None]], words: list[str]
) -> None:
    async with origin(behaviour) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get("/", JSON))
        hint = json.loads((await client.answer()).body)["hint"]
        assert all(word in hint for word in words)
        assert "start the process" not in hint


async def test_one_that_has_answered_is_not_suspected_of_that() -> None:
    async with origin(once(OK), closes) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get("/", JSON))
        assert (await client.answer()).status == 200
        client = await house.client()
        await client.send(get("/", JSON))
        assert "TLS" not in (await client.answer()).body.decode()


async def test_a_503_tells_in_which_state_each_backend_is() -> None:
    async with origin() as backend, running(backend, ours=True, up=False) as house:
        house.registry.move(process_of(house.backends[0]), Move.LAUNCH)
        house.registry.move(
            process_of(house.backends[0]), Move.GAVE_UP, reason="exited with status 1"
        )
        client = await house.client()
        await client.send(get("/", JSON))
        found = json.loads((await client.answer()).body)
        assert found["status"] == 503
        assert found["backends"][0]["state"] == "failed"
        assert found["backends"][0]["last_error"] == "exited with status 1"


async def test_a_502_for_an_answer_that_cannot_be_sent_on_says_why() -> None:
    async with origin(once(b"Unauthorized")) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get("/", JSON))
        found = json.loads((await client.answer()).body)
        assert "speaks something else, not HTTP/1.1" in found["detail"]
        assert house.backends[0].counts.errors == 1


async def test_a_backend_that_takes_no_connection_in_time_is_a_504() -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for other in (first, second):  # Linux takes one more than it was told
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        async with running(full.getsockname()[1], timeouts=Timeouts(connect=0.1)) as house:
            client = await house.client()
            await client.send(get())
            assert (await client.answer()).status == 504
            assert not house.backends[0].in_rotation


class NoNames(trio.abc.HostnameResolver):
    """A resolver that knows nobody."""

    async def getaddrinfo(self, *_: object, **__: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def getnameinfo(self, *_: object) -> NoReturn:
        raise NotImplementedError


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_backend_whose_name_nobody_knows_is_a_502_that_says_so(method: str) -> None:
    before = trio.socket.set_custom_hostname_resolver(NoNames())
    try:
        async with running(3000, name="nobody.example") as house:
            client = await house.client()
            await client.send(get("/", JSON, method=method))
            answer = await client.answer()
            assert answer.status == 502
            assert "can't be resolved" in json.loads(answer.body)["detail"]
            assert not house.backends[0].in_rotation
    finally:
        trio.socket.set_custom_hostname_resolver(before)


async def test_a_websocket_to_a_dead_backend_is_a_502_and_the_client_may_ask_again() -> None:
    with refusing() as port:
        async with running(port) as house:
            client = await house.client()
            for _ in range(2):
                await client.send(get("/", "Upgrade: websocket", "Connection: Upgrade"))
                answer = await client.answer()
                assert (answer.status, answer.field("upgrade")) == (502, None)


@pytest.mark.parametrize("fields", [(), ("Upgrade: websocket", "Connection: Upgrade")])
async def test_a_backend_that_sends_requests_back_here_is_found_out(fields: tuple[str]) -> None:
    """RFC 8586: as a dev server's own proxy does, without `changeOrigin`."""
    asked = 0

    async def sends_back(raw: Raw) -> None:
        nonlocal asked
        while (request := await raw.request()) is not None:
            asked += 1
            again = await house.client()
            await again.send(request)
            answer = await again.answer()
            await raw.send(answer.head + answer.body)

    async with origin(sends_back) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get("/", JSON, *fields))
        answer = await client.answer()
        assert answer.status == 508
        assert "changeOrigin" in json.loads(answer.body)["hint"]
        assert asked == 5


async def test_a_404_lists_the_hosts_that_are_known_and_escapes_the_one_that_is_not() -> None:
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        request = get("/", "Accept: text/html").replace(HOST.encode(), b"a&b'<x>.test")
        await client.send(request)
        assert (await client.answer()).status == 400  # `<` is in no host name
        client = await house.client()
        await client.send(request.replace(b"<x>", b""))
        answer = await client.answer()
        assert answer.status == 404
        assert b"a&amp;b&#x27;" in answer.body
        assert f'href="http://{HOST}:{house.port}"'.encode() in answer.body
        assert answer.field("content-type") == "text/html; charset=utf-8"


@pytest.mark.parametrize("host", [HOST, "other.localhost"])
async def test_a_page_for_head_has_a_length_and_no_body_and_the_connection_stays(host: str) -> None:
    with refusing() as port:
        async with running(port) as house:
            client = await house.client()
            for _ in range(2):
                await client.send(get(method="HEAD").replace(HOST.encode(), host.encode()))
                answer = await client.answer("HEAD")
                assert answer.status == (502 if host == HOST else 404)
                assert int(answer.field("content-length") or "0") > 50
            assert not client.buffer


async def test_after_a_page_the_same_connection_takes_the_next_request() -> None:
    async with origin(closes, answers(OK)) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        assert (await client.answer()).status == 502
        await client.send(get())
        assert (await client.answer()).body == b"ok"


async def test_a_page_reaches_a_client_that_is_still_sending_a_large_body() -> None:
    with refusing() as port:
        async with running(port) as house:
            client = await house.client()
            size = 3_000_000
            await client.send(get("/", f"Content-Length: {size}", method="PATCH"))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(client.send, b"x" * size)
                answer = await client.answer()
            assert (answer.status, answer.whole) == (502, True)
            assert await client.ended() == "closed"


async def test_a_page_in_a_browser_waits_for_a_backend_that_is_coming() -> None:
    async with running(1, hold=0, ours=True, up=False) as house:
        client = await house.client()
        (backend,) = house.backends
        house.registry.move(process_of(backend), Move.STOP)
        backend.blame("killed by SIGTERM")
        await client.send(get("/", "Accept: text/html"))
        page = (await client.answer()).body
        assert b"location.reload" not in page
        assert b"SIGTERM" not in page  # its user has stopped it
        assert b"<code>rpx why api:1</code>" in page
        house.registry.move(process_of(backend), Move.LAUNCH)
        await client.send(get("/", "Accept: text/html"))
        page = (await client.answer()).body
        assert b"location.reload" in page
        assert b"SIGTERM" in page
