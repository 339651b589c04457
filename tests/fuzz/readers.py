"""How others read a message: h11, and llhttp through httptools."""

from __future__ import annotations

from dataclasses import dataclass, field

import h11
import httptools

Fields = list[tuple[bytes, bytes]]


@dataclass
class Reading:
    """A message as somebody understood it."""

    method: bytes = b""
    target: bytes = b""
    status: int = 0
    reason: bytes = b""
    fields: Fields = field(default_factory=list)
    body: bytes = b""
    trailers: Fields = field(default_factory=list)
    complete: bool = False
    rest: bytes = b""
    keeps: bool = False
    refused: str = ""  # why, if it was


def request_by_h11(raw: bytes) -> Reading:
    """Read the first request of a connection."""
    conn = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    read = Reading()
    try:
        conn.receive_data(raw)
        head = conn.next_event()
        if not isinstance(head, h11.Request):
            read.refused = f"not a request but {head!r}"
            return read
        read.method, read.target = head.method, head.target
        read.fields = list(head.headers)
        _body_by_h11(conn, read)
    except h11.ProtocolError as error:
        read.refused = str(error)
    return read


def response_by_h11(raw: bytes, method: bytes, upgrade: bytes | None, *, eof: bool) -> Reading:
    """Read one head, and its body if it is final; `eof`: the connection ends behind `raw`."""
    conn = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    asked = [("Host", "a")]
    if upgrade is not None:
        asked += [("Connection", "upgrade"), ("Upgrade", upgrade.decode())]
    conn.send(h11.Request(method=method, target="/", headers=asked))
    conn.send(h11.EndOfMessage())
    read = Reading()
    try:
        conn.receive_data(raw)
        head = conn.next_event()
        if not isinstance(head, (h11.Response, h11.InformationalResponse)):
            read.refused = f"not a response but {head!r}"
            return read
        read.status, read.reason = head.status_code, head.reason
        read.fields = list(head.headers)
        if isinstance(head, h11.InformationalResponse):
            read.complete, read.rest = True, conn.trailing_data[0]
            return read
        if eof:
            conn.receive_data(b"")
        _body_by_h11(conn, read)
    except h11.ProtocolError as error:
        read.refused = str(error)
    return read


def _body_by_h11(conn: h11.Connection, read: Reading) -> None:
    event = conn.next_event()
    while isinstance(event, h11.Data):
        read.body += event.data
        event = conn.next_event()
    if isinstance(event, h11.EndOfMessage):
        read.complete = True
        read.trailers = list(event.headers)
    elif event not in (h11.NEED_DATA, h11.PAUSED):
        read.refused = f"within the body: {event!r}"
    read.rest = conn.trailing_data[0]
    read.keeps = conn.their_state is not h11.MUST_CLOSE


class _Callbacks:
    """llhttp's callbacks; what belongs to the first message is kept."""

    def __init__(self) -> None:
        self.read = Reading()
        self.heads = 0
        self.parser: httptools.HttpRequestParser | httptools.HttpResponseParser | None = None

    def on_url(self, data: bytes) -> None:
        if not self.heads:
            self.read.target += data

    def on_status(self, data: bytes) -> None:
        if not self.heads:
            self.read.reason += data

    def on_header(self, name: bytes, value: bytes | None) -> None:
        if not self.read.complete:
            into = self.read.trailers if self.heads else self.read.fields
            into.append((name.lower(), (value or b"").strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.heads += 1
        if self.heads == 1 and self.parser is not None:
            self.read.keeps = self.parser.should_keep_alive()
            if isinstance(self.parser, httptools.HttpRequestParser):
                self.read.method = self.parser.get_method()
            else:
                self.read.status = self.parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        if not self.read.complete:
            self.read.body += data

    def on_message_complete(self) -> None:
        self.read.complete = True


def request_by_llhttp(raw: bytes) -> tuple[Reading, int]:
    """Read the first request of a connection; also how many heads there were."""
    calls = _Callbacks()
    calls.parser = parser = httptools.HttpRequestParser(calls)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        if not calls.read.complete:
            calls.read.refused = repr(error)
    return calls.read, calls.heads


def response_by_llhttp(raw: bytes) -> Reading:
    """Read the first response of a connection; llhttp does not know what was asked."""
    calls = _Callbacks()
    calls.parser = parser = httptools.HttpResponseParser(calls)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        if not calls.read.complete:
            calls.read.refused = repr(error)
    return calls.read
