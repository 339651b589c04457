"""Frames of a client, and what must be true of them: h2 and rpx take them alike, one by one.

Alike is what they tell of requests and bodies, and whether they go on, end a stream or end the
connection. Where h2 is known to be otherwise, `KNOWN` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    InformationalResponseReceived,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hypothesis import strategies as st

from rpx.http import frames as f
from rpx.http.frames import PREFACE, ConnectionFault, frame
from rpx.http.hpack import Fields
from rpx.http.server_session import ServerSession
from rpx.http.stream_state import StreamState
from tests.fuzz.messages import Case
from tests.http.h2_conformance import CUT, GET, NOW, SUM, begun, block, rest
from tests.http.h2_sessions import HEAD, TOTAL, WINDOW, Notes, frames_in

GREETING = PREFACE + frame(f.SETTINGS, 0, 0)
Told = list[tuple[Any, ...]]


class Outcome(NamedTuple):
    """What a frame has come to: what was told, and what it has ended (`stream`, `connection`)."""

    told: Told
    ends: str
    why: str


class Ours:
    """rpx, whose requests for `/now` are answered at once, and those for `/cut` reset."""

    def __init__(self) -> None:
        self.notes = _Answering()
        self.session = ServerSession(
            self.notes, 0.0, head=HEAD, window=WINDOW, total=TOTAL, streams=100
        )
        self.notes.session = self.session
        self.session.feed(GREETING, 0.0)
        self.session.take()

    def take(self, came: bytes) -> Outcome:
        self.notes.told.clear()
        self.notes.cut.clear()
        ends = why = ""
        try:
            self.session.feed(came, 0.0)
        except ConnectionFault as fault:
            ends, why = "connection", str(fault)
        for kind, _, number, _ in frames_in(self.session.take()):
            if kind == f.RST_STREAM and number not in self.notes.cut:
                ends = ends or "stream"
        kinds = {"request", "data", "end", "reset"}
        told = [each for each in self.notes.told if each[0] in kinds]
        return Outcome([each[:3] if each[0] == "reset" else each for each in told], ends, why)


class _Answering(Notes):
    session: ServerSession

    def __init__(self) -> None:
        super().__init__()
        self.cut: set[int] = set()

    def request_came(self, stream: StreamState, fields: Fields) -> None:
        super().request_came(stream, fields)
        if fields == NOW:
            self.session.say_head(stream, ((b":status", b"204"),), end=True)
        elif fields == CUT:
            self.cut.add(stream.number)
            self.session.say_reset(stream, f.CANCEL)


class Theirs:
    """h2, told to do the same."""

    def __init__(self) -> None:
        self.h2 = H2Connection(
            H2Configuration(
                client_side=False, validate_inbound_headers=False, normalize_inbound_headers=False
            )
        )
        self.h2.local_settings = Settings(
            client=False, initial_values={SettingCodes.INITIAL_WINDOW_SIZE: WINDOW}
        )
        self.h2.initiate_connection()
        self.h2.local_settings.acknowledge()
        self.h2.increment_flow_control_window(TOTAL - f.FIRST_WINDOW)
        self.h2.decoder.max_header_list_size = 2 * HEAD
        self.h2.receive_data(GREETING)
        self.h2.data_to_send()

    def take(self, came: bytes) -> Outcome:
        try:
            events = self.h2.receive_data(came)
        except ProtocolError as error:
            return Outcome([], "connection", f"{type(error).__name__}: {error}")
        cut = set[int]().union(*map(self._answer, events))
        resets = {n for kind, _, n, _ in frames_in(self.h2.data_to_send()) if kind == f.RST_STREAM}
        return Outcome(noted(events), "stream" if resets - cut else "", "")

    def _answer(self, event: Event) -> set[int]:
        """Answer a request as told; return the stream that was reset instead."""
        if isinstance(event, RequestReceived):
            number, fields = event.stream_id, _pairs(event.headers)
            if fields == CUT:
                self.h2.reset_stream(number, ErrorCodes.CANCEL)
                return {number}
            if fields == NOW:
                self.h2.send_headers(number, [(":status", "204")], end_stream=True)
        return set()


def noted(events: Sequence[Event]) -> Told:
    """Return h2's events as `Notes` tell them."""
    told: Told = []
    trailers: tuple[Any, ...] = ()
    for event in events:
        match event:
            case RequestReceived():
                ended = event.stream_ended is not None
                told.append(("request", event.stream_id, _pairs(event.headers), ended))
            case ResponseReceived() | InformationalResponseReceived():
                told.append(("head", event.stream_id, _pairs(event.headers)))
            case DataReceived() if event.data:
                told.append(("data", event.stream_id, event.data))
            case TrailersReceived():
                trailers = _pairs(event.headers)
            case StreamEnded() if not (told and told[-1][-1] is True):
                told.append(("end", event.stream_id, trailers))
            case StreamReset():
                told.append(("reset", event.stream_id, int(event.error_code)))
            case _:
                pass
    return told


