"""However the ends of a stream's two sides fall, it is over once, and its connection goes on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

import pytest

from rpx.http import frames
from rpx.http.frames import ConnectionFault
from tests.http.h2_conformance import SUM, data, head, posts, reset
from tests.http.h2_sessions import OK, PING, said, server

ENDS = {"data": data(1, b"", frames.END_STREAM), "trailers": head(1, SUM), "reset": reset(1)}


def orders(ours: int, theirs: int) -> Iterator[list[bool]]:
    """Yield each order of so many steps of two sides; True: a step of ours."""
    for places in combinations(range(ours + theirs), ours):
        yield [at in places for at in range(ours + theirs)]


def test_a_stream_is_over_once_in_whatever_order_its_sides_end() -> None:
    for how, reset_by_us, order in product(ENDS, (False, True), orders(3, 2)):
        session, notes = server()
        session.feed(posts(1), 0.0)
        stream = notes.streams[1]
        came = iter((data(1), ENDS[how]))
        steps = iter(("head", "data", "reset" if reset_by_us else "end"))
        for our_turn in order:
            if not our_turn:
                session.feed(next(came), 0.0)
            elif ("reset", 1, frames.CANCEL, False) not in notes.told:
                step = next(steps)  # (Nobody says anything on a stream that was reset.)
                if step == "head":
                    session.say_head(stream, OK, end=False)
                elif step == "data":
                    session.say_data(stream, b"x", end=False)
                elif step == "end":
                    session.say_data(stream, b"", end=True)
                else:
                    session.say_reset(stream, frames.CANCEL)
        told = f"{how}, {reset_by_us}, {order}: {notes.told}"
        ends = [
            kind == frames.RST_STREAM or flags & frames.END_STREAM
            for kind, flags, number, _ in said(session)
            if number == 1 and kind != frames.WINDOW_UPDATE
        ]
        assert not session.streams, told
        assert not any(ends[:-1]), told
        session.feed(PING + head(3), 0.0)
        assert said(session) == [(frames.PING, frames.ACK, 0, bytes(8))], told
        assert notes.told[-1][0] == "request", told


def test_frames_behind_an_end_are_refused_once_and_the_stream_stays_over() -> None:
    for end, late in product(ENDS, (data(1), head(1, SUM), reset(1))):
        session, notes = server()
        session.feed(posts(1) + ENDS[end], 0.0)
        before = len(notes.told)
        if end == "reset" and late == head(1, SUM):
            with pytest.raises(ConnectionFault):
                session.feed(late, 0.0)
            continue
        session.feed(late, 0.0)
        assert [kind for kind, *_ in said(session)] in ([], [frames.RST_STREAM])
        assert [each[0] for each in notes.told[before:]] in ([], ["reset"])
        assert not session.streams
