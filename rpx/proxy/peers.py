"""Who comes from where: whom we believe about others, and who is on this machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

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
        address = _address(text)
        return address is not None and any(address in network for network in self._networks)


def is_loopback(text: str) -> bool:
    """Whether that is an address of this machine alone."""
    address = _address(text)
    return address is not None and address.is_loopback


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
