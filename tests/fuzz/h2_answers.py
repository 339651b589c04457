"""Frames of a server, and what must be true of them: h2 and rpx, who have asked, take them alike.

Stream 1 asks for something, 3 is still sending, 5 has been given up, and 7 asks as well.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hypothesis import strategies as st

from rpx.http import frames as f
from rpx.http.client_session import ClientSession
from rpx.http.frames import ConnectionFault, frame
from tests.fuzz import h2_frames
from tests.fuzz.h2_frames import Met, Outcome, cut_apart, noted
from tests.fuzz.messages import Case
from tests.http.h2_conformance import GET, POST, SUM, block
from tests.http.h2_sessions import HEAD, OK, SETTINGS, TOTAL, WINDOW, Notes, StreamNotes, frames_in

ASKED = {1: GET, 3: POST, 5: GET, 7: GET}
OPEN, GIVEN_UP = 3, 5
EARLY = ((b":status", b"103"), (b"link", b"</a>"))


class Ours:
    """rpx, which has asked."""

    def __init__(self) -> None:
        self.notes = Notes()
        self.session = session = ClientSession(
            self.notes, 0.0, head=HEAD, window=WINDOW, total=TOTAL
        )
        session.feed(SETTINGS, 0.0)
        for number, fields in ASKED.items():
            stream = session.begin(StreamNotes(self.notes, number), fields, end=number != OPEN)
            if number == GIVEN_UP:
                session.say_reset(stream, f.CANCEL)
        session.take()

    def take(self, came: bytes) -> Outcome:
        """Take a frame."""
        self.notes.told.clear()
        ends = why = ""
        try:
            self.session.feed(came, 0.0)
        except ConnectionFault as fault:
            ends, why = "connection", str(fault)
        resets = [kind for kind, *_ in frames_in(self.session.take()) if kind == f.RST_STREAM]
        told = [each for each in self.notes.told if each[0] in {"head", "data", "end", "reset"}]
        told = [each[:3] if each[0] == "reset" else each for each in told]
        return Outcome(told, ends or ("stream" if resets else ""), why)


class Theirs:
    """h2, which has asked the same."""

    def __init__(self) -> None:
        self.h2 = H2Connection(
            H2Configuration(validate_inbound_headers=False, normalize_inbound_headers=False)
        )
        ours = {SettingCodes.INITIAL_WINDOW_SIZE: WINDOW, SettingCodes.ENABLE_PUSH: 0}
        self.h2.local_settings = Settings(client=True, initial_values=ours)
        self.h2.initiate_connection()
        self.h2.local_settings.acknowledge()
        self.h2.increment_flow_control_window(TOTAL - f.FIRST_WINDOW)
        self.h2.decoder.max_header_list_size = HEAD
        self.h2.receive_data(SETTINGS)
        for number, fields in ASKED.items():
            self.h2.send_headers(number, fields, end_stream=number != OPEN)
            if number == GIVEN_UP:
                self.h2.reset_stream(number, ErrorCodes.CANCEL)
        self.h2.data_to_send()

    def take(self, came: bytes) -> Outcome:
        """Take a frame."""
        try:
            events = self.h2.receive_data(came)
        except ProtocolError as error:
            return Outcome([], "connection", f"{type(error).__name__}: {error}")
        kinds = [kind for kind, *_ in frames_in(self.h2.data_to_send())]
        return Outcome(noted(events), "stream" if f.RST_STREAM in kinds else "", "")


# Where h2 is otherwise, and why that is right.
KNOWN: list[tuple[str, Callable[[Met], bool]]] = [
    *h2_frames.KNOWN,
    (
        "an answer that is none is an error of its stream: RFC 9113 §8.1.1",
        lambda met: met.kind in {f.DATA, f.HEADERS, f.CONTINUATION} and met.ours.ends == "stream",
    ),
    (
        "h2 leaves to its user what a GOAWAY gives back",
        lambda met: met.kind == f.GOAWAY and not met.ours.ends,
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


class _Server:
    """Writes frames of which most are as they should be."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.answered = set[int]()

    def frames(self) -> bytes:
        made = [self.one() for _ in range(self.random.randrange(2, 9))]
        if self.random.random() < 0.15:
            made.insert(self.random.randrange(len(made)), self.wrong())
        return b"".join(made)

    def one(self) -> bytes:
        random = self.random
        number = random.choice((1, 1, 3, 3, 5, 7))
        if number not in self.answered and random.random() < 0.9:
            return self.head(number)
        return random.choice((self.data, self.data, self.trailers, self.reset, self.other))(number)

    def head(self, number: int) -> bytes:
        fields = self.random.choice((OK, OK, OK, EARLY))
        if fields is OK:
            self.answered.add(number)
        end = self.random.random() < 0.2 and fields is OK
        payload = block(*fields)
        if self.random.random() < 0.2:
            begin = frame(f.HEADERS, f.END_STREAM if end else 0, number, payload[:5])
            return begin + frame(f.CONTINUATION, f.END_HEADERS, number, payload[5:])
        return frame(f.HEADERS, f.END_HEADERS | end, number, payload)

    def data(self, number: int) -> bytes:
        payload = bytes(self.random.choice((0, 1, 5, 100, 16384)))
        return frame(f.DATA, self.random.choice((0, 0, 0, 1)), number, payload)

    def trailers(self, number: int) -> bytes:
        return frame(f.HEADERS, f.END_STREAM | f.END_HEADERS, number, block(*SUM))

    def reset(self, number: int) -> bytes:
        return frame(f.RST_STREAM, 0, number, self.random.choice((0, 7, 8)).to_bytes(4, "big"))

    def other(self, number: int) -> bytes:
        random = self.random
        window = random.choice((1, 1000)).to_bytes(4, "big")
        return random.choice(
            (
                frame(f.WINDOW_UPDATE, 0, random.choice((0, number)), window),
                frame(f.PING, random.choice((0, 1)), 0, bytes(8)),
                frame(f.SETTINGS, 0, 0, b"\0\4" + window + b"\0\3" + bytes(4)),
                frame(f.PRIORITY, 0, number, bytes(5)),
                frame(random.randrange(11, 256), 0, number, b"?"),
                frame(f.GOAWAY, 0, 0, number.to_bytes(4, "big") + bytes(4)),
            )
        )

    def wrong(self) -> bytes:
        random = self.random
        kind, flags = random.randrange(10), random.choice((0, 1, 4, 5, 8, 32))
        size = random.choice((0, 1, 4, 5, 6, 8, 9))
        return frame(kind, flags, random.choice((0, 1, 2, 3, 9)), random.randbytes(size))


def sent(seed: int) -> Case:
    """What a server sends behind its settings."""
    return Case(_Server(Random(seed)).frames(), 0, 0)


def cases() -> st.SearchStrategy[Case]:
    """As `sent`."""
    return st.integers(0, 1 << 64).map(sent)
