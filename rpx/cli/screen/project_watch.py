"""Threads that look at a project, over its ends and starts, and carry out orders.

Whoever shows it takes `seen`, `printed` and `news` when it likes: nothing here waits for a screen.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, Protocol

from rpx.cli.screen.actions import Action, Reply, carried_out
from rpx.cli.screen.printed_lines import PrintedLines
from rpx.cli.screen.seen import Seen
from rpx.errors import RpxError
from rpx.model.answers import LogLines, LogMissed, Why
from rpx.model.status import OWN_WORDS, RotationChanged, StateChanged
from rpx.runs.api_client import ApiClient
from rpx.runs.event_client import following_events
from rpx.runs.lease import Lease, running

THREAD: Final = "rpx top"
EVERY: Final = 1.0  # seconds between two looks, if nothing happens
PACE: Final = 0.25  # seconds between two looks at least
LOOK: Final = 0.3  # seconds between two looks for a project that has ended
AGAIN: Final = 0.2  # seconds until a stream that broke is asked for again
TAKES: Final = 0.05  # seconds in which some of what waits has been looked at
TAIL: Final = 300  # lines of each backend to begin with
NEWS: Final = 100
AT_ONCE: Final = 8  # orders under way
ASKED_WHY: Final = 20  # copies
SHOWN: Final = frozenset(("failed", "unhealthy", "backoff", "waiting"))  # with their reason


class Watched(Protocol):
    """What a screen knows of a project: `ProjectWatch`, or what a test puts in its place."""

    seen: Seen
    printed: PrintedLines
    news: deque[Reply]
    waits: str  # what the orders under way wait for
    under_way: int
    error: BaseException | None  # a mistake of ours in a thread

    def begin(self) -> None:
        """Look from now on."""

    def order(self, action: Action) -> None:
        """Have it carried out; what comes of it is news."""


class ProjectWatch:
    """A `Watched`: the project of a lease, and whoever runs it next."""

    def __init__(self, lease: Lease) -> None:
        """Look for the first time. Raises: RpxError."""
        self.printed = PrintedLines()
        self.news: deque[Reply] = deque(maxlen=NEWS)
        self.waits = ""
        self.under_way = 0
        self.error: BaseException | None = None
        self._lease = lease
        self._client = ApiClient(lease)
        self.seen = self._look(self._client, Seen(lease.name))
        self._wake = threading.Event()
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Look from now on, until the program ends."""
        self._start(self._watch)

    def note_failure(self, args: threading.ExceptHookArgs) -> None:
        """Keep a mistake of ours in one of the threads: whoever looks ends with it."""
        if args.thread is not None and args.thread.name == THREAD:
            self.error = args.exc_value

    def order(self, action: Action) -> None:
        """Have it carried out in a thread of its own: it may wait for minutes."""
        with self._lock:
            if self.under_way >= AT_ONCE:
                self.news.append(
                    Reply(
                        f"{AT_ONCE} orders are under way", failed=True, hint="wait for one to end"
                    )
                )
                return
            self.under_way += 1
        self._start(lambda: self._carry_out(self._client, action))

    def _start(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, name=THREAD, daemon=True).start()

    def _carry_out(self, client: ApiClient, action: Action) -> None:
        try:
            for told in carried_out(client, action):
                self.news.append(told)
        finally:
            with self._lock:
                self.under_way -= 1
            self._wake.set()

    def _watch(self) -> None:
        while True:
            client = self._client
            self._start(lambda client=client: self._hear(client))  # type: ignore[misc]
            self._start(lambda client=client: self._listen(client))  # type: ignore[misc]
            self._look_until_end(client)
            self.seen = replace(self.seen, ended=True, trouble="", why={})
            self._client = self._next_run()
            self.printed.put(OWN_WORDS, time.time(), "the project was started again")

    def _look_until_end(self, client: ApiClient) -> None:
        while True:
            began = time.monotonic()
            try:
                self.seen = self._look(client, self.seen)
                self.waits = "; ".join(self._waits(client)) if self.under_way else ""
            except RpxError as error:
                if not client.still_runs():
                    return
                self.seen = replace(self.seen, trouble=error.problems[0].what)
            self._wake.wait(EVERY)
            time.sleep(max(0.0, began + PACE - time.monotonic()))
            self._wake.clear()

    def _look(self, client: ApiClient, before: Seen) -> Seen:
        rows = tuple(client.ps())
        stats, at = client.stats(), time.monotonic()
        ill = [(row.label, row.state, row.since) for row in rows if row.state in SHOWN]
        if ill == [(row.label, row.state, row.since) for row in before.rows if row.state in SHOWN]:
            why = dict(before.why)
        else:
            why = {each.label: each for each in self._why(client, [label for label, _, _ in ill])}
        return Seen(self._lease.name, rows, stats, at, why)

    def _why(self, client: ApiClient, labels: Sequence[str]) -> list[Why]:
        return client.why(labels[:ASKED_WHY]) if labels else []

    def _waits(self, client: ApiClient) -> Iterable[str]:
        with suppress(RpxError):  # the order says what is wrong
            return [wait.sentence for wait in client.waits()]
        return []

    def _hear(self, client: ApiClient) -> None:
        """Have the next look come at once when something has changed."""
        for event in following_events(client):
            if event is None or isinstance(event, StateChanged | RotationChanged):
                self._wake.set()

    def _listen(self, client: ApiClient) -> None:
        """Take in what is printed. What was printed while a connection broke is asked for."""
        seen: dict[str, float] = {}
        while True:
            with suppress(RpxError), client.follow((), own=True) as rows:
                for each in client.logs((), own=True, tail=TAIL):
                    self._print(each, seen)
                for row in rows:
                    if isinstance(row, LogMissed):
                        words = f"… {row.missed} lines were printed too fast to show"
                        self.printed.put(row.label, time.time(), words)
                    else:
                        self._print(row, seen)
            if not client.still_runs():
                return
            time.sleep(AGAIN)

    def _print(self, row: LogLines, seen: dict[str, float]) -> None:
        while self.printed.full:  # rpx leaves out lines meanwhile, and says how many
            time.sleep(TAKES)
        if row.at > seen.get(row.label, 0.0):
            seen[row.label] = row.at
            self.printed.put(row.label, row.at, row.text)

    def _next_run(self) -> ApiClient:
        """Wait until somebody runs the project again."""
        while True:
            lease = running(self._lease.config)
            if lease is not None and lease.run_id != self._lease.run_id:
                self._lease = lease
                return ApiClient(lease)
            time.sleep(LOOK)
