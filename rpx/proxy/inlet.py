"""Listeners for the services of this machine: each leads to one proxy, whatever host is asked for.

A URL with an address needs no resolver and no certificate. What comes by it is taken for a request
for the public name, and goes on as such.
"""

from __future__ import annotations

import socket

import trio

from rpx.http.forwarded import Forwarding, forwarding
from rpx.http.given_back import Swap, places
from rpx.http.head import RequestHead
from rpx.http.response import ResponseHead
from rpx.http.rewrite import as_of, with_origin
from rpx.hub.registry import Registry
from rpx.hub.site import Site
from rpx.policy.nearness import address_of, is_nobodys
from rpx.policy.plan import url_of


class Inlet:
    """One such listener. `to` is that of its proxy, "" once there is none; `origin` its own URL.

    `before` is what that was until the last reload: its backends answer until there are others.
    """

    __slots__ = ("before", "closing", "listener", "origin", "to")

    def __init__(self, listener: socket.socket, to: str) -> None:
        self.listener = listener
        host, port = listener.getsockname()
        self.origin = b"http://%b:%d" % (host.encode(), port)
        self.to = self.before = to
        self.closing = trio.CancelScope()

    def lead(self, to: str) -> None:
        """Lead to another proxy, or the same, from now on."""
        self.before, self.to = self.to, to


class Renaming:
    """Gives each request of one client the public name. `peer`: how the client would have come."""

    __slots__ = (
        "_authority",
        "_block",
        "_foreign",
        "_host",
        "_inlet",
        "_origin",
        "_places",
        "_ports",
        "_prefix",
        "_renamed",
        "_tls",
        "_to",
        "peer",
    )

    def __init__(self, inlet: Inlet, peer: Forwarding) -> None:
        self._inlet = inlet
        self.peer = peer
        self._to: str | None = None  # all below is of this, and of these two
        self._ports: object = None
        self._tls = False
        self._host, self._authority, self._origin, self._prefix = "", b"", b"", b""
        self._places = places(b"", ())
        self._block: bytes | None = None  # as the client has said it, which it does again and again
        self._renamed = b""
        self._foreign = False

    def __call__(self, request: RequestHead, registry: Registry) -> tuple[RequestHead, Site | None]:
        """Return the request as if for the public name, and the site that it is for."""
        to = self._inlet.to
        site = registry.sites.get(to)
        if site is None:
            to = self._inlet.before
            site = registry.sites.get(to)
        if site is None:
            return request, None
        tls = site.https is not None
        if to is not self._to or registry.ports is not self._ports or tls is not self._tls:
            self._learn(to, registry, tls=tls)
        block = request.block
        if block is not self._block:
            self._block = block
            self._foreign = _is_from_a_page(request) and not registry.routes.names(request.host)
            self._renamed = with_origin(block, b"http://" + request.authority, self._origin)
        if self._foreign:
            return request, None
        if self._prefix and not (request.path + b"/").startswith(self._prefix + b"/"):
            site = None
        return as_of(request, self._host, self._authority, self._renamed), site

    def returned(self, response: ResponseHead) -> ResponseHead:
        """Return the answer; what it says of a place of this proxy is for who has come by here.

        Many servers make a whole URL of a redirect (RFC 9110 §10.2.2), from the Host that they see.
        """
        block = self._places.given_back(response.block)
        return response if block is response.block else response.altered(block)

    def _learn(self, to: str, registry: Registry, *, tls: bool) -> None:
        self._to, self._ports, self._tls = to, registry.ports, tls
        self._host, slash, path = to.partition("/")
        url = url_of(self._host, registry.ports.of(tls=tls), tls=tls)
        scheme, _, authority = url.partition("://")
        self._authority, self._origin = authority.encode(), url.encode()
        self._prefix = f"/{path}".encode() if slash else b""
        self._places = places(self._inlet.origin, (self._origin,), Swap(self._prefix, self._prefix))
        self.peer = forwarding(self.peer.client.decode(), scheme, trusted=self.peer.trusted)
        self._block = None


def _is_from_a_page(request: RequestHead) -> bool:
    """Whether a browser asks for a name that a web site can have, which then leads to us.

    By such a name (DNS rebinding) the page of any web site could read what a service answers, past
    the check of Host by which servers for developers notice it: we send them a Host of ours.
    """
    host = request.host
    if "." not in host or address_of(host) is not None or is_nobodys(host):
        return False
    return any(request.field(name) is not None for name in (b"accept-language", b"origin"))
