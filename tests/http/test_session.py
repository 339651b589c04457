"""A session of HTTP/2 takes frames apart however they come, and bounds what they can do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.http import frames
from rpx.http.calm import BURST, RATE
from rpx.http.frame_writer import KEPT
from rpx.http.frames import ConnectionFault, frame
from rpx.http.session import AT_ONCE, PIECES
from tests.http.h2_sessions import (
    GET,
    HEAD,
    OK,
    PING,
    SETTINGS,
    TOTAL,
    WINDOW,
    StreamNotes,
    asking,
    data,
    fed,
    request,
    said,
    server,
    talk,
)

CALM = frames.ENHANCE_YOUR_CALM
TRAILERS = ((b"x-sum", b"1"),)
RESET = frame(frames.RST_STREAM, 0, 1, bytes(3) + b"\x08")


def window_update(number: int, size: int) -> bytes:
    return frame(frames.WINDOW_UPDATE, 0, number, size.to_bytes(4, "big"))


def resets(number: int, code: int) -> tuple[int, int, int, bytes]:
    return frames.RST_STREAM, 0, number, code.to_bytes(4, "big")


@given(st.lists(st.integers(1, 60), max_size=30))
def test_how_the_bytes_are_cut_does_not_matter(cuts: list[int]) -> None:
    head = request(1, end=False)
    split = frame(frames.HEADERS, 0, 3, head[9:19]) + frame(
        frames.CONTINUATION, frames.END_HEADERS, 3, head[19:]
    )
    padded = frame(frames.DATA, frames.PADDED, 1, b"\x02def\0\0")
    came = frames.PREFACE + SETTINGS + head + data(1, b"abc") + PING + split + padded
    came += request(1, TRAILERS) + frame(77, 255, 9, b"?") + data(3, b"", end=True)
    session, notes = server(begun=False)
    at = 0
    for cut in [*cuts, len(came)]:
        session.feed(came[at : at + cut], 0.0)
        at += cut
    assert not session.within
    assert notes.told == [
        ("settings",),
        ("request", 1, GET, False),
        ("data", 1, b"abc"),
        ("request", 3, GET, False),
        ("data", 1, b"def"),
        ("end", 1, TRAILERS),
        ("end", 3, ()),
    ]


@pytest.mark.parametrize(
    ("standing", "kind", "code"),
    [
        ("idle", "data", frames.PROTOCOL_ERROR),
        ("idle", "reset", frames.PROTOCOL_ERROR),
        ("idle", "window", frames.PROTOCOL_ERROR),
        ("ended", "data", -frames.STREAM_CLOSED),
        ("ended", "head", -frames.STREAM_CLOSED),
        ("ended", "window", None),
        ("ended", "reset", None),
        ("closed", "data", -frames.STREAM_CLOSED),
        ("closed", "head", frames.STREAM_CLOSED),
        ("closed", "window", None),
        ("closed", "reset", None),
        ("reset", "data", None),
        ("reset", "head", None),
        ("reset", "window", None),
        ("reset", "reset", None),
        ("open", "data", None),
        ("open", "head", None),
        ("open", "window", None),
        ("open", "reset", None),
    ],
)
def test_what_may_come_depends_on_how_a_stream_stands(
    standing: str, kind: str, code: int | None
) -> None:
    """The table of RFC 9113 §5.1. A code below 0 ends the stream alone."""
    session, notes = server()
    if standing != "idle":
        session.feed(request(1, end=standing in {"ended", "closed"}), 0.0)
        if standing == "closed":
            session.say_head(notes.streams[1], OK, end=True)
        elif standing == "reset":
            session.say_reset(notes.streams[1], frames.CANCEL)
    session.take()
    came = {
        "data": data(1, b"x"),
        "head": request(1, TRAILERS),
        "window": window_update(1, 1),
        "reset": RESET,
    }[kind]
    if code is not None and code >= 0:
        with pytest.raises(ConnectionFault) as caught:
            session.feed(came, 0.0)
        assert caught.value.code == code
    else:
        session.feed(came, 0.0)
        assert said(session) == ([] if code is None else [resets(1, -code)])


@pytest.mark.parametrize("number", [0, 2])
def test_a_client_begins_odd_streams_and_each_once(number: int) -> None:
    session, _ = server()
    session.feed(request(5), 0.0)
    for wrong in (number, 3):
        with pytest.raises(ConnectionFault):
            session.feed(request(wrong), 0.0)


@pytest.mark.parametrize(
    ("pieces", "ends"), [([b"abcd"], False), ([b"ab"], True), ([b"ab", b"cd"], False)]
)
def test_a_body_that_is_not_as_long_as_it_said_ends_its_stream_alone(
    pieces: list[bytes], ends: bool
) -> None:
    session, notes = server()
    session.feed(request(1, end=False), 0.0)
    notes.streams[1].left = 3
    for piece in pieces:
        session.feed(data(1, piece, end=ends), 0.0)
    assert said(session) == [resets(1, frames.PROTOCOL_ERROR)]
    assert notes.told[-1] == ("reset", 1, frames.PROTOCOL_ERROR, False)
    session.feed(request(3), 0.0)
    assert notes.told[-1] == ("request", 3, GET, True)


def test_trailers_before_the_end_of_a_counted_body_end_its_stream() -> None:
    session, notes = server()
    session.feed(request(1, end=False), 0.0)
    notes.streams[1].left = 3
    session.feed(request(1, TRAILERS), 0.0)
    assert said(session) == [resets(1, frames.PROTOCOL_ERROR)]


def test_data_waits_for_both_windows_and_ends_with_its_last_byte() -> None:
    session, notes = server()
    session.feed(frame(frames.SETTINGS, 0, 0, b"\x00\x04" + (20000).to_bytes(4, "big")), 0.0)
    session.feed(request(1) + request(3), 0.0)
    session.take()
    one, three = notes.streams[1], notes.streams[3]
    assert session.say_data(one, bytes(50_000), end=True) == 20_000
    assert [len(payload) for *_, payload in said(session)] == [16384, 3616]
    assert session.say_data(one, b"x", end=True) == 0
    session.feed(window_update(1, 60_000), 0.0)
    assert session.say_data(one, bytes(60_000), end=True) == 45_535  # all that the connection has
    session.feed(window_update(0, 30_000), 0.0)
    assert session.say_data(one, bytes(14_465), end=True) == 14_465
    assert said(session)[-1][:3] == (frames.DATA, frames.END_STREAM, 1)
    assert 1 not in session.streams
    session.say_reset(one, frames.CANCEL)  # it is over: nothing to be said
    assert not said(session)
    session.feed(frame(frames.SETTINGS, 0, 0, b"\x00\x04" + (10).to_bytes(4, "big")), 0.0)
    assert (three.room, session.say_data(three, b"", end=False)) == (10, 0)


def test_a_window_opens_again_when_a_quarter_of_it_was_taken() -> None:
    session, notes = server()
    session.feed(request(1, end=False) + data(1, bytes(16_000)), 0.0)
    stream = notes.streams[1]
    session.took(stream, 16_000)
    assert not said(session)
    session.feed(data(1, bytes(2000)), 0.0)
    session.took(stream, 2000)
    assert said(session) == [(frames.WINDOW_UPDATE, 0, 1, (18_000).to_bytes(4, "big"))]
    session.widen(stream, 100_000)
    assert (stream.credit, stream.window) == (WINDOW + 100_000, WINDOW + 100_000)
    session.take()
    session.feed(data(1, bytes(9000)), 0.0)
    session.took(stream, 9000)  # an eighth of the connection's
    assert said(session) == [(frames.WINDOW_UPDATE, 0, 0, (27_000).to_bytes(4, "big"))]


def test_more_data_than_a_window_has_is_an_error() -> None:
    session, notes = server()
    session.feed(request(1, end=False) + data(1, bytes(16384)) * 4, 0.0)
    session.feed(data(1, bytes(16384)), 0.0)
    assert said(session) == [resets(1, frames.FLOW_CONTROL_ERROR)]
    codes = [
        fed(session, request(number, end=False) + data(number, bytes(16384)) * 4, 1)
        for number in range(3, 99, 2)
    ]
    assert codes[-1] == frames.FLOW_CONTROL_ERROR
    assert notes.bytes_of(0) <= TOTAL


def test_a_head_that_needs_several_frames_is_said_in_several() -> None:
    session, notes = server()
    session.feed(request(1), 0.0)
    session.say_head(notes.streams[1], ((b"x", b"y" * 40_000),), end=True)
    kinds = [(kind, flags, len(payload)) for kind, flags, _, payload in said(session)]
    assert kinds[:2] == [
        (frames.HEADERS, frames.END_STREAM, 16384),
        (frames.CONTINUATION, 0, 16384),
    ]
    assert kinds[2][:2] == (frames.CONTINUATION, frames.END_HEADERS)


NOTHINGS = {
    "settings": SETTINGS,
    "ping": PING,
    "empty data": data(1, b""),
    "padding": frame(frames.DATA, frames.PADDED, 1, b"\x02\0\0"),
    "priority": frame(frames.PRIORITY, 0, 1, bytes(5)),
    "window": window_update(1, 1),
    "reset": frame(frames.RST_STREAM, 0, 3, bytes(4)),
    "unknown": frame(200, 0, 0),
    "late data": data(3, b"x"),
    "late head": request(3, TRAILERS),
}


@pytest.mark.parametrize("nothing", NOTHINGS)
def test_frames_for_nothing_are_borne_as_far_as_browsers_need(nothing: str) -> None:
    session, notes = server()
    session.feed(request(1, end=False) + request(3, end=False), 0.0)
    session.say_reset(notes.streams[3], frames.CANCEL)
    one = NOTHINGS[nothing]
    for _ in range(int(BURST) - 100):
        session.feed(one, 0.0)
        session.take()
    session.feed(one * int(RATE), 2.0)
    while session.more:
        session.feed(b"", 2.0)
    assert fed(session, one, int(BURST), 2.0) == CALM


def test_who_measures_its_way_by_pings_may_do_so_as_data_comes() -> None:
    session, notes = server()
    session.feed(request(1), 0.0)
    for _ in range(2 * int(BURST)):
        assert session.say_data(notes.streams[1], b"x", end=False)
        session.feed(PING, 0.0)
        session.take()


def test_as_many_windows_may_be_opened_as_there_was_data() -> None:
    session, notes = server()
    session.feed(request(1) + window_update(0, 1_000_000) + window_update(1, 1_000_000), 0.0)
    for _ in range(2000):
        session.say_data(notes.streams[1], b"x", end=False)
    for _ in range(2000):
        session.feed(window_update(0, 1) + window_update(1, 1), 0.0)


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        ([bytes(HEAD * 2 + 1)], CALM),
        ([b"\0"] * (PIECES + 1), CALM),
        ([b"\x40\x01x\x7f\x80\x7f" + bytes(16000)], CALM),
        ([b"\x80"], frames.COMPRESSION_ERROR),
        ([b"\x82", b"\x40"], frames.COMPRESSION_ERROR),
    ],
)
def test_a_head_is_bounded_and_decoded_or_it_ends_the_connection(
    pieces: list[bytes], code: int
) -> None:
    session, _ = server()
    kinds = [frames.HEADERS] + [frames.CONTINUATION] * (len(pieces) - 1)
    ends = [0] * (len(pieces) - 1) + [frames.END_HEADERS]
    came = b"".join(
        frame(kind, end, 1, piece) for kind, end, piece in zip(kinds, ends, pieces, strict=True)
    )
    with pytest.raises(ConnectionFault) as caught:
        session.feed(came, 0.0)
    assert caught.value.code == code


def test_within_a_head_nothing_else_may_come() -> None:
    for other in (PING, data(1, b"x"), request(3), frame(frames.CONTINUATION, 4, 3)):
        session, _ = server()
        session.feed(frame(frames.HEADERS, 0, 1, b"\x82"), 0.0)
        assert session.within
        with pytest.raises(ConnectionFault) as caught:
            session.feed(other, 0.0)
        assert caught.value.code == frames.PROTOCOL_ERROR


def test_a_frame_too_large_is_refused_before_it_has_come() -> None:
    session, _ = server()
    with pytest.raises(ConnectionFault) as caught:
        session.feed(b"\x00\x40\x01\x00\x00\x00\x00\x00\x01", 0.0)
    assert caught.value.code == frames.FRAME_SIZE_ERROR


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\n", b"PRI * HTTP/1", frames.PREFACE + PING])
def test_what_does_not_begin_as_http_2_is_none(first: bytes) -> None:
    session, _ = server(begun=False)
    with pytest.raises(ConnectionFault) as caught:
        session.feed(first, 0.0)
    assert caught.value.code == frames.PROTOCOL_ERROR


def test_many_frames_are_taken_some_at_a_time() -> None:
    session, notes = server()
    session.feed(request(1, end=False), 0.0)
    notes.told.clear()
    session.feed(data(1, b"x") * 1000, 0.0)
    turns = 1
    while session.more:
        assert len(notes.told) == turns * AT_ONCE
        session.feed(b"", 0.0)
        turns += 1
    assert len(notes.told) == 1000


def test_what_was_on_its_way_to_a_stream_that_we_reset_is_no_fault() -> None:
    session, notes = server()
    session.feed(request(1, end=False), 0.0)
    session.say_reset(notes.streams[1], frames.CANCEL)
    session.take()
    for _ in range(WINDOW // 16_384):
        session.feed(data(1, bytes(16_384)), 0.0)
    windows = said(session)
    assert {(kind, number) for kind, _, number, _ in windows} == {(frames.WINDOW_UPDATE, 0)}
    for number in range(3, 2 * KEPT + 5, 2):
        session.feed(request(number), 0.0)
        session.say_reset(notes.streams[number], frames.CANCEL)
    assert len(session.resets) == KEPT
    session.take()
    session.feed(data(1, b"x"), 0.0)  # so long ago that nobody knows
    assert said(session) == [resets(1, frames.STREAM_CLOSED)]


def test_a_client_hears_interim_answers_the_final_one_and_trailers() -> None:
    session, notes = asking()
    stream = session.begin(StreamNotes(notes, 1), GET, end=True)
    assert stream.number == 1
    early = ((b":status", b"103"), (b"link", b"</a>"))
    came = request(1, early, end=False) + request(1, OK, end=False) + data(1, b"body")
    session.feed(came + request(1, TRAILERS), 0.0)
    assert notes.told == [
        ("head", 1, early),
        ("head", 1, OK),
        ("data", 1, b"body"),
        ("end", 1, TRAILERS),
    ]
    assert not session.streams


@pytest.mark.parametrize(
    "came",
    [
        data(1, b"before its head"),
        request(1, ((b":status", b"100"),)),
        request(1, ((b":status", b"101"),), end=False),
        request(1, ((b"x", b"no status"),)),
        request(1, ((b":status", b"20"),)),
    ],
)
def test_an_answer_that_is_none_ends_its_stream(came: bytes) -> None:
    session, notes = asking()
    session.begin(StreamNotes(notes, 1), GET, end=True)
    session.take()
    session.feed(came, 0.0)
    assert said(session) == [resets(1, frames.PROTOCOL_ERROR)]
    assert notes.told == [("reset", 1, frames.PROTOCOL_ERROR, False)]


@pytest.mark.parametrize("came", [request(1), request(2), frame(frames.PUSH_PROMISE, 4, 1)])
def test_a_server_begins_no_stream(came: bytes) -> None:
    session, _ = asking()
    with pytest.raises(ConnectionFault) as caught:
        session.feed(came, 0.0)
    assert caught.value.code == frames.PROTOCOL_ERROR


def test_a_goaway_gives_back_what_the_server_has_not_taken() -> None:
    session, notes = asking()
    for number in (1, 3, 5):
        session.begin(StreamNotes(notes, number), GET, end=True)
    session.feed(frame(frames.GOAWAY, 0, 0, b"\0\0\0\3" + bytes(4)), 0.0)
    assert notes.told == [("reset", 5, frames.REFUSED_STREAM, True), ("goaway", 3, 0)]
    assert (session.spare, list(session.streams)) == (0, [1, 3])


def test_a_client_has_as_many_streams_as_the_server_lets_it() -> None:
    session, notes = asking()
    assert session.spare > 1000
    session.feed(frame(frames.SETTINGS, 0, 0, b"\0\3\0\0\0\2"), 0.0)
    session.begin(StreamNotes(notes, 1), GET, end=False)
    assert session.spare == 1
    session.begin(StreamNotes(notes, 3), GET, end=True)
    assert session.spare == 0
    session.feed(request(3, OK), 0.0)
    assert session.spare == 1


@given(st.lists(st.tuples(st.integers(0, 40_000), st.booleans()), max_size=6), st.integers(1, 5000))
def test_both_sides_understand_each_other(bodies: list[tuple[int, bool]], cut: int) -> None:
    ours, told = asking(begun=False)
    theirs, heard = server(begun=False)

    talk(ours, theirs, cut=cut)
    for at, (size, trailed) in enumerate(bodies):
        number = 2 * at + 1
        up = ours.begin(StreamNotes(told, number), GET, end=False)
        assert ours.say_data(up, bytes(size), end=not trailed) == size
        if trailed:
            ours.say_head(up, TRAILERS, end=True)
        talk(ours, theirs, cut=cut)
        down = heard.streams[number]
        theirs.took(down, size)
        theirs.say_head(down, OK, end=False)
        assert theirs.say_data(down, bytes(size), end=True) == size
        talk(ours, theirs, cut=cut)
        ours.took(up, size)
        assert (told.bytes_of(number), heard.bytes_of(number)) == (size, size)
    assert (ours.streams, theirs.streams) == ({}, {})
