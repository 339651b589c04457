"""The page of the whole machine, for who asks with TLS for a host that no project has.

Without TLS such a client goes back to the door, which has the same page.
"""

from __future__ import annotations

from functools import partial

import trio

from rpx.door.machine_listing import page_for
from rpx.door.roster import read_for_page
from rpx.door.starting import DoorPlace
from rpx.http.head import RequestHead
from rpx.http.machine_page import MACHINE_LINES, MachinePage, render_machine
from rpx.http.own_answers import answer
from rpx.hub.counts import Counts
from rpx.proxy.attempt import LINGER, After
from rpx.proxy.client import Client
from rpx.proxy.peers import is_near


async def show_machine(
    client: Client, request: RequestHead, door: DoorPlace, counts: Counts
) -> After:
    """Show who else there is to a client that asks for nobody of ours."""
    near = is_near(request, client.peer, client.shared.registry.routes.names)
    async with client.shared.reactor.task():
        page = await trio.to_thread.run_sync(partial(_page, request, door, near=near))
    body, kind = render_machine(page, request.field(b"accept"))
    counts.answered(page.status, 0.0)
    # A project may have the name soon, and the next request would not get there by this connection.
    client.parting = True
    add = {200: b"Cache-Control: no-store\r\n", 503: b"Retry-After: 1\r\n"}.get(page.status, b"")
    head, body = answer(
        page.status,
        body,
        kind,
        date=client.shared.sweeper.date,
        close=True,
        head_only=request.method == b"HEAD",
        add=MACHINE_LINES + add,
    )
    await client.send_head(head, [body])
    return LINGER


def _page(request: RequestHead, door: DoorPlace, *, near: bool) -> MachinePage:
    """In a worker."""
    members, known = read_for_page(door)
    return page_for(request, members, known, tls=True, near=near)
