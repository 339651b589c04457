"""Asks a running project for the requests that went through it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote

from rpx.errors import RpxError
from rpx.model.answers import read
from rpx.model.request_answers import AnsweredAgain, RequestRow, RequestsMissed, RequestTold
from rpx.runs.api_client import ApiClient

AGAIN: Final = 0.2  # seconds until a stream that broke is asked for again


def passed_requests(
    client: ApiClient, words: Sequence[str], tail: int | None = None
) -> list[RequestRow]:
    """The last requests that these filter words mean, oldest first."""
    query = {"filter": list(words)} | ({} if tail is None else {"tail": [str(tail)]})
    return [read(RequestRow, row) for row in client.look("/v1/requests", query)]


def passed_request(client: ApiClient, id_: str, *, secrets: bool = False) -> RequestTold:
    """All that is known of one. Raises: RpxError: it isn't kept."""
    query = {"secrets": ["true"]} if secrets else {}
    return RequestTold.of(client.look(f"/v1/requests/{quote(id_, safe='')}", query))


def replayed(client: ApiClient, id_: str, to: str) -> AnsweredAgain:
    """Have one sent again that may be, also if it changes something. Raises: RpxError."""
    body = {"to": to, "yes": True}
    (row,) = client.have(f"/v1/requests/{quote(id_, safe='')}/replay", body)
    return AnsweredAgain.of(row)


def following_requests(
    client: ApiClient, words: Sequence[str], tail: int
) -> Iterator[RequestRow | RequestsMissed]:
    """The last ones, and those that end from now on, until the project does.

    A stream that breaks goes on behind the last row that has come: none is lost, or it is said how
    many are. Raises: RpxError.
    """
    query = {"filter": list(words), "follow": ["true"], "tail": [str(tail)]}
    while True:
        try:
            with client.stream("/v1/requests", query) as rows:
                for row in rows:
                    if "missed" in row:
                        yield read(RequestsMissed, row)
                        continue
                    query = {key: query[key] for key in ("filter", "follow")}
                    query["after"] = [row["cursor"]]
                    yield read(RequestRow, row)
        except RpxError:
            if not client.still_runs():
                return
            raise
        if not client.still_runs():
            return
        time.sleep(AGAIN)
