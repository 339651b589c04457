"""HTTP/2 to backends: requests share connections, and each is one as ever."""

from __future__ import annotations

from h2.errors import ErrorCodes

from rpx.model.address import Address
from rpx.model.own_settings import Timeouts
from tests.proxy.h2_client import client
from tests.proxy.house import get, post, put, running
from tests.support.h2_origin import h2_origin
from tests.support.origin import OK, answers
from tests.support.origin import origin as origin_of_http_1
from tests.support.raw import Raw, background


async def test_a_get_reaches_a_backend_as_fields_and_its_answer_comes_back() -> None:
    async with h2_origin() as origin, running(origin.address) as house:
        raw = await house.client()
        await raw.send(get("/a?b", "X-One: 1"))
        peer = await origin.accept()
        asked = await peer.whole()
        assert asked.head[":method"] == "GET"
        assert asked.head[":path"] == "/a?b"
        assert asked.head[":authority"] == "api.localhost"
        assert asked.head[":scheme"] == "http"
        assert asked.head["x-one"] == "1"
        assert asked.head["x-forwarded-proto"] == "http"
        assert not asked.head.keys() & {"host", "connection", "content-length"}
        await peer.answer(asked, b"hello")
        got = await raw.answer()
        assert (got.status, got.body, got.whole) == (200, b"hello", True)


async def test_requests_of_all_kinds_share_one_connection() -> None:
    async with h2_origin() as origin, running(origin.address) as house:
        first, second = await house.client(), await house.client()
        await first.send(get("/1"))
        peer = await origin.accept()
        one = await peer.whole()
        await second.send(post("/2", "hello"))
        two = await peer.whole()
        assert (two.body, two.head["content-length"]) == (b"hello", "5")
        async with client(house) as third:
            number = await third.ask("/3", method="POST", body=b"abc")
            three = await peer.whole()
            assert three.body == b"abc"
            for asked in (three, two, one):
                await peer.answer(asked, asked.head[":path"].encode())
            assert (await third.answer(number)).body == b"/3"
        assert (await second.answer()).body == b"/2"
        assert (await first.answer()).body == b"/1"


async def test_trailers_go_both_ways_and_so_does_an_answer_that_is_only_a_head() -> None:
    async with h2_origin() as origin, running(origin.address) as house, client(house) as end:
        peer_asks = await end.ask("/a", ("te", "trailers"), method="POST", body=b"x")
        peer = await origin.accept()
        asked = await peer.whole()
        assert asked.head["te"] == "trailers"
        await peer.answer(asked, b"ok", [("grpc-status", "0")])
        got = await end.answer(peer_asks)
        assert (got.body, got.trailers) == (b"ok", [(b"grpc-status", b"0")])
        assert b"content-length" not in got.head
        number = await end.ask("/b", ("te", "trailers"), method="POST", body=b"x")
        head = [(":status", "200"), ("grpc-status", "5")]
        await peer.head(await peer.whole(), head, end=True)
        got = await end.answer(number)
        assert (got.head[b"grpc-status"], got.body, got.trailers) == (b"5", b"", [])


async def test_a_connection_that_dies_takes_its_posts_with_it_and_not_its_gets() -> None:
    async with h2_origin() as origin, running(origin.address) as house:
        one, two = await house.client(), await house.client()
        await one.send(get("/1"))
        peer = await origin.accept()
        await peer.answer(await peer.whole())
        assert (await one.answer()).status == 200
        await one.send(get("/2"))
        await peer.whole()
        await two.send(post("/3"))
        await peer.whole()
        peer.close()
        async with origin.answering():
            assert (await two.answer()).status == 502
            assert (await one.answer()).status == 200


async def test_what_a_backend_has_not_seen_goes_to_it_again_whatever_the_method() -> None:
    """RFC 9113 §6.8: above the last stream of a GOAWAY."""
    async with h2_origin() as origin, running(origin.address) as house:
        one, two = await house.client(), await house.client()
        await one.send(get("/1"))
        peer = await origin.accept()
        await peer.answer(await peer.whole())
        assert (await one.answer()).status == 200
        await one.send(get("/2"))
        seen = await peer.whole()
        await two.send(post("/3", "hello"))
        await peer.whole()
        await peer.goaway(seen.number)
        another = await origin.accept()
        again = await another.whole()
        assert (again.head[":path"], again.body) == ("/3", b"hello")
        await another.answer(again)
        assert (await two.answer()).status == 200
        await peer.answer(seen)  # which goes on
        assert (await one.answer()).status == 200
        await peer.end()
        assert house.backends[0].counts.errors == 0


