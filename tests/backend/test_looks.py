"""A look that many share is taken once, and again when it is too old."""

from __future__ import annotations

import math
import threading

from rpx.backend.looks import Shared


def test_whoever_wants_the_same_at_about_the_same_time_shares_one_look() -> None:
    looks: list[int] = []

    def look() -> int:
        looks.append(len(looks))
        return len(looks)

    shared = Shared(look)
    threads = [threading.Thread(target=shared.recent, args=(60.0,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looks) == 1
    assert shared.recent(math.inf) == 1
    assert shared.recent(-1.0) == 2
