"""HTTP/2 to clients: each stream has an exchange of its own, and HTTP/2's own words are kept."""

from __future__ import annotations

import pytest
import trio
from h2.errors import ErrorCodes

from rpx.http import framing
from rpx.http.answer_head import AnswerHead
from rpx.proxy import stream_wire
from tests.proxy.h2_client import asked, client
from tests.proxy.house import running, until
from tests.support.bench import process_of
from tests.support.origin import OK, answers, closes, origin, says
from tests.support.raw import SOON


async def test_a_get_reaches_a_backend_as_http_1_and_its_answer_comes_back() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask("/a?b", ("x-one", "1"))
        end = await backend.accept()
        request = await asked(end)
        assert request.startswith(b"GET /a?b HTTP/1.1\r\nHost: api.localhost\r\nx-one: 1\r\n")
        assert b"X-Forwarded-Proto: https\r\n" in request
        assert b"\r\nConnection:" not in request
        assert b"\r\nContent-Length:" not in request
        assert b"\r\nTransfer-Encoding:" not in request
        await end.send(OK)
        got = await peer.answer(number)
        assert (got.status, got.body, got.ended, got.reset) == (200, b"ok", True, None)
        assert b"connection" not in got.head


async def test_no_answer_to_it_is_written_as_http_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(AnswerHead, "lines")
    monkeypatch.delattr(framing, "encode_chunk")
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-a: 1\r\n\r\n"
    async with origin(answers(chunks)) as backend, running(backend) as house:
        async with client(house) as peer:
            got = await peer.answer(await peer.ask())
            assert got.trailers == [(b"x-a", b"1")]
            assert (got.status, got.body, got.ended) == (200, b"abc", True)
            page = await peer.answer(await peer.ask(host="nobody.localhost"))
            assert (page.status, page.ended) == (404, True)


async def test_streams_are_answered_side_by_side_and_a_slow_one_keeps_none_waiting() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        slow = await peer.ask("/slow")
        first = await backend.accept()
        await asked(first)
        quick = [await peer.ask(f"/{n}") for n in range(3)]
        for _ in quick:
            end = await backend.accept()
            await end.send(says((await asked(end)).split()[1].decode()))
        for n, number in enumerate(quick):
            assert (await peer.answer(number)).body == b"/%d" % n
        await first.send(OK)
        assert (await peer.answer(slow)).body == b"ok"


async def test_a_body_with_a_length_keeps_it_and_one_without_is_counted_if_it_has_ended() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        told = await peer.ask("/", ("content-length", "5"), method="POST", body=b"hello")
        end = await backend.accept()
        request = await asked(end)
        assert request.endswith(b"\r\n\r\nhello")
        assert b"content-length: 5\r\n" in request
        await end.send(OK)
        assert (await peer.answer(told)).status == 200
        untold = await peer.ask("/", method="POST", body=b"hello")
        end = await backend.accept()
        request = await asked(end)
        assert b"\r\nContent-Length: 5\r\n" in request
        assert b"Transfer-Encoding" not in request
        assert request.endswith(b"\r\n\r\nhello")
        await end.send(OK)
        assert (await peer.answer(untold)).status == 200


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "PUT"])
async def test_a_request_that_ends_with_no_data_has_no_body(method: str) -> None:
    async with origin(answers(OK)) as backend, running(backend) as house, client(house) as peer:
        await peer.answer(await peer.ask(method=method, body=b""))
        assert b"Transfer-Encoding" not in backend.requests[0]
        told = b"\r\nContent-Length: 0\r\n" in backend.requests[0]
        assert told == (method in {"POST", "PUT"})


async def test_a_small_body_that_comes_in_pieces_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_wire, "MOMENT", SOON)
    async with origin(answers(OK)) as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask(method="POST", end=False)
        for piece in (b"hel", b"lo", b""):
            await peer.settled()
            peer.h2.send_data(number, piece, end_stream=not piece)
            await peer.flush()
        assert (await peer.answer(number)).status == 200
        assert b"\r\nContent-Length: 5\r\n" in backend.requests[0]
        assert backend.requests[0].endswith(b"\r\n\r\nhello")


async def test_a_body_that_goes_on_is_chunked() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask(method="POST", end=False)
        peer.h2.send_data(number, b"hello")
        await peer.flush()
        end = await backend.accept()
        assert b"\r\nTransfer-Encoding: chunked\r\n" in await end.until(b"\r\n\r\n")
        assert await end.until(b"hello\r\n") == b"5\r\nhello\r\n"
        peer.h2.end_stream(number)
        await peer.flush()
        assert await end.take(5) == b"0\r\n\r\n"
        await end.send(OK)
        assert (await peer.answer(number)).status == 200


