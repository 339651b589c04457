"""While a backend is stopped by hand, whoever listens at its address may have its requests.

Who wants to debug a service stops it and runs it himself, with a terminal: `rpx stop api`, `rpx run
api`. Clients are to find that one at https://api.localhost with all that belongs to it.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Final

import trio

from rpx.backend.claim import find, peer_of
from rpx.backend.health_checks import Absence
from rpx.backend.listening import answering, listening
from rpx.hub.endpoint import Endpoint
from rpx.hub.registry import Registry
from rpx.model.status import State

CONNECT_WITHIN: Final = 1.0


async def lend(registry: Registry, endpoint: Endpoint) -> None:
    """Look for somebody who stands in, and see him come and go, for as long as this runs.

    Nobody asks for his health: he may sit at a breakpoint. A refused connection takes him out.
    """
    if endpoint.spec.address is None:
        return
    absence = Absence()
    while True:
        changed = endpoint.changed
        if endpoint.state is not State.STOPPED or endpoint.paused or endpoint.in_rotation:
            absence = Absence()
            await changed.wait()
            continue
        endpoint.unsuspect()
        failure, spot = await find(endpoint.spec.address, CONNECT_WITHIN, _foreign_at)
        now = trio.current_time()
        if endpoint.state is not State.STOPPED or endpoint.paused:
            continue
        if spot is not None:
            registry.lend(endpoint, spot)
            registry.say(
                "stopped, but another process listens at its address: in rotation", endpoint
            )
            continue
        if endpoint.lent:
            registry.lend(endpoint, None)
            registry.say("stopped, and nothing listens at its address any more", endpoint)
        absence.note(failure, now)
        await trio.sleep(absence.pause(None, now) if absence.knocks else 1.0)


async def _foreign_at(sock: trio.socket.SocketType) -> str | None:
    """Whether the user who listens there is neither ours nor root."""
    if sys.platform != "linux":
        await trio.lowlevel.checkpoint()
        return None
    if sock.family == socket.AF_UNIX:
        users = {peer_of(sock)[1]}
    else:
        there = await trio.to_thread.run_sync(listening)
        host, port = sock.getpeername()[:2]
        users = {row.uid for row in answering(host, port, there)}
    return None if users <= {0, os.getuid()} else "another user listens there"
