"""A look that many share is taken once, and again when it is too old."""

from __future__ import annotations

import math
import threading
import time

import pytest

from rpx.backend import looks
from rpx.backend.looks import Looks, Shared


def test_whoever_wants_the_same_at_about_the_same_time_shares_one_look() -> None:
    taken: list[int] = []

    def look() -> int:
        taken.append(len(taken))
        return len(taken)

    shared = Shared(look)
    threads = [threading.Thread(target=shared.recent, args=(60.0,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    assert shared.recent(math.inf)[0] == 1
    assert shared.recent(-1.0)[0] == 2


def test_a_look_is_as_old_as_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)

    def look() -> float:  # what begins while it looks, it may have missed
        nonlocal now
        began, now = now, now + 10.0
        return began

    shared = Shared(look)
    assert shared.recent(1.0) == (100.0, 100.0)
    assert shared.since(100.0) == (100.0, 100.0)
    assert shared.since(100.1) == (110.0, 110.0)


def test_who_has_begun_to_listen_is_no_stranger_to_the_look_at_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That look comes after the one at the sockets, however short a time ago another one was."""
    leaders = {7: {7}}
    monkeypatch.setattr(
        looks, "trees", lambda _: {leader: {*leaders[leader]} for leader in leaders}
    )
    around = Looks(lambda: leaders)
    assert around.tree(7, time.monotonic()) == {7}
    leaders[7] = {7, 8}
    listened = time.monotonic()
    assert around.tree(7, listened) == {7, 8}
    leaders[9] = {9}
    assert around.tree(9, listened) == {9}, "nor who was no leader at that look"
    assert around.tree(None, listened) == set()
