"""Where a run has its dashboard: the program that answers there, and the URL that lets one in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import trio

from rpx.control.dashboard.admission import Admission
from rpx.hub.registry import Registry

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

USUAL: Final = (("http", 80), ("https", 443))


class DashboardHost:
    """The dashboard of a run at `host`. It answers once `serve` has said how; until then who asks
    waits for the moment that loading it takes.
    """

    def __init__(self, host: str, run: str, project: str) -> None:
        self.host = host
        self.project = project
        self.admission = Admission(run, time.monotonic)
        self._site: ASGIApp | None = None
        self._there = trio.Event()

    @classmethod
    def of(cls, host: str, run: str, project: str) -> DashboardHost | None:
        """Return that of a run of a project; None where it has no host for it."""
        return cls(host, run, project) if host else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""
        await self._there.wait()
        assert self._site is not None  # noqa: S101 - for the type checker
        await self._site(scope, receive, send)

    def serve(self, site: ASGIApp) -> None:
        """Have `site` answer from now on."""
        self._site = site
        self._there.set()

    def origins(self, registry: Registry) -> frozenset[str]:
        """Return the origins (RFC 6454) it is reached at; a usual port is said, and isn't."""
        found = set()
        ports = registry.ports.http, registry.ports.https
        for port, (scheme, usual) in zip(ports, USUAL, strict=True):
            if port:
                found.add(f"{scheme}://{self.host}:{port}")
                if port == usual:
                    found.add(f"{scheme}://{self.host}")
        return frozenset(found)

    def url(self, registry: Registry) -> str:
        """Return a URL that lets one browser in, within a minute.

        Without TLS, which a browser of this machine need not trust anybody for.
        """
        place = min(sorted(self.origins(registry)), key=len)
        return f"{place}/?token={self.admission.token()}"
