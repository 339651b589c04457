"""Who comes from where: whom we believe about others, and who is on this machine."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from rpx.http.forwarded import Forwarding, claims
from rpx.http.head import RequestHead
from rpx.policy.nearness import address_of, is_loopback, is_nobodys

_PORT = re.compile(r":[0-9]*+\Z")
_LOCALHOST = ("127.0.0.0/8", "::1")


class Peers:
    """The proxies and tunnels whose X-Forwarded-* lines are believed (`listen.trusted_proxies`)."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        """`trusted`: addresses, networks, and `localhost`."""
        names = [
            one for each in trusted for one in (_LOCALHOST if each == "localhost" else (each,))
        ]
        self._networks = [ipaddress.ip_network(name) for name in names]
        # Of one client there are many connections.
        self._known = lru_cache(maxsize=1024)(self._looked_up)

    def trusts(self, address: str) -> bool:
        """Whether a client at this address is one of them."""
        return bool(self._networks) and self._known(address)

    def _looked_up(self, text: str) -> bool:
        address = address_of(text)
        return address is not None and any(address in network for network in self._networks)


def is_near(request: RequestHead, peer: Forwarding, names: Callable[[str], bool]) -> bool:
    """Whether somebody on this machine asks, and not for a page of elsewhere.

    `names`: whether a proxy has a host by name, and not because it takes any. Who came through a
    tunnel is not near; that is believed of whoever says it, since nobody gains by it.
    """
    if not is_loopback(peer.client.decode()):
        return False
    said = claims(request)
    hops = said.chain.decode("latin-1").split(",") if said.chain else []
    hosts = (request.host, _PORT.sub("", said.host.decode("latin-1")))
    return all(is_loopback(hop.strip()) for hop in hops) and all(
        not host or names(host) or is_nobodys(host) for host in hosts
    )
