"""Connections of HTTP/2: how they end, from either side, and what of their streams then."""

from __future__ import annotations

import trio
from h2.errors import ErrorCodes

from rpx.model.own_settings import Timeouts
from tests.proxy.h2_client import Got, asked, client
from tests.proxy.house import HOST, running
from tests.support.origin import OK, answers, never, origin

HEAD = [(":method", "GET"), (":scheme", "https"), (":authority", HOST), (":path", "/")]


async def test_a_client_that_leaves_ends_everything_that_is_under_way_for_it() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        ends = []
        for _ in range(3):
            await peer.ask()
            ends.append(await backend.accept())
            await asked(ends[-1])
        peer.sock.close()
        for end in ends:
            assert await end.ended() == "closed"
        await house.idle()
        assert house.backends[0].counts.errors == 0


async def test_a_connection_without_streams_ends_politely_when_it_has_been_idle() -> None:
    async with origin(answers(OK)) as backend:
        async with running(backend, timeouts=Timeouts(idle=0.05)) as house, client(house) as peer:
            number = await peer.ask()
            assert (await peer.answer(number)).status == 200
            assert await peer.goaway() == (number, ErrorCodes.NO_ERROR)
            await peer.end()


async def test_a_stream_under_way_is_no_idleness() -> None:
    async with origin() as backend:
        async with running(backend, timeouts=Timeouts(idle=0.05)) as house, client(house) as peer:
            number = await peer.ask()
            end = await backend.accept()
            await trio.sleep(1.2)  # longer than the sweeper's longest nap
            await end.send(OK)
            assert (await peer.answer(number)).status == 200


async def test_an_upload_that_stops_is_ended() -> None:
    async with origin(never) as backend:
        async with running(backend, timeouts=Timeouts(body=0.05)) as house, client(house) as peer:
            got = await peer.answer(await peer.ask(method="POST", end=False))
            assert (got.ended, got.reset) == (False, ErrorCodes.INTERNAL_ERROR)


async def test_rpx_goes_down_when_streams_under_way_have_ended() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask()
        end = await backend.accept()
        await asked(end)
        house.stop()
        assert await peer.goaway() == (2**31 - 1, ErrorCodes.NO_ERROR)
        assert await peer.goaway() == (number, ErrorCodes.NO_ERROR)
        late = await peer.ask()
        assert (await peer.answer(late)).reset == ErrorCodes.REFUSED_STREAM
        await end.send(OK)
        got = await peer.answer(number)
        assert (got.status, got.body, got.ended) == (200, b"ok", True)
        await peer.end()
        assert peer.goaways == [(number, ErrorCodes.NO_ERROR)]
        peer.sock.close()
        with trio.fail_after(1):
            await house.done.wait()


async def test_no_goaway_names_a_later_stream_than_one_before_it() -> None:
    """RFC 9113 §6.8, also where the client errs after it was told to go."""
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask()
        await asked(await backend.accept())
        house.stop()
        assert await peer.goaway() == (2**31 - 1, ErrorCodes.NO_ERROR)
        assert await peer.goaway() == (number, ErrorCodes.NO_ERROR)
        late = await peer.ask()
        assert (await peer.answer(late)).reset == ErrorCodes.REFUSED_STREAM
        await peer.raw(bytes.fromhex("000000040000000001"))  # SETTINGS of a stream
        assert await peer.goaway() == (number, ErrorCodes.PROTOCOL_ERROR)
        await peer.end()
        assert not peer.goaways


async def test_rpx_goes_down_at_once_when_nothing_is_under_way() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house, client(house) as peer:
        await peer.answer(await peer.ask())
        house.stop()
        assert (await peer.goaway())[1] == ErrorCodes.NO_ERROR
        await peer.end()
        peer.sock.close()
        with trio.fail_after(1):
            await house.done.wait()


async def test_a_goaway_of_the_client_leaves_it_its_answers() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask()
        end = await backend.accept()
        await peer.raw(bytes.fromhex("0000080700000000000000000000000000"))
        await peer.raw(bytes.fromhex("0000080600000000000000000000000000"))  # a ping behind it
        await asked(end)
        await end.send(OK)
        assert (await peer.answer(number)).body == b"ok"


async def test_more_clients_than_allowed_get_a_503_and_a_goaway() -> None:
    async with origin(answers(OK)) as backend:
        async with running(backend) as house, client(house, surplus=True) as peer:
            number = await peer.ask()
            assert (await peer.answer(number)).status == 503
            assert await peer.goaway() == (number, ErrorCodes.NO_ERROR)
            await peer.end()


async def test_of_a_client_too_many_one_stream_is_answered_and_none_is_claimed_to_be() -> None:
    async with origin(answers(OK)) as backend:
        async with running(backend) as house, client(house, surplus=True) as peer:
            await peer.settled()
            for number in (1, 3, 5):
                peer.streams[number] = Got()
                peer.h2.send_headers(number, HEAD, end_stream=True)
            await peer.flush()
            await peer.end()
            assert peer.streams[1].status == 503
            assert [peer.streams[n].reset for n in (3, 5)] == [ErrorCodes.REFUSED_STREAM] * 2
            assert {last for last, _ in peer.goaways} == {1}
