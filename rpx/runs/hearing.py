"""The events of a running project, for trio programs (the drill)."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import trio

from rpx.model.answers import event_of
from rpx.model.status import Event
from rpx.runs.api_client import ANSWERS_WITHIN, broken, not_running
from rpx.runs.json_lines import Lines
from rpx.runs.lease import Lease


async def hear_events(
    lease: Lease, hear: Callable[[Event], None], *, task_status: trio.TaskStatus[None]
) -> None:
    """Hear every event from now on, until cancelled or the project ends. Raises: RpxError."""
    # The transport is given: HTTP_PROXY and its like must not come between. Nothing is encrypted,
    # and so no authorities are read.
    transport = httpx.AsyncHTTPTransport(uds=str(lease.socket), trust_env=False, verify=False)
    timeout = httpx.Timeout(ANSWERS_WITHIN, read=None)
    try:
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://rpx") as http,
            http.stream("GET", "/v1/events", timeout=timeout) as answer,
        ):
            task_status.started()
            lines = Lines()
            try:
                async for chunk in answer.aiter_bytes():
                    for row in lines.feed(chunk):
                        if (event := event_of(row)) is not None:
                            hear(event)
            except (httpx.RemoteProtocolError, httpx.ReadError):
                return  # the project has ended, and the connection with it
    except httpx.ConnectError:
        raise not_running(lease) from None
    except httpx.TransportError as error:
        raise broken(lease, error) from None
