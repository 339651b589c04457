"""Clients that are given back while there is no door: the next one gets them."""

from __future__ import annotations

import os
from typing import Final

from rpx.proxy.arrival import Arrival

MOST: Final = 256

GivenBack = tuple[Arrival, int, bytes]  # how it has come, its descriptor, what it has said


class BetweenDoors:
    """Keeps them, and their descriptors open."""

    def __init__(self) -> None:
        self._clients: list[GivenBack] = []

    @property
    def full(self) -> bool:
        """There is no room for another one."""
        return len(self._clients) >= MOST

    def keep(self, client: GivenBack) -> None:
        """Keep one more; its descriptor is ours now."""
        self._clients.append(client)

    def take(self) -> list[GivenBack]:
        """Return all of them, with their descriptors, and keep none."""
        clients, self._clients = self._clients, []
        return clients

    def close(self) -> None:
        """Give up those who wait."""
        for _, sock, _ in self.take():
            os.close(sock)
