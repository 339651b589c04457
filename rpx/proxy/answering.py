"""One request of a client: which pool it is for, and what is answered without a backend."""

from __future__ import annotations

from rpx.http.head import RequestHead
from rpx.http.limits import BadMessage
from rpx.proxy.client import Client
from rpx.proxy.exchange import Exchange
from rpx.proxy.refusals import answered_here, too_many


async def answer(client: Client, request: RequestHead) -> bool:
    """Get a request answered; tell whether its connection can take another.

    Raises: BadMessage when the body turns out malformed; OSError, WireCut when the client has gone.
    """
    if client.surplus:
        return await too_many(client, request)
    routes = client.shared.registry.routes
    pool = routes.plain.get(request.host) or routes.find(request.host, request.path)
    asked = client.asked
    astray = pool and pool.https if asked is None else asked and asked != request.host
    if pool is None or astray or request.max_forwards == 0 or request.loops:
        here = await answered_here(client, request, pool)
        if here is not None:
            return here
    if pool is None:
        return False  # for the type checker: answered_here has answered that
    try:
        exchange = Exchange(client, request, pool)
        await exchange.run()
    except BadMessage:
        client.counts = pool.counts
        raise
    return exchange.keep and not (client.gone or client.shared.draining)
