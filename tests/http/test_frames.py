"""Frames of HTTP/2 are passed on whole, however they come, and too many for nothing end it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.http.frames import (
    AT_ONCE,
    BURST,
    ENHANCE_YOUR_CALM,
    LATEST,
    PREFACE,
    PROTOCOL_ERROR,
    Flood,
    Intake,
    goaway,
)

PING = bytes.fromhex("000008060000000000") + bytes(8)
SETTINGS = bytes.fromhex("000000040000000000")
UPDATE = bytes.fromhex("000004080000000001") + bytes(4)
DATA = bytes.fromhex("000003000000000001") + b"abc"
NINE = bytes.fromhex("000009000000000001") + b"abc" * 3


@given(st.lists(st.integers(1, 40), max_size=30))
def test_how_the_bytes_are_cut_does_not_matter(cuts: list[int]) -> None:
    stream = PREFACE + SETTINGS + PING + DATA * 3 + goaway(1, 0) + PING
    intake, out, at = Intake(1000, 0.0), b"", 0
    for cut in [*cuts, len(stream)]:
        out += intake.feed(stream[at : at + cut], 0.0)
        at += cut
    assert joined(out) == PREFACE + SETTINGS + PING + NINE + PING  # a GOAWAY stays here
    assert not intake.within


def joined(out: bytes) -> bytes:
    """Return frames as if all of them had come in one piece."""
    begin = len(PREFACE + SETTINGS + PING)
    data = b""
    while out[begin + 3] == 0:
        end = begin + 9 + int.from_bytes(out[begin : begin + 3], "big")
        data += out[begin + 9 : end]
        out = out[:begin] + out[end:]
    return out[:begin] + NINE[:9] + data + out[begin:]


def data_frame(payload: bytes, *, stream: int = 1, flags: int = 0) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((0, flags)) + stream.to_bytes(4, "big") + payload


def test_frames_of_data_that_follow_each_other_become_one() -> None:
    def fed(*frames: bytes) -> bytes:
        return begun().feed(b"".join(frames), 1.0)

    large = bytes(16384)
    assert fed(*[data_frame(large)] * 5) == data_frame(large * 5)
    ended = data_frame(b"c", flags=1)
    assert fed(data_frame(b"a"), data_frame(b""), data_frame(b"b"), ended, PING) == (
        data_frame(b"abc", flags=1) + PING
    )
    apart = (
        (data_frame(b"a"), data_frame(b"b", stream=3)),
        (data_frame(b"a", flags=1), data_frame(b"b")),
        (data_frame(b"a"), PING, data_frame(b"b")),
        (data_frame(b"a"), data_frame(b"\x00b", flags=8)),
        (data_frame(b"\x00b", flags=8), data_frame(b"a")),
    )
    for frames in apart:
        assert fed(*frames) == b"".join(frames)
    first, second = data_frame(b"ab"), data_frame(b"cd", stream=3)
    assert fed(UPDATE, first, first, second, second, UPDATE) == (
        UPDATE + data_frame(b"abab") + data_frame(b"cdcd", stream=3) + UPDATE
    )


def begun(most: int = 1000) -> Intake:
    """Return the intake of a connection that has begun."""
    intake = Intake(most, 0.0)
    intake.feed(PREFACE + SETTINGS, 0.0)
    intake.feed(b"", 1.0)
    return intake


def test_frames_for_nothing_are_allowed_again_with_time() -> None:
    intake = begun()
    intake.feed(PING * int(BURST), 1.0)
    with pytest.raises(Flood) as flood:
        intake.feed(PING, 1.0)
    assert flood.value.code == ENHANCE_YOUR_CALM
    intake = begun()
    intake.feed(PING * int(BURST), 1.0)
    intake.feed(PING * 500, 2.0)
    with pytest.raises(Flood):
        intake.feed(PING, 2.0)


def test_each_piece_that_was_sent_may_be_acknowledged_twice_however_late() -> None:
    intake = begun()
    for _ in range(5000):
        intake.progress()
    intake.feed(UPDATE * 10_000, 1.0)
    intake.feed(UPDATE * int(BURST), 1.0)
    with pytest.raises(Flood):
        intake.feed(UPDATE, 1.0)


def test_data_and_heads_are_free() -> None:
    head = bytes.fromhex("000003010500000001") + b"abc"
    begun().feed((head + DATA) * 5000, 1.0)


def fed(intake: Intake, data: bytes) -> list[bytes]:
    """Have all of `data` taken."""
    out = [intake.feed(data, 1.0)]
    while intake.waiting:
        out.append(intake.feed(b"", 1.0))
    return out


@pytest.mark.parametrize(
    "empty", ["000000 00 00 00000001", "000001 00 08 00000001 00", "000003 00 08 00000001 02 0000"]
)
def test_data_without_any_are_not_free(empty: str) -> None:
    with pytest.raises(Flood):
        fed(begun(), bytes.fromhex(empty) * 2000)


def test_thousands_of_small_ones_are_handed_out_bit_by_bit() -> None:
    sizes = [len(frames) for frames in fed(begun(), DATA * (3 * AT_ONCE - 1))]
    assert len(sizes) == 3
    assert sum(sizes) == 3 * (3 * AT_ONCE - 1) + 3 * 9  # of each bit one frame is made


def test_it_begins_with_settings() -> None:
    with pytest.raises(Flood) as flood:
        Intake(1000, 0.0).feed(PREFACE + PING, 0.0)
    assert flood.value.code == PROTOCOL_ERROR


def test_a_goaway_that_is_none_is_not_kept_here() -> None:
    short = bytes.fromhex("000007 07 00 00000000") + bytes(7)
    of_a_stream = bytes.fromhex("000008 07 00 00000001") + bytes(8)
    assert begun().feed(short + of_a_stream, 1.0) == short + of_a_stream


def test_a_goaway_is_what_the_rfc_says() -> None:
    assert goaway(LATEST, 11) == bytes.fromhex("0000080700000000007fffffff0000000b")
