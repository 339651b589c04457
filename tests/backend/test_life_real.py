"""Lives of real processes, where a mock clock would not do."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest
import trio

from rpx.backend.child import open_child
from rpx.backend.life import live
from rpx.model.config import Backoff, Restart
from rpx.policy import restarts
from tests.support.bench import Bench, process_of, start_of

pytestmark = [pytest.mark.real, pytest.mark.smoke]


@pytest.mark.parametrize(("stable_after", "streak"), [(0.1, 1), (60.0, 4)])
async def test_the_rest_begins_anew_after_stable_uptime(
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    stable_after: float,
    streak: int,
) -> None:
    monkeypatch.setattr(restarts, "STABLE_AFTER", stable_after)
    quick = Restart(max_restarts=50, backoff=Backoff(initial=0.01))
    bench = Bench(command="sleep 0.15; exit 1", cwd=tmp_path, restart=quick)
    bench.life.open = partial(
        open_child,
        start_of(bench.backend),
        os.environ,
        instance=f"t{os.getpid()}.3",
        patience=bench.patience,
    )
    nursery.start_soon(live, bench.life)
    with trio.fail_after(10):
        while process_of(bench.backend).restarts < 4:
            await bench.backend.changed.wait()
    assert process_of(bench.backend).history.streak == streak
    nursery.cancel_scope.cancel()