def _pairs(headers: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(tuple(each) for each in headers)


class Met(NamedTuple):
    """A frame, and what has become of it."""

    kind: int
    flags: int
    number: int
    ours: Outcome
    theirs: Outcome
    cut: bool  # its stream is one that we have reset


# Where h2 is otherwise, and why that is right.
KNOWN: list[tuple[str, Callable[[Met], bool]]] = [
    (
        "what was on its way to a stream that we have reset is let pass: RFC 9113 §5.1",
        lambda met: met.cut and not met.ours.ends,
    ),
    (
        "a head for a stream that both have ended is an error of the connection: RFC 9113 §5.1",
        lambda met: met.kind == f.HEADERS and met.ours.ends == "connection" and not met.cut,
    ),
    (
        "the reset of a stream that nobody has begun is one as well: RFC 9113 §6.4",
        lambda met: met.kind == f.RST_STREAM and met.ours.ends == "connection",
    ),
    (
        "a PRIORITY that is too long or too short is an error of its stream: RFC 9113 §6.3",
        lambda met: met.kind == f.PRIORITY and met.ours.ends == "stream",
    ),
    (
        "trailers without an end are an error of their stream: RFC 9113 §8.1",
        lambda met: met.kind == f.HEADERS and met.theirs.why.endswith("END_STREAM set"),
    ),
    (
        "a CONTINUATION of nothing is an error of the connection: RFC 9113 §6.10",
        lambda met: met.kind == f.CONTINUATION and met.ours.ends == "connection",
    ),
    (
        "each setting counts, also the first of two that are for the same: RFC 9113 §6.5.3",
        lambda met: met.kind == f.SETTINGS and met.ours.why == "a window is too large",
    ),
    (
        "a window of a stream that is over is none",
        lambda met: met.kind == f.SETTINGS and met.theirs.why.startswith("FlowControlError"),
    ),
    (
        "the reserved bit of a WINDOW_UPDATE means nothing: RFC 9113 §6.9",
        lambda met: met.kind == f.WINDOW_UPDATE and met.theirs.why.endswith("non-compliant data"),
    ),
    (
        "h2 takes a GOAWAY for the end, where requests may still be under way",
        lambda met: "in state ConnectionState.CLOSED" in met.theirs.why,
    ),
    (
        "h2 waits for the rest of a PUSH_PROMISE before it refuses it",
        lambda met: met.kind == f.PUSH_PROMISE and met.ours.ends == "connection",
    ),
    (
        "h2 waits for all of a frame before it finds it too large",
        lambda met: met.ours.why == "a frame is too large",
    ),
]


def taken_alike(case: Case) -> bool:
    """Both take the same; whether neither has ended the connection. Raises: AssertionError."""
    ours, theirs = Ours(), Theirs()
    for came in cut_apart(case.raw):
        _, _, kind, flags, number = f.HEAD.unpack_from(came)
        found, expected = ours.take(came), theirs.take(came)
        if found != expected._replace(why=found.why):
            met = Met(kind, flags, number, found, expected, number in ours.session.resets)
            if not any(holds(met) for _, holds in KNOWN):
                raise AssertionError(f"{came[:40].hex(' ', 1)}: {found}, where h2 has {expected}")
        if "connection" in {found.ends, expected.ends}:
            return False
    return True


def cut_apart(raw: bytes) -> Iterator[bytes]:
    """Yield frame by frame; what is behind the last is left out."""
    at = 0
    while at + f.SIZE <= len(raw):
        end = at + f.SIZE + int.from_bytes(raw[at : at + 3], "big")
        yield raw[at:end]
        at = end


class _Client:
    """Writes frames of which most are as they should be."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.next = 1
        self.table = False

    def frames(self) -> bytes:
        made = [self.one() for _ in range(self.random.randrange(2, 9))]
        if self.random.random() < 0.2:
            made.insert(self.random.randrange(len(made)), self.wrong())
        whole = bytearray(b"".join(made))
        if self.random.random() < 0.1:
            whole[self.random.randrange(len(whole))] = self.random.choice((0, 1, 5, 8, 0x7F, 0xFF))
        return bytes(whole)

    def number(self) -> int:
        """Mostly a stream that was begun."""
        begun = range(1, self.next, 2)
        return self.random.choice(begun) if begun and self.random.random() < 0.93 else self.next

    def one(self) -> bytes:
        makers = [self.head] * 5 + [self.data] * 3 + [self.window] * 2
        makers += [self.reset, self.settings, self.trailers, self.ping, self.pieces, self.other]
        return self.random.choice(makers if self.next > 1 else [self.head])()

    def window(self) -> bytes:
        by = self.random.choice((1, 1000, 2**31 - 1 - 65535))
        number = self.random.choice((0, self.number()))
        return frame(f.WINDOW_UPDATE, 0, number, by.to_bytes(4, "big"))

    def reset(self) -> bytes:
        code = self.random.choice((0, 7, 8, 255))
        return frame(f.RST_STREAM, 0, self.number(), code.to_bytes(4, "big"))

    def trailers(self) -> bytes:
        return frame(f.HEADERS, f.END_STREAM | f.END_HEADERS, self.number(), block(*SUM))

    def ping(self) -> bytes:
        return frame(f.PING, self.random.choice((0, 0, 1)), 0, self.random.randbytes(8))

    def pieces(self) -> bytes:
        number, self.next = self.next, self.next + 2
        between = [frame(f.CONTINUATION, 0, number)] * self.random.randrange(3)
        return begun(number) + b"".join(between) + rest(number)

    def other(self) -> bytes:
        random, number = self.random, self.number()
        if random.random() < 0.5:
            return frame(f.PRIORITY, 0, number, bytes(4) + random.randbytes(1))
        return frame(random.randrange(11, 256), random.randrange(256), number, b"?")

    def head(self) -> bytes:
        random, number = self.random, self.next
        self.next += random.choice((2, 2, 2, 2, 4))
        fields = random.choice((GET, GET, GET, NOW, CUT))
        payload, flags = block(*fields), f.END_HEADERS | random.choice((0, f.END_STREAM))
        if fields is GET and random.random() < 0.3:
            payload += b"\xbe" if self.table else b"\x40\x01a\x01b"
            self.table = True
            payload = payload[1:]  # it begins with emptying the table
        if random.random() < 0.2:
            payload, flags = bytes(4) + b"\x10" + payload, flags | f.WITH_PRIORITY
        if random.random() < 0.2:
            payload, flags = b"\x02" + payload + bytes(2), flags | f.PADDED
        return frame(f.HEADERS, flags, number, payload)

    def data(self) -> bytes:
        random, number = self.random, self.number()
        payload = bytes(random.choice((0, 1, 1, 5, 100, 16384, 16384)))
        flags = random.choice((0, 0, 0, f.END_STREAM))
        if random.random() < 0.2:
            payload, flags = b"\x02" + payload[:16000] + bytes(2), flags | f.PADDED
        return frame(f.DATA, flags, number, payload)

    def settings(self) -> bytes:
        random = self.random
        if random.random() < 0.3:
            return frame(f.SETTINGS, f.ACK, 0)
        pairs = random.choices(
            (
                (1, 0),
                (2, 0),
                (3, 10),
                (4, 0),
                (4, 1000),
                (4, 2**31 - 1),
                (5, 16384),
                (6, 100),
                (77, 1),
            ),
            k=random.randrange(3),
        )
        payload = b"".join(
            key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in pairs
        )
        return frame(f.SETTINGS, 0, 0, payload)

    def wrong(self) -> bytes:
        """A frame that is as it should not be."""
        random, number = self.random, self.number()
        kind, flags = random.randrange(10), random.choice((0, 1, 4, 5, 8, 32, 255))
        size = random.choice((0, 1, 3, 4, 5, 6, 7, 8, 9, 12))
        return frame(kind, flags, random.choice((0, 2, number)), random.randbytes(size))


def sent(seed: int) -> Case:
    """What a client sends behind its greeting."""
    return Case(_Client(Random(seed)).frames(), 0, 0)


def cases() -> st.SearchStrategy[Case]:
    """As `sent`."""
    return st.integers(0, 1 << 64).map(sent)
