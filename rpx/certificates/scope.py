"""What an authority may certify: names with all below them, addresses, networks; and what not."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

from cryptography import x509

from rpx.errors import RpxError

# A name stands for itself and all below it (RFC 5280 §4.2.1.10). These two can only be this machine
# (RFC 6761); `local` is all that answers in the network, `internal` that of a company or a cloud.
DEFAULT: Final = ("localhost", "test")
LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
PRIVATE: Final = frozenset(
    {"corp", "home", "internal", "intranet", "lan", "local", "localdomain", "private"}
)
# Below these everybody may have a name, as below a top-level domain. The list of all is long, and
# changes: these are the ones that somebody who develops may think of.
_PUBLIC_SECOND: Final = frozenset(
    {"ac", "co", "com", "edu", "go", "gob", "gov", "mil", "ne", "net", "or", "org"}
)
_SHARED: Final = frozenset(
    {
        *("amazonaws.com", "appspot.com", "azurewebsites.net", "blogspot.com", "cloudfront.net"),
        *("cloudfunctions.net", "deno.dev", "firebaseapp.com", "fly.dev", "github.dev"),
        *("github.io", "githubpreview.dev", "githubusercontent.com", "gitlab.io", "gitpod.io"),
        *("glitch.me", "herokuapp.com", "loca.lt", "netlify.app", "ngrok-free.app", "ngrok.app"),
        *("ngrok.io", "now.sh", "onrender.com", "pages.dev", "railway.app", "repl.co", "run.app"),
        *("surge.sh", "trycloudflare.com", "ts.net", "vercel.app", "web.app", "workers.dev"),
    }
)
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")  # `_`: see leaves.py


def permits(allowed: Iterable[str], host: str) -> bool:
    """Whether `host` belongs to these names, each with all below it, and networks."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return any(host == name or host.endswith(f".{name}") for name in allowed)
    return any(address in network for network in map(_network, allowed) if network)


def check_allowed(text: str) -> str:
    """A name or address that a user wants the authority to certify, in its usual form.

    Raises: RpxError for what it isn't, or what would be far too much.
    """
    name = text.lower().removeprefix("*.").removesuffix(".")  # a name has all below it anyway
    if network := _network(name.strip("[]")):
        if network.num_addresses > 1 and not network.is_private:
            raise _too_much(f"`{network}`", "a single address, or a private network")
        return str(network)
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        hint = "write a name, with all below it, or an address: `rpx trust --allow shop.dev`"
        raise RpxError(f"not a host name: `{text}`", hint=hint, exit_code=2)
    if _is_everybodys(name):
        raise _too_much(f"`.{name}`", f"your own name: `rpx trust --allow shop.{name}`")
    return name


def constraints(allowed: Iterable[str]) -> x509.NameConstraints:
    """The same for a certificate (RFC 5280 §4.2.1.10)."""
    return x509.NameConstraints([*map(_subtree, allowed)], None)


def allowed_by(certificate: x509.Certificate) -> tuple[str, ...]:
    """What a certificate says its owner may certify. Raises: x509.ExtensionNotFound."""
    found = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    return tuple(str(subtree.value) for subtree in found.value.permitted_subtrees or [])


def _is_everybodys(name: str) -> bool:
    """Whether anybody can register a name right below this one."""
    second, _, top = name.rpartition(".")
    if not second:
        return name not in PRIVATE and name not in DEFAULT
    return name in _SHARED or (second in _PUBLIC_SECOND and len(top) == 2)


def _too_much(what: str, instead: str) -> RpxError:
    told = f"an authority for all of {what} could pose as every site there"
    return RpxError(told, hint=f"allow {instead}", exit_code=2)


def _subtree(name: str) -> x509.GeneralName:
    network = _network(name)
    return x509.IPAddress(network) if network else x509.DNSName(name)


def _network(name: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(name)
    except ValueError:
        return None


def is_address(text: str) -> bool:
    """Tell whether a text is a literal IP address, without brackets."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
