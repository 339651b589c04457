"""Is it well? One look at a process or an address, in the way that its health check says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from rpx.backend.claim import Claim
from rpx.backend.probe import HELD, http_check, is_silence, tcp_check
from rpx.backend.probe_grpc import grpc_check
from rpx.backend.probe_h2c import h2c_check
from rpx.backend.side_command import Aside
from rpx.hub.endpoint import Endpoint
from rpx.hub.process import Process
from rpx.model.address import Address, Location
from rpx.model.config import HealthCheck
from rpx.model.status import State

CONNECT_TIMEOUT: Final = 1.0  # of a check that only connects, in seconds
Beside = Callable[[], Aside]  # what runs a check's command, asked anew for each


async def check_endpoint(
    endpoint: Endpoint, claim: Claim | None = None, beside: Beside | None = None
) -> str | None:
    """Tell why `endpoint` isn't well, None if it is.

    One with a health check is asked that; one without must take a connection. With a `claim`, who
    is asked has to be its own process.
    """
    spec = endpoint.spec
    asked = spec.health_check
    if asked is None or endpoint.state is not State.READY:
        # Far cheaper than a request, and most of the time nobody listens yet.
        refused = await _knock(endpoint, spec.address, claim)
        if refused is not None or asked is None:
            return await _excused(refused, claim)
    if asked.tcp is not None:
        return await _excused(await _connected(asked.tcp, asked.timeout, claim), claim)
    if asked.command is not None:
        return await _excused(await _run(asked, beside, _where(endpoint)), claim)
    ask = _asks(spec.address, asked)
    return await _excused(await ask(spec.address, asked, endpoint.found_at), claim)


async def check_process(process: Process, claim: Claim | None, beside: Beside | None) -> str | None:
    """Tell why a process that has no address isn't well; who listens has to be itself."""
    asked = process.spec.health_check
    if asked is None:
        return None
    if asked.tcp is not None:
        return await _excused(await _connected(asked.tcp, asked.timeout, claim), claim)
    if asked.command is not None:
        return await _excused(await _run(asked, beside, {}), claim)
    place = process.spec.listens
    return await _excused(None if place is None else await _answers(place, asked, claim), claim)


async def _answers(place: Location, asked: HealthCheck, claim: Claim | None) -> str | None:
    refused, spot = None, None
    if claim is not None:
        refused, spot = await claim.find(place, CONNECT_TIMEOUT)
    return refused or await _asks(place, asked)(place, asked, spot)


def _asks(
    place: Location, check: HealthCheck
) -> Callable[[Location, HealthCheck, Location | None], Awaitable[str | None]]:
    if check.grpc is not None:
        return grpc_check
    return h2c_check if place.h2c else http_check


def _where(endpoint: Endpoint) -> dict[str, str]:
    """Return what tells a command which of the addresses of its process is asked for."""
    address = endpoint.spec.address
    if endpoint.own or not isinstance(address, Address):
        return {}
    return {"PORT": str(address.port), "HOST": address.host}


async def _run(asked: HealthCheck, beside: Beside | None, more: dict[str, str]) -> str | None:
    if asked.command is None or beside is None:
        return None
    return await beside().run(asked.command, within=asked.timeout, **more)


async def _connected(place: Location, within: float, claim: Claim | None) -> str | None:
    if claim is None:
        return await tcp_check(place, within)
    return (await claim.find(place, within))[0]


async def _excused(failure: str | None, claim: Claim | None) -> str | None:
    held = claim is not None and is_silence(failure) and await claim.is_held()
    return HELD if held else failure


async def _knock(endpoint: Endpoint, address: Location, claim: Claim | None) -> str | None:
    if claim is None:
        return await tcp_check(address, CONNECT_TIMEOUT)
    refused, spot = await claim.find(address, CONNECT_TIMEOUT)
    if spot is not None:
        endpoint.find(spot)
    return refused
