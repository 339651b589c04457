"""Frames are followed to the byte, however they come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode
from websockets.streams import StreamReader

from rpx.http.websocket import GOING_AWAY, Frames, close_frame

MASK = b"\x01\xfe\x80\x7f"


def frame(size: int, *, masked: bool, first: int = 0x82) -> bytes:
    """Return a frame with that many bytes of payload."""
    second = 0x80 if masked else 0
    if size < 126:
        head = bytes((first, second | size))
    elif size < 65536:
        head = bytes((first, second | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, second | 127)) + size.to_bytes(8, "big")
    return head + (MASK if masked else b"") + b"\x88" * size


SIZES = st.lists(st.sampled_from([0, 1, 2, 124, 125, 126, 127, 128, 300, 65535, 65536, 70000]))


@given(SIZES, st.booleans(), st.integers(0, 20), st.sampled_from([1, 2, 3, 7, 64, 131, 4096]))
def test_it_is_between_frames_where_a_frame_ends_and_nowhere_else(
    sizes: list[int], masked: bool, cut: int, step: int
) -> None:
    frames = [frame(size, masked=masked) for size in sizes]
    whole = b"".join(frames)
    ends = {0}
    for each in frames:
        ends.add(max(ends) + len(each))
    follower = Frames(masked=masked)
    at = 0
    while at < len(whole):
        # Large payloads in large steps, and the last bytes of everything one by one.
        to_end = min(end for end in ends if end > at) - at
        piece = whole[at : at + (step if to_end < 200 else max(step, to_end - cut))]
        follower.follow(piece)
        at += len(piece)
        assert follower.between == (at in ends)
        assert not follower.closed


@given(SIZES.filter(bool), st.booleans(), st.data())
def test_the_end_of_the_present_frame_is_found_within_a_read(
    sizes: list[int], masked: bool, data: st.DataObject
) -> None:
    whole = b"".join(frame(size, masked=masked) for size in sizes)
    first = len(frame(sizes[0], masked=masked))
    seen = data.draw(st.integers(0, first - 1))
    follower = Frames(masked=masked)
    follower.follow(whole[:seen])
    end = follower.frame_end(whole[seen:])
    assert (seen + end, follower.between) == (first, True)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("step", [1, 2, 3, 100])
def test_a_close_ends_a_direction(masked: bool, step: int) -> None:
    follower = Frames(masked=masked)
    whole = frame(3, masked=masked) + close_frame(GOING_AWAY, MASK if masked else b"")
    for at in range(0, len(whole), step):
        assert not follower.closed
        follower.follow(whole[at : at + step])
    assert follower.closed


def test_the_beginning_of_a_larger_frame_is_not_taken_for_a_small_one() -> None:
    for masked in (False, True):
        for size in (126, 127, 128, 129, 130, 131, 132, 133, 70000):
            whole = frame(size, masked=masked)
            for cut in range(1, 140):
                follower = Frames(masked=masked)
                follower.follow(whole[:cut])
                assert follower.between == (cut >= len(whole)), (masked, size, cut)


@pytest.mark.parametrize("mask", [b"", MASK])
def test_others_read_our_close(mask: bytes) -> None:
    reader = StreamReader()
    reader.feed_data(close_frame(GOING_AWAY, mask))
    parsing = Frame.parse(reader.read_exact, mask=bool(mask))
    with pytest.raises(StopIteration) as done:
        next(parsing)
    found = done.value.value
    assert (found.opcode, found.fin) == (Opcode.CLOSE, True)
    assert Close.parse(found.data).code == 1001
