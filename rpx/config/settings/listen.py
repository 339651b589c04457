"""`listen` and `metrics`: where clients connect, and where Prometheus looks.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import BeforeValidator, Field, StrictBool

from rpx.config.settings.forms import FILLED, any_of, list_of
from rpx.config.settings.values import Port
from rpx.config.settings.written import Kind, Maybe, Needed, Written, listed, needed, setting
from rpx.config.wording import shown, wrong
from rpx.model.own_settings import Listen, Metrics


def network(value: object) -> object:
    """An address, a network of them (CIDR), or localhost, in its usual form."""
    if not isinstance(value, str) or value == "localhost":
        return value
    try:
        found = ipaddress.ip_network(value.strip().strip("[]"), strict=False)
    except ValueError:
        raise wrong(
            f"is neither an address nor a network: {shown(value)}",
            'for example 127.0.0.1, "::1", 10.0.0.0/8 or localhost',
        ) from None
    return str(found.network_address if found.num_addresses == 1 else found)


Host = Annotated[str, Field(min_length=1), Kind("`localhost` or an address")]
Networks = Annotated[
    tuple[Annotated[str, BeforeValidator(network)], ...],
    BeforeValidator(listed),
    Kind("addresses, networks as `10.0.0.0/8`, `localhost`", any_of(FILLED, list_of(FILLED)), list),
]


class ListenWritten(Written):
    """`listen`."""

    example = "listen: {http_port: 8080}"
    nouns = (Listen,)

    host: Maybe[Host] = setting(
        "`localhost` is 127.0.0.1 and ::1, nothing else; `::` is every address of this machine,"
        " `0.0.0.0` every one of IPv4"
    )
    http_port: Maybe[Port] = setting(
        "0 is any free port", "80, else 8080 and upward; without proxies none"
    )
    https_port: Maybe[Port] = setting(
        "likewise; it is listened on when a proxy has [`https`](#https)",
        "443, else 8443 and upward",
    )
    door: Maybe[StrictBool] = setting(
        "[other projects have the same ports](front-door.md); `false`, a port 0 and a `host` that"
        " isn't this machine alone are for listeners of this project's own"
    )
    trusted_proxies: Maybe[Networks] = setting(
        "addresses of tunnels and proxies before rpx:"
        " [what these say of their own clients](proxying.md#behind-a-tunnel-or-another-proxy) is"
        " believed"
    )


class MetricsWritten(Written):
    """`metrics`."""

    example = "metrics: {port: 9180}"
    nouns = (Metrics,)

    port: Needed[Port] = needed(
        "where `/metrics` answers, on 127.0.0.1 and ::1, for requests with `localhost`, a loopback"
        " address or a host of the project as `Host`. 0 is any free port; rpx prints which",
        "say where Prometheus may look, for example `port: 9180`",
    )
