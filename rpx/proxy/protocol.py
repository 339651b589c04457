"""Somebody hangs up on HTTP without a word: is it TLS that it waits for?

It is asked so when a request has failed there, and only as long as it has never answered one. (Who
speaks HTTP/2 says so at once.)
"""

from __future__ import annotations

from collections.abc import Iterable

import trio

from rpx.http.protocols import spoken
from rpx.hub.backend_tls import client_hello
from rpx.hub.endpoint import Endpoint
from rpx.policy.protocol_hints import hint_for, speaks
from rpx.policy.retry import Failure
from rpx.proxy.shared import SharedState
from rpx.proxy.wire import WireCut

PATIENCE = 0.2  # seconds for its answer


async def ask_for_tls(shared: SharedState, backends: Iterable[Endpoint]) -> None:
    """Put a name to what is wrong with those that broke off, if TLS is what they speak."""
    broken = [each for each in backends if each.last_error == Failure.BROKEN_FRESH.value]
    for backend in broken:
        if backend.seats.speaks is None and not has_answered(backend):
            said = spoken(await _answer(shared, backend, client_hello()))
            backend.seats.speaks = "TLS" if said == "TLS" else ""
            break  # the next request asks the next one
    for backend in broken:
        if backend.seats.speaks:
            wrong_protocol(shared, backend, backend.seats.speaks)


def wrong_protocol(shared: SharedState, backend: Endpoint, protocol: str) -> None:
    """Say, once, that `backend` speaks something else than it is asked in."""
    backend.blame(speaks(protocol))
    shared.remark(
        backend, f"{backend.last_error}: {hint_for(backend.last_error, backend.spec.address)}"
    )


async def _answer(shared: SharedState, backend: Endpoint, greeting: bytes) -> bytes:
    """Return the first bytes that `backend` has for somebody who begins like this."""
    async with shared.reactor.task():
        with trio.move_on_after(PATIENCE):
            try:
                wire = await shared.upstreams.open(
                    backend,
                    shared.sweeper.now,
                    within=shared.settings.timeouts.connect,
                    single=True,
                )
            except OSError:
                return b""
            try:
                await wire.send(greeting)
                return await wire.receive()
            except (OSError, WireCut):
                return b""
            finally:
                wire.drop()
        return b""


def has_answered(backend: Endpoint) -> bool:
    """Whether it has shown that it speaks HTTP/1.1: 502 is what rpx said in its stead."""
    return any(status != 502 for status in backend.counts.codes)
