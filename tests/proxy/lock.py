"""A house with TLS: its certificates, and who believes them."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from rpx.certificates.authority import Authority
from rpx.certificates.leaves import Leaves
from rpx.model.config import Https
from rpx.proxy.contexts import Contexts
from tests.proxy.house import HOST, House, running
from tests.support.origin import Origin
from tests.support.raw import Raw


@dataclass
class Lock:
    """The certificates of a house, and what was said about them."""

    authority: Authority
    hosts: dict[str, Https] = field(default_factory=lambda: {HOST: Https()})
    said: list[str] = field(default_factory=list)
    ahead: float = 0.0  # days that the clock is

    def __post_init__(self) -> None:
        self.leaves = Leaves(self.authority, clock=self._now)
        self.contexts = Contexts(self.hosts, self.leaves, self.said.append)
        self.contexts.prepare()

    def _now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + dt.timedelta(days=self.ahead)

    def client(self) -> ssl.SSLContext:
        """The context of a client that believes the authority, and nobody else."""
        return ssl.create_default_context(cafile=str(self.authority.path))

    @asynccontextmanager
    async def house(self, *places: Origin | int, **details: Any) -> AsyncIterator[House]:  # noqa: ANN401 - of `running`
        https = details.pop("https", Https())
        async with running(*places, https=https, contexts=self.contexts, **details) as house:
            yield house


def names(client: Raw) -> set[str]:
    """Whom the server's certificate is for."""
    return {value for _, value in client.sock.stream.getpeercert()["subjectAltName"]}


def hello(context: ssl.SSLContext, host: str) -> bytes:
    """What a client says first."""
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(coming, going, server_hostname=host)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return going.read()
