"""What `verbose` prints in a program of somebody else: a line for each request."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import trio

from rpx.hub.bus import Subscription
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.status import Event, Routed

DEPTH = 10_000  # lines that wait while stdout stands still; what comes then is counted
LAST_WORDS = 1.0  # seconds that stdout gets for what is left at the end


async def tell(
    registry: Registry,
    shutdown: Shutdown,  # noqa: ARG001 - an observer gets it
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Print in a thread: a stdout that blocks holds up neither requests nor the program."""
    with registry.events.subscribe(DEPTH) as news:
        task_status.started()
        writing = trio.CancelScope(shield=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_hurry_at_the_end, news, writing)
            with writing:
                async for event in news:
                    batch, missed = [event, *news.take()], news.take_missed()
                    await trio.to_thread.run_sync(_print, batch, missed, abandon_on_cancel=True)


async def _hurry_at_the_end(news: Subscription[Event], writing: trio.CancelScope) -> None:
    try:
        await trio.sleep_forever()
    finally:
        news.end()  # what is in the queue is still printed
        writing.deadline = trio.current_time() + LAST_WORDS


def _print(events: Sequence[Event], missed: int) -> None:
    lines = [f"[rpx] {missed} lines came too fast to show\n"] if missed else []
    lines += [f"{event}\n" for event in events if isinstance(event, Routed)]
    text, out = "".join(lines), sys.stdout
    if not text or out is None:  # a program without a terminal may have none
        return
    try:
        out.flush()
        if (raw := getattr(out, "buffer", None)) is not None:
            # The same bytes everywhere, also where stdout's encoding has no `→`.
            raw.write(text.encode())
            raw.flush()
        else:
            out.write(text)
    except (OSError, ValueError):
        pass  # nobody reads it; that is no reason to end anything
