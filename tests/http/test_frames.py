"""Frames of HTTP/2 are passed on whole, however they come, and too many for nothing end it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.http.frames import BURST, ENHANCE_YOUR_CALM, LATEST, PREFACE, Flood, Intake, goaway

PING = bytes.fromhex("000008060000000000") + bytes(8)
DATA = bytes.fromhex("000003000000000001") + b"abc"


@given(st.lists(st.integers(1, 40), max_size=30))
def test_how_the_bytes_are_cut_does_not_matter(cuts: list[int]) -> None:
    stream = PREFACE + PING + DATA * 3 + goaway(1, 0) + PING
    intake, out, at = Intake(1000, 0.0), b"", 0
    for cut in [*cuts, len(stream)]:
        out += intake.feed(stream[at : at + cut], 0.0)
        at += cut
    assert out == PREFACE + PING + DATA * 3 + PING  # a GOAWAY stays here
    assert (intake.within, intake.owed) == (False, 2)


def test_frames_for_nothing_are_allowed_again_with_time_and_with_progress() -> None:
    intake = Intake(1000, 0.0)
    intake.feed(PING * int(BURST), 0.0)
    with pytest.raises(Flood) as flood:
        intake.feed(PING, 0.0)
    assert flood.value.code == ENHANCE_YOUR_CALM
    intake = Intake(1000, 0.0)
    intake.feed(PING * int(BURST), 0.0)
    intake.feed(PING * 500, 1.0)
    intake.progress()
    intake.feed(PING * 2, 1.0)
    with pytest.raises(Flood):
        intake.feed(PING, 1.0)


def test_data_and_heads_are_free() -> None:
    intake = Intake(1000, 0.0)
    head = bytes.fromhex("000003010500000001") + b"abc"
    intake.feed((head + DATA) * 5000, 0.0)


def test_a_goaway_is_what_the_rfc_says() -> None:
    assert goaway(LATEST, 11) == bytes.fromhex("0000080700000000007fffffff0000000b")
