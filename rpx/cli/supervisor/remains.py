"""What a run has left that was killed together with its guardian: found, ended, and said."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace

from rpx.backend.processes import marked, send
from rpx.engine.leftovers import left_of, remove
from rpx.errors import RpxError, visible
from rpx.runs.held import take
from rpx.runs.lease import Identity, Lease, crashed_runs

KILL_TAKES = 2.0  # seconds


def sweep(crashed: Lease) -> None:
    """End the processes of a run that nobody runs any more, and say so."""
    ended: set[int] = set()
    deadline = time.monotonic() + KILL_TAKES
    # Again and again: one that was just forking has a child that we have not seen.
    while (left := marked(crashed.run_id)) and time.monotonic() < deadline:
        for process in left:
            send(process, signal.SIGKILL)
            ended.add(process.pid)
        time.sleep(0.02)
    containers = left_of(crashed.run_id)
    for engine, ids in containers.items():
        remove(engine, ids)
    pid, where = crashed.supervisor.pid, "" if _has_folder(crashed) else f" in {crashed.config}"
    count = sum(map(len, containers.values()))
    found = [f"ended {len(ended)} of its processes"] if ended else []
    found += [f"removed {count} container{'s' if count > 1 else ''}"] if count else []
    what = f": {' and '.join(found)}" if found else "; it had left no process"
    say(f"rpx: an earlier run{where} (pid {pid}) did not end in order{what}")


def clear(crashed: Lease) -> None:
    """Likewise, and forget that run. Raises: RpxError when its project has been started since."""
    me = Identity.of(os.getpid())
    with take(replace(crashed, supervisor=me, guardian=me)) as hold:
        if hold.crashed is not None and has_left(crashed):
            sweep(hold.crashed)


def has_left(crashed: Lease) -> bool:
    """Whether something is there still of a run that nobody runs any more."""
    return bool(marked(crashed.run_id) or left_of(crashed.run_id))


def clear_deserted() -> None:
    """Likewise of each project whose folder is gone: nobody will start it there again."""
    for crashed in crashed_runs():
        if not _has_folder(crashed):
            with suppress(RpxError):  # somebody else is about to do the same
                clear(crashed)


def say(text: str) -> None:
    """To stderr, if anybody is there."""
    try:
        print(visible(text), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        pass


def _has_folder(lease: Lease) -> bool:
    return os.path.isdir(lease.config.parent)
