"""A server of HTTP/2 in a test's hand, as h2 has it, that answers calls of grpc.health.v1."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, StreamEnded
from h2.exceptions import ProtocolError

from tests.support.raw import Raw

Reply = Callable[[H2Connection, int], None]
SERVING = b"\0\0\0\0\x02\x08\x01"
OK = [(":status", "200"), ("content-type", "application/grpc")]


def says(body: bytes, code: str = "0") -> Reply:
    def reply(h2: H2Connection, number: int) -> None:
        h2.send_headers(number, OK)
        h2.send_data(number, body)
        h2.send_headers(number, [("grpc-status", code)], end_stream=True)

    return reply


def only_trailers(h2: H2Connection, number: int) -> None:
    h2.send_headers(number, [*OK, ("grpc-status", "12")], end_stream=True)


def resets(h2: H2Connection, number: int) -> None:
    h2.reset_stream(number, 2)


def refuses(h2: H2Connection, number: int) -> None:
    h2.reset_stream(number, 7)


def leaves(h2: H2Connection, _: int) -> None:
    h2.close_connection(last_stream_id=0)


def endless(h2: H2Connection, number: int) -> None:
    h2.send_headers(number, OK)
    while window := min(h2.local_flow_control_window(number), 16384):
        h2.send_data(number, bytes(window))


def serves(reply: Reply, seen: list[bytes] | None = None) -> Callable[[Raw], Awaitable[None]]:
    """What a backend does that answers each request so."""

    async def script(raw: Raw) -> None:
        h2 = H2Connection(H2Configuration(client_side=False, validate_inbound_headers=True))
        h2.initiate_connection()
        try:
            await raw.send(h2.data_to_send())
            while await raw.more():
                for event in h2.receive_data(bytes(raw.buffer)):
                    if isinstance(event, DataReceived) and seen is not None:
                        seen.append(event.data)
                    if isinstance(event, StreamEnded):
                        reply(h2, event.stream_id)
                raw.buffer = b""
                await raw.send(h2.data_to_send())
        except (OSError, ProtocolError):
            return

    return script
