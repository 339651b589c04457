"""The table of states, by property."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.model.status import AT_REST, HAS_PROCESS, TO_RUN, Intent, State
from rpx.policy.lifecycle import TABLE, IllegalMove, Move, advance, wanted_after, wanted_by

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


@given(st.sampled_from(Intent), st.lists(st.sampled_from(Move) | st.sampled_from(Intent)))
def test_what_is_wanted_agrees_with_where_it_stays(
    intent: Intent, said: list[Move | Intent]
) -> None:
    state = State.STOPPED
    leaves = intent in (Intent.LEAVING, Intent.GONE)
    for each in said:
        if isinstance(each, Intent):
            intent = wanted_by(each, intent)
            continue
        try:
            state = advance(state, each)
        except IllegalMove:
            continue
        intent = wanted_after(intent, each, state)
        if state in AT_REST and intent in TO_RUN:
            assert (state, intent) == (State.FAILED, Intent.TRIAL)
        if each is Move.LAUNCH:
            assert intent in TO_RUN | {Intent.LEAVING, Intent.GONE}
        leaves |= intent in (Intent.LEAVING, Intent.GONE)
        assert not leaves or intent in (Intent.LEAVING, Intent.GONE)


def test_an_order_to_stop_ends_a_trial_and_no_other_order_does() -> None:
    assert wanted_by(Intent.AGAIN, Intent.TRIAL) is Intent.TRIAL
    assert wanted_by(Intent.DOWN, Intent.TRIAL) is Intent.DOWN
    assert wanted_after(Intent.TRIAL, Move.GAVE_UP, State.FAILED) is Intent.TRIAL
    assert wanted_after(Intent.TRIAL, Move.FINISHED, State.COMPLETED) is Intent.DOWN