async def test_a_stream_that_is_refused_goes_to_the_next_backend_whatever_the_method() -> None:
    async with h2_origin() as origin, h2_origin() as other:
        async with running(origin.address, other.address) as house, other.answering():
            raw = await house.client()
            await raw.send(post("/1", "hello"))
            peer = await origin.accept()
            await peer.reset(await peer.whole(), ErrorCodes.REFUSED_STREAM)
            assert (await raw.answer()).status == 200


async def test_a_connection_that_is_full_gets_another_one_beside_it() -> None:
    async with h2_origin(streams=2) as origin, running(origin.address) as house:
        clients = [await house.client() for _ in range(3)]
        for each in clients:
            await each.send(get())
        first = await origin.accept()
        asked = [await first.whole(), await first.whole()]
        second = await origin.accept()
        third = await second.whole()
        for one in asked:
            await first.answer(one)
        await second.answer(third)
        assert [(await each.answer()).status for each in clients] == [200] * 3


async def test_who_does_not_speak_it_is_told_apart_and_sees_no_request() -> None:
    async with origin_of_http_1(answers(OK)) as backend:
        address = Address("127.0.0.1", backend.port, h2c=True)
        async with running(address) as house:
            raw = await house.client()
            await raw.send(post())
            got = await raw.answer()
            assert got.status == 502
            assert b"HTTP/1.1" in got.body


async def test_a_stream_whose_client_leaves_is_reset_and_the_others_go_on() -> None:
    async with h2_origin() as origin, running(origin.address) as house, client(house) as end:
        gone, stays = await end.ask("/1"), await end.ask("/2")
        peer = await origin.accept()
        both = [await peer.whole(), await peer.whole()]
        first, second = sorted(both, key=lambda asked: asked.head[":path"])
        end.h2.reset_stream(gone, ErrorCodes.CANCEL)
        await end.flush()
        await peer.until(lambda: first.reset is not None, "no reset")
        assert first.reset == ErrorCodes.CANCEL
        await peer.answer(second)
        assert (await end.answer(stays)).status == 200


async def test_a_large_body_goes_up_and_another_comes_down_as_they_are_taken() -> None:
    body = bytes(range(256)) * 16_384  # 4 MB
    async with h2_origin() as origin, running(origin.address) as house, background() as nursery:
        raw = await house.client()
        nursery.start_soon(raw.send, put(body) + body)
        peer = await origin.accept()
        asked = await peer.whole()
        nursery.start_soon(peer.answer, asked, body)
        got = await raw.answer()
        assert (got.whole, got.body == body) == (True, True)


async def test_a_reset_within_an_answer_is_no_end_of_it() -> None:
    async with h2_origin() as origin, running(origin.address) as house, client(house) as end:
        raw = await house.client()
        await raw.send(get())
        number = await end.ask()
        peer = await origin.accept()
        for asked in (await peer.whole(), await peer.whole()):
            await peer.head(asked)
            await peer.data(asked, b"some")
            await peer.reset(asked, ErrorCodes.INTERNAL_ERROR)
        assert not (await raw.answer()).whole
        assert (await end.answer(number)).reset == ErrorCodes.INTERNAL_ERROR


async def test_a_connection_that_nobody_needs_is_closed() -> None:
    timeouts = Timeouts(upstream_idle=0.05)
    async with h2_origin() as origin, running(origin.address, timeouts=timeouts) as house:
        raw = await house.client()
        await raw.send(get())
        peer = await origin.accept()
        await peer.answer(await peer.whole())
        assert (await raw.answer()).status == 200
        await peer.end()


async def test_a_websocket_is_asked_for_by_http_1_and_refused_where_that_is_not_spoken() -> None:
    upgrade = get("/", "Upgrade: websocket", "Connection: upgrade")
    async with origin_of_http_1() as backend:
        async with running(Address("127.0.0.1", backend.port, h2c=True)) as house:
            raw = await house.client()
            await raw.send(upgrade)
            end = await backend.accept()
            assert (await end.request() or b"").startswith(b"GET / HTTP/1.1")
            await end.send(b"\0\0\0\4\0\0\0\0\0")  # as a server of HTTP/2 alone
            got = await raw.answer()
            assert got.status == 502
            assert b"has no WebSockets here" in got.body
            assert house.backends[0].last_error == ""


async def test_who_closes_before_a_word_is_not_said_to_speak_something_else() -> None:
    async def leaves(raw: Raw) -> None:
        raw.close()

    async with origin_of_http_1(leaves) as bad, h2_origin() as good:
        address = Address("127.0.0.1", bad.port, h2c=True)
        async with running(address, good.address) as house:
            raw = await house.client()
            await raw.send(post())
            peer = await good.accept()
            await peer.answer(await peer.whole(), b"ok")
            assert (await raw.answer()).body == b"ok"
            assert house.backends[0].last_error == "closed the connection before it spoke"
