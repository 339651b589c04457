"""What a command waits for, said on stderr while it waits, and not more often than one reads it."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rpx.cli.terminal.output import say, say_over
from rpx.errors import RpxError
from rpx.model.answers import Wait
from rpx.runs.api_client import ApiClient

SILENT: Final = 1.0  # seconds in which most waits are over
LOOK: Final = 0.5
AGAIN: Final = 5.0  # seconds after which the same is said once more; then twice as many, and so on

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


class Progress:
    """Remembers what was said of whom: news are said at once, the rest now and then."""

    def __init__(self, head: str = "waiting for ") -> None:
        self._head = head
        self._said: defaultdict[str, set[str]] = defaultdict(set)
        self._due: dict[str, float] = {}
        self._pause: dict[str, float] = {}

    def tell(self, waits: Sequence[Wait]) -> None:
        """Say of each wait what is new. That only numbers are others is no news."""
        now = time.monotonic()
        for wait in waits:
            label, sentence = wait.label, wait.sentence
            what = _NUMBER.sub("#", sentence)
            if what in self._said[label] and now < self._due[label]:
                continue
            pause = self._pause[label] = 2 * self._pause.get(label, AGAIN / 2)
            self._said[label].add(what)
            self._due[label] = now + pause
            say(f"{self._head}{sentence}")


@contextmanager
def reporting(client: ApiClient, names: Sequence[str], goes_on: str) -> Iterator[None]:
    """Tell what the body waits for, as soon as it takes longer than a moment.

    `names` are the backends that it is about; none: all. Ctrl-C: `goes_on` is said.
    """
    over = threading.Event()
    teller = threading.Thread(target=_tell, args=(client, names, over), daemon=True)
    teller.start()
    try:
        yield
    except KeyboardInterrupt:
        say_over(f"rpx: {goes_on}")
        raise
    finally:
        over.set()
        teller.join(LOOK)


def _tell(client: ApiClient, names: Sequence[str], over: threading.Event) -> None:
    progress = Progress()
    if over.wait(SILENT):
        return
    while True:
        try:
            waits = client.waits(names)
        except RpxError:  # it ends, or is of another version: the answer to the order says so
            waits = []
        if over.is_set():
            return
        progress.tell(waits)
        if over.wait(LOOK):
            return
