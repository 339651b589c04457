"""One request of a client: which site it is for, and who is to answer it."""

from __future__ import annotations

from rpx.http.head import RequestHead
from rpx.http.limits import BadMessage
from rpx.policy.routing import SERVE, verdict
from rpx.proxy.attempt import GOODBYE, LINGER, NEXT, After
from rpx.proxy.by_route import answer_by_route
from rpx.proxy.client import Client
from rpx.proxy.exchange import Exchange
from rpx.proxy.refusals import too_many, without_backend
from rpx.proxy.within import answer_within


async def answer(client: Client, request: RequestHead) -> After:
    """Get a request answered; tell how its connection goes on.

    Raises: BadMessage when the body turns out malformed; OSError, WireCut when the client has gone.
    """
    if client.surplus:
        return await too_many(client, request)
    if client.renaming is None:
        routes = client.shared.registry.routes
        site = routes.plain.get(request.host) or routes.find(request.host, request.path)
    else:
        request, site = client.renaming(request, client.shared.registry)
        client.peer = client.renaming.peer
    if site is None and (own := client.shared.own_host) and own.host == request.host:
        return await answer_within(client, request, own.application)
    found = verdict(site, request, client)
    if site is None or found is not SERVE:
        return await without_backend(client, request, site, found)
    try:
        if (pool := site.plain) is not None:
            after = await Exchange(client, request, pool).run()
        else:
            after = await answer_by_route(client, request, site)
    except BadMessage:
        client.counts = site.counts
        raise
    if after is NEXT and client.shared.draining:
        return LINGER  # though the client may not have been told so
    return GOODBYE if after is NEXT and client.gone else after
