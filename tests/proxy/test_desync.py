"""Mutated Transfer-Encodings on their way through a real server (RFC 9112 §11.2)."""

from __future__ import annotations

import h11

from tests.http.mutations import notorious
from tests.proxy.house import running
from tests.support.origin import OK, answers, origin

SMUGGLED = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: api.localhost\r\n\r\n"


def read(raw: bytes) -> tuple[bytes, bytes, bytes]:
    """Return target, body, and what is behind it, as h11 reads a request."""
    conn = h11.Connection(h11.SERVER)
    conn.receive_data(raw)
    head = conn.next_event()
    assert isinstance(head, h11.Request)
    body = b""
    while isinstance(event := conn.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    return head.target, body, conn.trailing_data[0]


async def test_all_134_are_refused_or_mean_the_same_to_the_origin() -> None:
    made = list(notorious())
    assert len(made) == 134
    passed = []
    async with origin(answers(OK)) as backend, running(backend) as house:
        for lines in made:
            seen = len(backend.requests)
            client = await house.client()
            await client.send(
                b"POST /first HTTP/1.1\r\n%b\r\nHost: api.localhost\r\nContent-Length: %d\r\n\r\n"
                % (lines, len(SMUGGLED))
                + SMUGGLED
            )
            answer = await client.answer()
            if answer.status == 200:
                passed.append(lines)
                assert read(b"".join(backend.requests[seen:])) == (b"/first", SMUGGLED, b"")
                await client.send(b"GET /next HTTP/1.1\r\nHost: api.localhost\r\n\r\n")
                assert (await client.answer()).body == b"ok"
                assert backend.requests[seen + 1].startswith(b"GET /next ")
            else:
                assert answer.status in {400, 501}, lines
                assert await client.ended() == "closed"
                assert len(backend.requests) == seen
    # To them it was no coding but the value of another field.
    assert passed == [b"X: X%cTransfer-Encoding: chunked" % c for c in (0x09, 0x20, 0xA0, 0xFF)]
