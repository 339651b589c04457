"""`--exit-code-from`: whose exit code is that of all."""

from __future__ import annotations

import trio
import trio.testing

from rpx.cli.observers.abort import Abort
from rpx.errors import Exit
from rpx.hub.shutdown import Shutdown
from rpx.policy.lifecycle import Move
from tests.support.bench import external, process_of, registry, spec


async def test_a_service_that_somebody_else_runs_has_no_exit_code_and_nobody_elses_takes_its_place(
    nursery: trio.Nursery,
) -> None:
    the, shutdown, abort = registry(spec(3000), external(4000)), Shutdown(), Abort("4000")
    await nursery.start(abort, the, shutdown)
    process = process_of(the.backends["api:3000"])
    the.move(process, Move.LAUNCH)
    the.exited(process)
    the.ended(process, "exit 7", 7, 1.0)
    the.ended_unasked(process)
    the.move(process, Move.GAVE_UP)
    await trio.testing.wait_all_tasks_blocked()
    assert shutdown.asked
    assert abort.exit_code(0) == Exit.FAILED