async def test_a_post_without_a_body_says_so() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house, client(house) as peer:
        await peer.answer(await peer.ask(method="POST"))
        assert b"\r\nContent-Length: 0\r\n" in backend.requests[0]


async def test_an_upload_flows_as_the_backend_takes_it_and_is_credited_no_sooner() -> None:
    async with origin(window=4096) as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask(method="POST", end=False)
        size, sent, credit = 12_000_000, 0, True
        while credit and sent < size:
            sent += peer.fill(number, size - sent)
            await peer.flush()
            with trio.move_on_after(0.1) as wait:
                await peer.until(lambda: peer.h2.local_flow_control_window(number))
            credit = not wait.cancelled_caught
        assert sent < size / 2  # nobody reads: what the kernel takes, and one window
        end = await backend.accept()
        await end.until(b"\r\n\r\n")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end._chunks)
            while sent < size:
                await peer.until(lambda: peer.h2.local_flow_control_window(number), "no credit")
                sent += peer.fill(number, size - sent)
                await peer.flush()
            peer.h2.end_stream(number)
            await peer.flush()
        await end.send(OK)
        assert (await peer.answer(number)).status == 200


async def test_a_client_that_takes_no_more_of_one_stream_gets_the_others() -> None:
    large = says("x" * 3_000_000)
    async with (
        origin(answers(large), answers(OK)) as backend,
        running(backend) as house,
        client(house) as peer,
    ):
        peer.h2.increment_flow_control_window(10_000_000)  # of the connection
        peer.acknowledges = False
        stuck = await peer.ask("/large")
        await peer.until(lambda: len(peer.streams[stuck].body) == 65535, "the window isn't used")
        for _ in range(3):
            assert (await peer.answer(await peer.ask("/small"))).status == 200
        assert len(peer.streams[stuck].body) == 65535
        peer.h2.increment_flow_control_window(10_000_000, stuck)
        await peer.flush()
        assert len((await peer.answer(stuck)).body) == 3_000_000


async def test_large_answers_take_turns() -> None:
    large = says("x" * 1_000_000)
    async with (
        origin(answers(large)) as backend,
        running(backend) as house,
        client(house) as peer,
    ):
        numbers = [await peer.ask() for _ in range(5)]
        for number in numbers:
            got = await peer.answer(number)
            assert (len(got.body), got.ended) == (1_000_000, True)


async def test_cookies_that_came_apart_are_one_line() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house, client(house) as peer:
        await peer.answer(await peer.ask("/", ("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")))
        assert b"\r\ncookie: a=1; b=2\r\n" in backend.requests[0]
        assert backend.requests[0].count(b"cookie") == 1


async def test_set_cookie_lines_stay_apart_and_upgrade_and_alt_svc_stay_here() -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nUpgrade: h2c\r\n"
        b"Connection: Upgrade, x-hop\r\nX-Hop: 1\r\nAlt-Svc: h3\r\nUpgrade: foo\r\n"
        b"Keep-Alive: timeout=9\r\nContent-Length: 0\r\n\r\n"
    )
    async with origin(answers(answer)) as backend, running(backend) as house, client(house) as peer:
        got = await peer.answer(await peer.ask())
        names = [name for name, _ in got.fields]
        assert names == [b":status", b"set-cookie", b"set-cookie", b"content-length", b"date"]


@pytest.mark.parametrize(
    ("method", "answer", "length"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"5"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", None),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"5"),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"0"),
    ],
)
async def test_an_answer_without_a_body_ends_with_its_head(
    method: str, answer: bytes, length: bytes | None
) -> None:
    async with origin(answers(answer)) as backend, running(backend) as house, client(house) as peer:
        got = await peer.answer(await peer.ask(method=method))
        assert (got.ended, got.reset, got.body) == (True, None, b"")
        assert got.head.get(b"content-length") == length
        assert b"transfer-encoding" not in got.head


async def test_early_hints_come_before_the_answer() -> None:
    answer = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + OK
    async with origin(answers(answer)) as backend, running(backend) as house, client(house) as peer:
        got = await peer.answer(await peer.ask())
        assert got.interim == [{b":status": b"103", b"link": b"</a.css>"}]
        assert (got.status, b"link" in got.head) == (200, False)


