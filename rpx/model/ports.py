"""Where rpx itself listens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

HTTPS = 443  # what `https:` means in a URL without a port


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of rpx's own listeners: for HTTP, and for HTTP in TLS. 0: nothing listens.

    `services`: by the variable that tells it (RPX_API_URL), the port by which they reach a proxy.
    """

    http: int = 0
    https: int = 0
    services: Mapping[str, int] = field(default_factory=dict)

    def of(self, *, tls: bool) -> int:
        """Return the port of URLs with or without TLS; while nothing listens for TLS, the usual
        one.
        """
        return self.https or HTTPS if tls else self.http
