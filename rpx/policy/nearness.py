"""Who is on this machine, and which names mean it: only those are told what isn't for others.

A page of another site reaches us, too, once its own name leads to 127.0.0.1 (DNS rebinding). But
then the browser says that name in Host, and it is one that somebody can have in the public DNS.
"""

from __future__ import annotations

import ipaddress

# Nobody can register a name below these, and developers use them: RFC 6761 §6, RFC 6762 §3, and
# `internal` by ICANN's word of 2024. (A name without a dot is whatever a resolver makes of it.)
_RESERVED = frozenset(("localhost", "test", "internal", "local"))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address_of(text: str) -> Address | None:
    """The address that is written there, with or without brackets and zone; None if it is none."""
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(text: str) -> bool:
    """Whether that is an address of this machine alone."""
    address = address_of(text)
    return address is not None and address.is_loopback


def is_nobodys(host: str) -> bool:
    """Whether a host without its port is ours by address, or a name no other site can have."""
    last = host.lower().removesuffix(".").rpartition(".")[2]
    return last in _RESERVED or is_loopback(host)
