"""An answer of a backend as its client is to have it: with places that it knows, and its cookie."""

from __future__ import annotations

from rpx.http.head import RequestHead
from rpx.http.response import ResponseHead
from rpx.hub.endpoint import Endpoint, Pool
from rpx.proxy.client import Client
from rpx.proxy.passage import at_home
from rpx.proxy.sticky_cookie import add_cookie


def handed_on(
    response: ResponseHead,
    client: Client,
    request: RequestHead,
    backend: Endpoint,
    *,
    pool: Pool,
    preferred: Endpoint | None,
) -> ResponseHead:
    """Return the answer for the client. `preferred`: the backend that its cookie names."""
    if client.passage is not None:
        response = client.passage.of_backend(response, backend.spec)
    elif backend.spec.change_origin:
        response = at_home(response, request, client.peer, backend.spec)
    if pool.affinity is not None:
        secure = client.renaming is None and client.has_tls(request)
        say, host = client.shared.registry.say, request.host
        response = add_cookie(
            response, pool.affinity, backend, preferred, say, host=host, secure=secure
        )
    return response if client.renaming is None else client.renaming.returned(response)
