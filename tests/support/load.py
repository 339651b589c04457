"""Clients that ask `ok.py` all the time, and remember every answer that was not a 200."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

PAUSE = 0.005  # seconds between two requests of a client: what is tested needs the machine, too


class Load:
    """`count` keep-alive clients in threads; each asks, notes, and asks again."""

    def __init__(self, port: int, host: str, *, count: int = 4, path: str = "/") -> None:
        self.answers: Counter[int] = Counter()
        self._failed: list[tuple[float, str]] = []  # when it was sent, and what came of it
        self.longest = 0.0
        self._port, self._host, self._path = port, host, path
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on, daemon=True) for _ in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    @property
    def failures(self) -> list[str]:
        """Return what has failed."""
        return [text for _, text in self._failed]

    @property
    def total(self) -> int:
        """Return how many answers there were, good or bad."""
        return sum(self.answers.values()) + len(self._failed)

    def wait_for(self, more: int) -> None:
        """Return when so many more answers have come."""
        target = self.total + more
        deadline = time.monotonic() + 30
        while self.total < target and time.monotonic() < deadline:
            time.sleep(0.01)
        assert self.total >= target, f"only {self.total} answers"

    def failures_since(self, moment: float) -> list[str]:
        """Return what failed of that which was sent after a `moment` of time.monotonic()."""
        return [text for began, text in self._failed if began > moment]

    def _ask_on(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._stop.wait(PAUSE):
            began = time.monotonic()
            try:
                connection.request("GET", self._path, headers={"Host": self._host})
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self._failed.append((began, repr(error)))
                connection.close()
                continue
            self.longest = max(self.longest, time.monotonic() - began)
            if answer.status == 200:
                self.answers[json.loads(body)["port"]] += 1
            else:
                self._failed.append((began, f"{answer.status} {body[:300]!r}"))
        connection.close()
