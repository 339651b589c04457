"""What signals mean to `rpx up`: the first asks it to end, the second to end now."""

from __future__ import annotations

import signal

import trio

from rpx.backend.guardian import guardian_is_gone, lifeline
from rpx.hub.shutdown import Shutdown

SAME = 0.1  # seconds: one key press can reach us twice, once through the guardian


async def handle_signals(
    shutdown: Shutdown, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Ask for the end at SIGINT, SIGTERM and SIGHUP; its exit code is the shell's for the first."""
    heard: dict[int, float] = {}
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGHUP})  # see up.py
        task_status.started()
        async for signum in signals:
            now = trio.current_time()
            if now - heard.get(signum, -SAME) >= SAME:
                shutdown.request(128 + signum)
            heard[signum] = now
            if signum == signal.SIGTERM and guardian_is_gone():
                shutdown.patience.lose()  # nobody would sweep up after us


async def end_with_the_guardian(shutdown: Shutdown) -> None:
    """End at once when the guardian has gone: nobody would sweep up after us.

    On Linux the kernel sends SIGTERM as well, and `handle_signals` does the same.
    """
    end = lifeline()
    if end is not None:
        await trio.lowlevel.wait_readable(end)
        shutdown.request(128 + signal.SIGTERM)
        shutdown.patience.lose()
