"""Tells of the changes of a running project, one after the other, over breaks of the connection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from rpx.errors import NotRunning, RpxError
from rpx.model.answers import event_of
from rpx.model.status import Event
from rpx.runs.api_client import ApiClient

AGAIN: Final = 0.2  # seconds until a stream that broke is asked for again


def following_events(client: ApiClient) -> Iterator[Event | None]:
    """What happens from now on, until the project ends; None: some may have been missed.

    A stream that breaks goes on behind the last event that has come.
    """
    after = ""
    while True:
        try:
            with client.stream("/v1/events", {"after": after} if after else {}) as rows:
                for row in rows:
                    after = row.get("id", after)
                    if (event := event_of(row)) is not None or "missed" in row:
                        yield event
        except NotRunning:
            return
        except RpxError:  # it broke, or the id is not known any more
            after = ""
            yield None
        if not client.still_runs():
            return
        time.sleep(AGAIN)
