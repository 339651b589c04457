"""The cookie of sticky sessions: whom it names in a request, and adding it to an answer."""

from __future__ import annotations

from collections.abc import Callable

from rpx.http.cookies import set_cookie, take_cookie, without_set_cookie
from rpx.http.head import RequestHead
from rpx.http.response import ResponseHead
from rpx.hub.endpoint import Endpoint
from rpx.policy.affinity import Affinity


def preferred_by(
    request: RequestHead, affinity: Affinity[Endpoint]
) -> tuple[Endpoint | None, RequestHead]:
    """Return the backend that the client's cookie names, and the request without that cookie."""
    block, values = take_cookie(request.block, affinity.cookie)
    return affinity.member(values), request.altered(request.target, block)


def add_cookie(
    response: ResponseHead,
    affinity: Affinity[Endpoint],
    backend: Endpoint,
    preferred: Endpoint | None,
    say: Callable[[str, Endpoint], None],
    *,
    host: str,
    secure: bool,
) -> ResponseHead:
    """Return the answer, to who asks for `host`, with a cookie that names `backend`, which gives
    it; without one when the client's own named it: that is who was `preferred`.

    `secure`: to a client that came with TLS.
    What the backend itself sets under that name is taken out, or the client would lose its place.
    """
    block = without_set_cookie(response.block, affinity.cookie)
    if len(block) != len(response.block) and not affinity.warned:
        affinity.warned = True
        say(
            f"sets a cookie `{affinity.cookie.decode('ascii')}`, which the cookie of `sticky`"
            " replaces: choose another name with `sticky: {cookie: …}`",
            backend,
        )
    if backend is not preferred and backend in affinity:
        value = affinity.value(backend)
        block += set_cookie(
            affinity.cookie, value, path=affinity.path(host), ttl=affinity.ttl, secure=secure
        )
    return response.altered(block)
