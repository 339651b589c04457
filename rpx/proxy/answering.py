"""One request of a client: which site it is for, and who is to answer it."""

from __future__ import annotations

from rpx.http.head import RequestHead
from rpx.http.limits import BadMessage
from rpx.hub.request_ring import Record
from rpx.policy.routing import SERVE, verdict
from rpx.proxy.attempt import GOODBYE, LINGER, NEXT, After
from rpx.proxy.by_route import answer_by_route
from rpx.proxy.client import NO_REQUEST, Client
from rpx.proxy.exchange import Exchange
from rpx.proxy.refusals import too_many, without_backend
from rpx.proxy.within import answer_within


async def answer(client: Client, request: RequestHead) -> After:
    """Get a request answered; tell how its connection goes on.

    Raises: BadMessage when the body turns out malformed; OSError, WireCut when the client has gone.
    """
    registry = client.shared.registry
    if client.renaming is None:
        routes = registry.routes
        site = routes.plain.get(request.host) or routes.find(request.host, request.path)
    else:
        request, site = client.renaming(request, registry)
        client.peer = client.renaming.peer
    own = client.shared.own_host if site is None and not client.surplus else None
    if own is not None and own.host == request.host:
        return await answer_within(client, request, own.application)
    kept = registry.requests
    number, copies = kept.tags.next(), kept.copies
    record = client.record = Record(number, request, client.peer, client.protocol, copies)
    try:
        found = verdict(site, request, client)
        if client.surplus or found is not SERVE or site is None:
            refusing = too_many(client, request) if client.surplus else None
            after = await (refusing or without_backend(client, request, site, found))
        elif (pool := site.plain) is not None:
            after = await Exchange(client, request, pool).run()
        else:
            after = await answer_by_route(client, request, site)
    except BadMessage:
        client.counts = site.counts if site is not None else client.counts
        raise  # `malformed` answers it
    except BaseException:
        client.record = NO_REQUEST
        kept.add(record)
        raise
    client.record = NO_REQUEST
    kept.add(record)
    if after is NEXT and (client.gone or client.shared.draining):
        # A client that is there may not have been told so.
        return LINGER if client.shared.draining else GOODBYE
    return after
