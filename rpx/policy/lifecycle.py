"""Which state may follow which, as a table. An illegal move is a bug in rpx, never a user's.

And what is wanted of a backend from then on.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from rpx.model.status import HAS_PROCESS, Intent, State


class Move(Enum):
    """What can happen to a backend. The last five are what an exit of its process can mean."""

    WAIT = "wait"
    LAUNCH = "launch"
    PROBE_UP = "probe up"
    PROBE_DOWN = "probe down"
    STOP = "stop"
    DRAINED = "drained"
    CRASHED = "crashed"  # a new process is due after a rest
    REPLACED = "replaced"  # a new process is due at once
    RETIRED = "retired"  # stays down because somebody asked
    FINISHED = "finished"  # ended by itself and its policy leaves it so
    GAVE_UP = "gave up"  # the restart budget is spent


S, M = State, Move

TABLE: Final[dict[State, dict[Move, State]]] = {
    S.STOPPED: {M.WAIT: S.WAITING, M.LAUNCH: S.STARTING, M.STOP: S.STOPPED},
    S.WAITING: {M.LAUNCH: S.STARTING, M.STOP: S.STOPPED},
    S.STARTING: {M.PROBE_UP: S.READY, M.PROBE_DOWN: S.UNHEALTHY, M.STOP: S.STOPPING},
    S.READY: {M.PROBE_UP: S.READY, M.PROBE_DOWN: S.UNHEALTHY, M.STOP: S.DRAINING},
    S.UNHEALTHY: {M.PROBE_UP: S.READY, M.PROBE_DOWN: S.UNHEALTHY, M.STOP: S.DRAINING},
    S.DRAINING: {M.DRAINED: S.STOPPING, M.STOP: S.DRAINING},
    S.STOPPING: {M.DRAINED: S.STOPPING, M.STOP: S.STOPPING},
    S.BACKOFF: {M.WAIT: S.WAITING, M.LAUNCH: S.STARTING, M.STOP: S.STOPPED},
    S.FAILED: {M.WAIT: S.WAITING, M.LAUNCH: S.STARTING, M.STOP: S.STOPPED},
    S.COMPLETED: {M.WAIT: S.WAITING, M.LAUNCH: S.STARTING, M.STOP: S.STOPPED},
}
# A process can die in every state in which there is one: one rule instead of twenty-five cells.
for _state in HAS_PROCESS:
    TABLE[_state] |= {
        M.CRASHED: S.BACKOFF,
        M.REPLACED: S.BACKOFF,
        M.RETIRED: S.STOPPED,
        M.FINISHED: S.COMPLETED,
        M.GAVE_UP: S.FAILED,
    }


class IllegalMove(Exception):
    """Something happened to a backend that cannot happen in the state it is in."""


def advance(state: State, move: Move) -> State:
    """Return the state after `move`. Raises: IllegalMove."""
    try:
        return TABLE[state][move]
    except KeyError:
        raise IllegalMove(f"{move.value!r} cannot happen to a {state.value} backend") from None


def wanted_after(intent: Intent, move: Move, state: State) -> Intent:
    """Return what is wanted of a backend after `move`, which has led to `state`.

    One that leaves does so whatever happens. A trial goes on until whoever makes it ends it, or the
    process stays down for another reason than that it does not work.
    """
    if intent in (Intent.LEAVING, Intent.GONE):
        return intent
    match move:
        case Move.LAUNCH:
            return Intent.TRIAL if intent is Intent.TRIAL else Intent.UP
        case Move.GAVE_UP:
            return Intent.TRIAL if intent is Intent.TRIAL else Intent.DOWN
        case Move.RETIRED | Move.FINISHED:
            return Intent.DOWN
        case Move.STOP if state is State.STOPPED:
            return Intent.DOWN
        case _:
            return intent


def wanted_by(order: Intent, intent: Intent) -> Intent:
    """Return what is wanted of a backend after somebody has given an `order` for it."""
    if intent in (Intent.LEAVING, Intent.GONE):
        return intent
    return intent if intent is Intent.TRIAL and order is not Intent.DOWN else order
