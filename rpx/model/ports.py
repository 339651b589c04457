"""Where rpx itself listens."""

from __future__ import annotations

from dataclasses import dataclass

HTTPS = 443  # what `https:` means in a URL without a port


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of rpx's own listeners: for HTTP, and for HTTP in TLS. 0: nothing listens."""

    http: int = 0
    https: int = 0

    def of(self, *, tls: bool) -> int:
        """Return the port of URLs with or without TLS; while nothing listens for TLS, the usual
        one.
        """
        return self.https or HTTPS if tls else self.http