async def test_trailers_go_both_ways() -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
        b"X-Sum: 7\r\nContent-Length: 1\r\n\r\n"
    )
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask("/", ("te", "trailers"), method="POST", end=False)
        peer.h2.send_data(number, b"hello")
        peer.h2.send_headers(number, [(b"x-more", b"1"), (b"host", b"no")], end_stream=True)
        await peer.flush()
        end = await backend.accept()
        await end.until(b"\r\n0\r\n")
        assert await end.until(b"\r\n\r\n") == b"x-more: 1\r\n\r\n"
        await end.send(answer)
        got = await peer.answer(number)
        assert (got.body, got.trailers, got.ended) == (b"ok", [(b"x-sum", b"7")], True)


async def test_an_answer_before_the_end_of_the_request_is_complete_and_stops_it() -> None:
    answer = b"HTTP/1.1 413 Too Much\r\nContent-Length: 3\r\n\r\nno!"
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask(method="POST", end=False)
        end = await backend.accept()
        await end.until(b"\r\n\r\n")
        await end.send(answer)
        got = await peer.answer(number)
        await peer.until(lambda: got.reset is not None, "the rest is still wanted")
        assert (got.status, got.body, got.ended, got.reset) == (413, b"no!", True, 0)
        after = await peer.ask()  # the connection is as good as before
        await (await backend.accept()).send(OK)
        assert (await peer.answer(after)).status == 200


async def test_a_client_waits_for_the_continue_of_the_backend() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        fields = (("expect", "100-continue"), ("content-length", "2"))
        number = await peer.ask("/", *fields, method="POST", end=False)
        end = await backend.accept()
        assert b"expect: 100-continue" in await end.until(b"\r\n\r\n")
        await end.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.until(lambda: peer.streams[number].interim, "no 100")
        peer.h2.send_data(number, b"hi", end_stream=True)
        await peer.flush()
        assert await end.take(2) == b"hi"
        await end.send(OK)
        assert (await peer.answer(number)).status == 200


async def test_a_client_that_resets_a_stream_frees_its_backend_at_once_and_blames_nobody() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask()
        end = await backend.accept()
        await asked(end)
        peer.h2.reset_stream(number, ErrorCodes.CANCEL)
        await peer.flush()
        with trio.fail_after(0.1 * SOON):
            assert await end.ended() == "closed"
        await house.idle()
        counts = house.backends[0].counts
        assert (counts.errors, counts.abandoned) == (0, 1)
        assert house.backends[0].in_rotation


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    ],
)
@pytest.mark.parametrize("reset", [False, True])
async def test_an_answer_that_broke_off_never_looks_complete(answer: bytes, reset: bool) -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask()
        end = await backend.accept()
        await asked(end)
        await end.send(answer)
        await peer.until(lambda: peer.streams[number].body == b"ok", "no beginning")
        if reset:
            end.reset()
        else:
            end.close()
        got = await peer.answer(number)
        assert (got.ended, got.reset) == (False, ErrorCodes.INTERNAL_ERROR)


async def test_a_request_is_retried_as_ever() -> None:
    async with origin(closes) as dead, origin(answers(OK)) as alive:
        async with running(dead, alive) as house, client(house) as peer:
            assert (await peer.answer(await peer.ask())).status == 200
            assert (len(dead.requests), len(alive.requests)) == (1, 1)


async def test_a_request_is_held_until_its_backend_is_back_and_let_go_when_the_client_goes() -> (
    None
):
    async with origin(answers(OK)) as backend:
        async with running(backend, ours=True, up=False) as house, client(house) as peer:
            from rpx.policy.lifecycle import Move

            house.registry.move(process_of(house.backends[0]), Move.LAUNCH)
            gone, held = await peer.ask("/gone"), await peer.ask("/held")
            await until(lambda: house.pool.waiting == 2, "nobody waits")
            peer.h2.reset_stream(gone, ErrorCodes.CANCEL)
            await peer.flush()
            await until(lambda: house.pool.waiting == 1, "it still waits")
            house.registry.judge(house.backends[0], Move.PROBE_UP)
            assert (await peer.answer(held)).status == 200
            assert [r.split()[1] for r in backend.requests] == [b"/held"]


async def test_sessions_stick() -> None:
    from rpx.model.config import Sticky

    async with origin(answers(OK)) as one, origin(answers(OK)) as two:
        async with running(one, two, sticky=Sticky()) as house, client(house) as peer:
            got = await peer.answer(await peer.ask())
            cookie = got.head[b"set-cookie"].decode()
            assert "; Secure" in cookie
            for _ in range(3):
                crumb = ("cookie", cookie.partition(";")[0])
                await peer.answer(await peer.ask("/", ("cookie", "x=1"), crumb))
            assert sorted((len(one.requests), len(two.requests))) == [0, 4]
