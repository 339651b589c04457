"""A client's side of one connection to the proxy: a call of grpc.health.v1 at a time."""

from __future__ import annotations

import trio

from rpx.drill.http_client import READ, ClientStream, NoAnswer, Target, connected, hang_up
from rpx.http.frames import ConnectionFault
from rpx.http.grpc_health import PATH, ailment, question, request_fields
from rpx.http.h2_caller import H2Caller

GRPC_PATH = PATH.decode()
WITHIN = 10.0  # seconds that the server may take, as it is told


class GrpcConnection:
    """One connection, which is kept while both sides want it. `reusable`: it can take another."""

    def __init__(self, stream: ClientStream) -> None:
        self._stream = stream
        self._caller = H2Caller(trio.current_time())
        self.reusable = True

    @classmethod
    async def open(cls, target: Target) -> GrpcConnection:
        """Connect to the first address that answers. Raises: NoAnswer."""
        return cls(await connected(target))

    async def ask(self, target: Target) -> int:
        """Call, and read the whole answer; its HTTP status. Raises: NoAnswer."""
        self.reusable = False
        caller, service = self._caller, target.grpc or ""
        scheme = b"https" if target.tls else b"http"
        head = request_fields(scheme, target.host.encode(), WITHIN, b"rpx-drill")
        caller.ask(head, question(service))
        try:
            await self._converse(caller)
        except trio.BrokenResourceError:
            raise NoAnswer("connection reset") from None
        except ConnectionFault:
            raise NoAnswer("malformed answer") from None
        failure = caller.fault or ailment(service, caller.head, caller.body, caller.trailers)
        self.reusable = caller.reusable
        if failure:
            raise NoAnswer(failure)
        return 200

    async def _converse(self, caller: H2Caller) -> None:
        while True:
            if said := caller.take():
                await self._stream.send_all(said)
            if caller.over:
                return
            data = bytes(await self._stream.receive_some(READ))
            if not data:
                raise NoAnswer("closed without an answer")
            caller.feed(data, trio.current_time())

    def close(self) -> None:
        """Close it at once."""
        hang_up(self._stream)
