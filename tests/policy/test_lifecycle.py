"""The table of states, by property."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.model.status import HAS_PROCESS, State
from rpx.policy.lifecycle import TABLE, IllegalMove, Move, advance

EXITS = (Move.CRASHED, Move.REPLACED, Move.RETIRED, Move.FINISHED, Move.GAVE_UP)


@given(st.lists(st.sampled_from(Move)))
def test_no_sequence_of_moves_leaves_a_process_behind_an_exit(moves: list[Move]) -> None:
    state = State.STOPPED
    for move in moves:
        try:
            state = advance(state, move)
        except IllegalMove:
            continue
        if move in EXITS:
            assert state not in HAS_PROCESS


def test_every_state_of_a_life_can_be_reached_and_left() -> None:
    states = set(State) - {State.PAUSED}  # which is a fact beside it
    assert set(TABLE) == states
    assert {after for row in TABLE.values() for after in row.values()} == states


def test_a_process_can_end_in_every_state_that_has_one_and_in_no_other() -> None:
    for state in TABLE:
        for move in EXITS:
            assert (move in TABLE[state]) == (state in HAS_PROCESS)


def test_only_a_probe_leads_to_ready() -> None:
    for row in TABLE.values():
        assert {move for move, after in row.items() if after is State.READY} <= {Move.PROBE_UP}


def test_an_impossible_move_is_named() -> None:
    with pytest.raises(IllegalMove, match="'launch' cannot happen to a ready backend"):
        advance(State.READY, Move.LAUNCH)
