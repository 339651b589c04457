"""RFC 9113 as data: what a client sends after its preface and settings, and what has to come back.

Each case is a section, what it is about, the frames, and what is said to them: nothing, `stream N
CODE` for a reset, `connection CODE` for the end, or the frame that answers. h2spec's cases are all
here, and those that its kind leaves out.

Requests for `/now` are answered (`HEADERS N`) and over at once, those for `/cut` we reset, all
others wait.
"""

from __future__ import annotations

from rpx.http import frames as f
from rpx.http.frames import frame
from rpx.http.hpack import Encoder, Fields

Case = tuple[str, str, bytes, str]

GET: Fields = (
    (b":method", b"GET"),
    (b":scheme", b"https"),
    (b":authority", b"api.localhost"),
    (b":path", b"/"),
)
POST: Fields = ((b":method", b"POST"), *GET[1:])
BOTH = f.END_STREAM | f.END_HEADERS
PING = frame(f.PING, 0, 0, b"abcdefgh")
ACK = frame(f.SETTINGS, f.ACK, 0)


def block(*fields: tuple[bytes, bytes]) -> bytes:
    return Encoder().encode(fields or GET)


def asks(path: bytes) -> Fields:
    return (*GET[:3], (b":path", path))


def head(number: int, fields: Fields = GET, flags: int = BOTH) -> bytes:
    """A request without a body; `flags` without END_STREAM: there is one."""
    return frame(f.HEADERS, flags, number, block(*fields))


def posts(number: int, *more: tuple[bytes, bytes]) -> bytes:
    """A request whose body is still to come."""
    return head(number, (*POST, *more), f.END_HEADERS)


def begun(number: int) -> bytes:
    """The beginning of a head."""
    return frame(f.HEADERS, 0, number, block()[:6])


def rest(number: int, flags: int = f.END_HEADERS) -> bytes:
    return frame(f.CONTINUATION, flags, number, block()[6:])


def data(number: int, payload: bytes = b"x", flags: int = 0) -> bytes:
    return frame(f.DATA, flags, number, payload)


def update(number: int, by: int) -> bytes:
    return frame(f.WINDOW_UPDATE, 0, number, by.to_bytes(4, "big"))


def reset(number: int, code: int = f.CANCEL) -> bytes:
    return frame(f.RST_STREAM, 0, number, code.to_bytes(4, "big"))


def sets(*pairs: tuple[int, int]) -> bytes:
    payload = b"".join(key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in pairs)
    return frame(f.SETTINGS, 0, 0, payload)


def priority(number: int, on: int, payload: bytes = b"") -> bytes:
    return frame(f.PRIORITY, 0, number, payload or on.to_bytes(4, "big") + b"\x10")


def goaway(payload: bytes, stream: int = 0) -> bytes:
    return frame(f.GOAWAY, 0, stream, payload)


def titled(size: int, kind: int, flags: int, number: int) -> bytes:
    """The nine bytes of a frame whose payload is elsewhere."""
    return size.to_bytes(3, "big") + bytes((kind, flags)) + number.to_bytes(4, "big")


NOW, CUT = asks(b"/now"), asks(b"/cut")
SUM = ((b"x-sum", b"1"),)
WRONG, SIZE, FLOW = "connection PROTOCOL_ERROR", "connection FRAME_SIZE_ERROR", "FLOW_CONTROL_ERROR"
CALM, CLOSED, UNREADABLE = (
    "connection ENHANCE_YOUR_CALM",
    "connection STREAM_CLOSED",
    "connection COMPRESSION_ERROR",
)
BAD_1, CLOSED_1 = "stream 1 PROTOCOL_ERROR", "stream 1 STREAM_CLOSED"
PONG, AGREED = "PING ACK 6162636465666768", "SETTINGS ACK"
DONE_1, CUT_1 = "HEADERS 1; ", "stream 1 CANCEL; "

FRAMES: list[Case] = [
    ("4.1", "a kind that nobody knows", frame(0x16, 0, 0, b"?" * 8) + PING, PONG),
    ("4.1", "a kind that nobody knows, on a stream", head(1) + frame(0xFF, 255, 1) + PING, PONG),
    ("4.1", "flags that mean nothing", frame(f.PING, 0x16, 0, b"abcdefgh"), PONG),
    ("4.1", "flags that mean nothing, with settings", frame(f.SETTINGS, 0xFE, 0), AGREED),
    ("4.1", "flags that mean nothing, with a head", head(1, GET, BOTH | 0xD0) + PING, PONG),
    ("4.1", "the reserved bit", titled(8, f.PING, 0, 1 << 31) + b"abcdefgh", PONG),
    ("4.1", "the reserved bit of a stream", titled(3, f.DATA, 1, 1 << 31 | 1) + b"abc", WRONG),
    ("4.2", "data of the largest size", posts(1) + data(1, bytes(16384)), ""),
    ("4.2", "data beyond it", posts(1) + data(1, bytes(16385)), SIZE),
    ("4.2", "a head beyond it", titled(16385, f.HEADERS, BOTH, 1), SIZE),
    ("4.2", "something unknown beyond it", titled(16385, 77, 0, 0), SIZE),
    ("4.2", "the largest length there is", titled(2**24 - 1, f.DATA, 0, 1), SIZE),
    ("4.3", "a block that can't be decoded", frame(f.HEADERS, BOTH, 1, b"\x40\x05x"), UNREADABLE),
    ("4.3", "a block that is empty", frame(f.HEADERS, BOTH, 1), BAD_1),
    ("4.3", "a block in one piece", begun(1) + rest(1) + PING, PONG),
    ("4.3", "PRIORITY within a head", begun(1) + priority(1, 0) + rest(1), WRONG),
    ("4.3", "something unknown within a head", begun(1) + frame(22, 0, 1) + rest(1), WRONG),
    ("4.3", "the head of another within a head", begun(1) + head(3) + rest(1), WRONG),
    ("4.3", "trailers that can't be decoded", posts(1) + frame(1, BOTH, 1, b"\xff"), UNREADABLE),
    (
        "4.3",
        "a block for nobody that can't be",
        head(1, CUT) + frame(1, 5, 1, b"\x80"),
        CUT_1 + UNREADABLE,
    ),
    ("5.5", "an extension's setting", sets((0xFF, 1)), AGREED),
    ("5.5", "a PRIORITY_UPDATE (RFC 9218)", frame(0x10, 0, 0, b"\0\0\0\1u=1") + PING, PONG),
]

STATES: list[Case] = [
    ("5.1", "idle: DATA", data(1), WRONG),
    ("5.1", "idle: RST_STREAM", reset(1), WRONG),
    ("5.1", "idle: WINDOW_UPDATE", update(1, 100), WRONG),
    ("5.1", "idle: CONTINUATION", rest(1), WRONG),
    ("5.1", "idle: PRIORITY", priority(1, 0) + PING, PONG),
    ("5.1", "idle: DATA on one above", head(1) + data(3), WRONG),
    ("5.1", "open: a second head without an end", posts(1) + head(1, SUM, 4), BAD_1),
    ("5.1", "open: trailers", posts(1) + head(1, SUM) + PING, PONG),
    ("5.1", "open: WINDOW_UPDATE", posts(1) + update(1, 1) + PING, PONG),
    ("5.1", "open: RST_STREAM", posts(1) + reset(1) + PING, PONG),
    ("5.1", "half-closed (remote): DATA", head(1) + data(1), CLOSED_1),
    ("5.1", "half-closed (remote): HEADERS", head(1) + head(1), CLOSED_1),
    ("5.1", "half-closed (remote): CONTINUATION", head(1) + rest(1), WRONG),
    ("5.1", "half-closed (remote): WINDOW_UPDATE", head(1) + update(1, 1) + PING, PONG),
    ("5.1", "half-closed (remote): PRIORITY", head(1) + priority(1, 0) + PING, PONG),
    ("5.1", "half-closed (remote): RST_STREAM", head(1) + reset(1) + PING, PONG),
    ("5.1", "half-closed (remote) by DATA", posts(1) + data(1, b"x", 1) + data(1), CLOSED_1),
    ("5.1", "half-closed (remote) by trailers", posts(1) + head(1, SUM) + data(1), CLOSED_1),
    ("5.1", "closed: DATA", head(1, NOW) + data(1), DONE_1 + CLOSED_1),
    ("5.1", "closed: HEADERS", head(1, NOW) + head(1), DONE_1 + CLOSED),
    ("5.1", "closed: CONTINUATION", head(1, NOW) + rest(1), DONE_1 + WRONG),
    ("5.1", "closed: WINDOW_UPDATE", head(1, NOW) + update(1, 1) + PING, DONE_1 + PONG),
    ("5.1", "closed: RST_STREAM", head(1, NOW) + reset(1) + PING, DONE_1 + PONG),
    ("5.1", "closed: PRIORITY", head(1, NOW) + priority(1, 0) + PING, DONE_1 + PONG),
    ("5.1", "reset by them: DATA", posts(1) + reset(1) + data(1), CLOSED_1),
    ("5.1", "reset by them: HEADERS", posts(1) + reset(1) + head(1), CLOSED),
    ("5.1", "reset by them: CONTINUATION", posts(1) + reset(1) + rest(1), WRONG),
    ("5.1", "reset by them: WINDOW_UPDATE", posts(1) + reset(1) + update(1, 1) + PING, PONG),
    ("5.1", "reset by them: RST_STREAM", posts(1) + reset(1) + reset(1) + PING, PONG),
    ("5.1", "reset by us: DATA", head(1, CUT, 4) + data(1) + PING, CUT_1 + PONG),
    ("5.1", "reset by us: HEADERS", head(1, CUT, 4) + head(1) + PING, CUT_1 + PONG),
    ("5.1", "reset by us: the rest", head(1, CUT, 4) + update(1, 1) + reset(1), "stream 1 CANCEL"),
    ("5.1.1", "an even number", head(2), WRONG),
    ("5.1.1", "a lower number", head(5) + head(3), CLOSED),
    ("5.1.1", "the same number again", head(1, NOW) + head(1, POST), DONE_1 + CLOSED),
    (
        "5.1.1",
        "numbers left out, and data for one of them",
        head(5) + data(3),
        CLOSED_1.replace("1", "3"),
    ),
    ("5.1.1", "a head on no stream", head(0), WRONG),
    ("5.1.1", "the beginning of a head on no stream", begun(0), WRONG),
    ("5.1.1", "the highest number", head(2**31 - 1) + PING, PONG),
]

KINDS: list[Case] = [
    # DATA
    ("6.1", "DATA on no stream", data(0), WRONG),
    ("6.1", "DATA with padding", posts(1) + data(1, b"\x02x\0\0", 8) + PING, PONG),
    ("6.1", "DATA of padding alone", posts(1) + data(1, b"\x02\0\0", 9) + PING, PONG),
    ("6.1", "padding as long as the frame", posts(1) + data(1, b"\x04x\0\0", 8), WRONG),
    ("6.1", "padding longer than the frame", posts(1) + data(1, b"\xffx\0\0", 8), WRONG),
    ("6.1", "padded, without its length", posts(1) + data(1, b"", 8), SIZE),
    ("6.1", "DATA that is empty", posts(1) + data(1, b"") + data(1, b"", 1) + PING, PONG),
    # HEADERS
    ("6.2", "padding as long as the head", frame(f.HEADERS, 13, 1, b"\x06\x82\0\0\0\0"), WRONG),
    (
        "6.2",
        "a head with padding",
        frame(f.HEADERS, 13, 1, b"\x03" + block() + bytes(3)) + PING,
        PONG,
    ),
    ("6.2", "padded, without its length", frame(f.HEADERS, 13, 1), SIZE),
    ("6.2", "a priority, cut off", frame(f.HEADERS, 0x25, 1, bytes(4)), SIZE),
    ("6.2", "a priority", frame(f.HEADERS, 0x25, 1, bytes(5) + block()) + PING, PONG),
    (
        "6.2",
        "a priority, and padding",
        frame(1, 0x2D, 1, b"\1" + bytes(5) + block() + b"\0") + PING,
        PONG,
    ),
    ("6.2", "padding into the priority", frame(1, 0x2D, 1, b"\4" + bytes(7)), SIZE),
    ("5.3.1", "a head that depends on itself", frame(1, 0x25, 1, b"\0\0\0\1\x10" + block()), BAD_1),
    # PRIORITY
    ("6.3", "PRIORITY on no stream", priority(0, 1), WRONG),
    ("6.3", "PRIORITY too short", head(1) + priority(1, 0, bytes(4)), "stream 1 FRAME_SIZE_ERROR"),
    ("6.3", "PRIORITY too long", head(1) + priority(1, 0, bytes(6)), "stream 1 FRAME_SIZE_ERROR"),
    ("5.3.1", "PRIORITY on itself", head(1) + priority(1, 1), BAD_1),
    # RST_STREAM
    ("6.4", "RST_STREAM on no stream", reset(0), WRONG),
    ("6.4", "RST_STREAM too short", head(1) + frame(f.RST_STREAM, 0, 1, bytes(3)), SIZE),
    ("6.4", "RST_STREAM too long", head(1) + frame(f.RST_STREAM, 0, 1, bytes(5)), SIZE),
    ("7", "RST_STREAM with an unknown code", head(1) + reset(1, 0xFF) + PING, PONG),
    # SETTINGS
    ("6.5", "SETTINGS", sets(), AGREED),
    ("6.5", "SETTINGS of a stream", frame(f.SETTINGS, 0, 1), WRONG),
    ("6.5", "SETTINGS not of six bytes each", frame(f.SETTINGS, 0, 0, bytes(5)), SIZE),
    ("6.5", "an ACK", ACK + PING, PONG),
    ("6.5", "an ACK with settings", frame(f.SETTINGS, f.ACK, 0, bytes(6)), SIZE),
    ("6.5.2", "ENABLE_PUSH 2", sets((2, 2)), WRONG),
    ("6.5.2", "a window of 2^31", sets((4, 2**31)), f"connection {FLOW}"),
    ("6.5.2", "a window of 2^31-1", sets((4, 2**31 - 1)), AGREED),
    ("6.5.2", "frames of 16,383 bytes", sets((5, 16383)), WRONG),
    ("6.5.2", "frames of 2^24 bytes", sets((5, 2**24)), WRONG),
    ("6.5.2", "frames of 2^24-1 bytes", sets((5, 2**24 - 1)), AGREED),
    ("6.5.2", "no table, no streams, no lists", sets((1, 0), (3, 0), (6, 0)), AGREED),
    ("6.5.2", "ENABLE_CONNECT_PROTOCOL 2 (RFC 8441)", sets((8, 2)), WRONG),
    ("6.5.3", "the same setting twice", sets((4, 100), (4, 1)), AGREED),
    ("6.5.3", "each is acknowledged", sets() + sets((4, 1)), f"{AGREED}; {AGREED}"),
    # PUSH_PROMISE
    ("8.4", "PUSH_PROMISE of a client", head(1) + frame(5, 4, 1, b"\0\0\0\2" + block()), WRONG),
    ("8.4", "PUSH_PROMISE on no stream", frame(5, 4, 0, b"\0\0\0\2" + block()), WRONG),
    # PING
    ("6.7", "PING", PING, PONG),
    ("6.7", "PING of a stream", frame(f.PING, 0, 1, bytes(8)), WRONG),
    ("6.7", "PING too short", frame(f.PING, 0, 0, bytes(7)), SIZE),
    ("6.7", "PING too long", frame(f.PING, 0, 0, bytes(9)), SIZE),
    ("6.7", "an ACK that nobody waits for", frame(f.PING, f.ACK, 0, bytes(8)) + PING, PONG),
    # GOAWAY
    ("6.8", "GOAWAY of a stream", goaway(bytes(8), 1), WRONG),
    ("6.8", "GOAWAY too short", goaway(bytes(7)), SIZE),
    ("6.8", "GOAWAY with words", goaway(bytes(8) + b"bye") + PING, PONG),
    ("6.8", "GOAWAY with an unknown code", goaway(bytes(4) + b"\0\0\0\xff") + PING, PONG),
    ("6.8", "a request behind a GOAWAY", goaway(bytes(8)) + head(1, NOW), "HEADERS 1"),
    # WINDOW_UPDATE
    ("6.9", "WINDOW_UPDATE by nothing", update(0, 0), WRONG),
    ("6.9", "WINDOW_UPDATE by nothing, of a stream", head(1) + update(1, 0), BAD_1),
    ("6.9", "WINDOW_UPDATE too short", frame(f.WINDOW_UPDATE, 0, 0, bytes(3)), SIZE),
    ("6.9", "WINDOW_UPDATE too long", head(1) + frame(f.WINDOW_UPDATE, 0, 1, bytes(5)), SIZE),
    ("6.9", "the reserved bit", update(0, 1 << 31 | 1) + PING, PONG),
    ("6.9.1", "a window beyond 2^31-1", update(0, 2**31 - 1), f"connection {FLOW}"),
    ("6.9.1", "a stream's window beyond it", head(1) + update(1, 2**31 - 1), f"stream 1 {FLOW}"),
    ("6.9.1", "the largest window", update(0, 2**31 - 1 - 65535) + PING, PONG),
    (
        "6.9.2",
        "a setting that opens a window too far",
        head(1) + update(1, 1000) + sets((4, 2**31 - 1)),
        f"connection {FLOW}",
    ),
    ("6.9.2", "a window below zero", head(1) + sets((4, 0)) + PING, f"{AGREED}; {PONG}"),
    (
        "6.9.1",
        "more data than a stream's window",
        posts(1) + data(1, bytes(16384)) * 5,
        f"stream 1 {FLOW}",
    ),
    # CONTINUATION
    ("6.10", "several CONTINUATIONs", begun(1) + rest(1, 0) + frame(9, 4, 1) + PING, PONG),
    ("6.10", "one of another stream", begun(1) + rest(3), WRONG),
    ("6.10", "one on no stream", begun(1) + rest(0), WRONG),
    ("6.10", "one behind the last", begun(1) + rest(1) + rest(1), WRONG),
    ("6.10", "one behind DATA", posts(1) + data(1) + rest(1), WRONG),
    ("6.10", "DATA within a head", begun(1) + data(1) + rest(1), WRONG),
    ("6.10", "SETTINGS within a head", begun(1) + sets() + rest(1), WRONG),
    ("6.10", "too many", begun(1) + frame(9, 0, 1) * 64, CALM),
    (
        "6.10",
        "END_STREAM comes from HEADERS",
        frame(1, 1, 1, block()[:6]) + rest(1) + data(1),
        CLOSED_1,
    ),
]


def odd(what: str, *fields: tuple[bytes, bytes], section: str = "8.3.1") -> Case:
    """A request that is malformed: its stream ends."""
    return section, what, frame(f.HEADERS, BOTH, 1, block(*fields)), BAD_1


_METHOD, _SCHEME, _HOST, _PATH = GET
REQUESTS: list[Case] = [
    odd("a name in upper case", *GET, (b"X-A", b"b"), section="8.2.1"),
    odd("a name with a space", *GET, (b"x a", b"b"), section="8.2.1"),
    odd("a name with a colon", *GET, (b"x:a", b"b"), section="8.2.1"),
    odd("a name with a control", *GET, (b"x\x01", b"b"), section="8.2.1"),
    odd("an empty name", *GET, (b"", b"b"), section="8.2.1"),
    odd("a value with NUL", *GET, (b"x-a", b"b\0"), section="8.2.1"),
    odd("a value with CR", *GET, (b"x-a", b"b\rc"), section="8.2.1"),
    odd("a value with LF", *GET, (b"x-a", b"b\nc"), section="8.2.1"),
    odd("a value that begins with a space", *GET, (b"x-a", b" b"), section="8.2.1"),
    odd("a value that ends with a tab", *GET, (b"x-a", b"b\t"), section="8.2.1"),
    odd("Connection", *GET, (b"connection", b"keep-alive"), section="8.2.2"),
    odd("Transfer-Encoding", *GET, (b"transfer-encoding", b"chunked"), section="8.2.2"),
    odd("Keep-Alive", *GET, (b"keep-alive", b"a"), section="8.2.2"),
    odd("Proxy-Connection", *GET, (b"proxy-connection", b"a"), section="8.2.2"),
    odd("Upgrade", *GET, (b"upgrade", b"a"), section="8.2.2"),
    odd("a TE other than trailers", *GET, (b"te", b"trailers, deflate"), section="8.2.2"),
    ("8.2.2", "TE: trailers", head(1, (*GET, (b"te", b"trailers"))) + PING, PONG),
    odd("a pseudo-header field that is none", *GET, (b":test", b"ok"), section="8.3"),
    odd("one of answers", *GET, (b":status", b"200"), section="8.3"),
    odd("one behind other fields", *GET[:3], (b"x-a", b"b"), _PATH, section="8.3"),
    odd("one behind a cookie", *GET[:3], (b"cookie", b"b"), _PATH, section="8.3"),
    odd("an empty path", *GET[:3], (b":path", b"")),
    odd("no method", _SCHEME, _HOST, _PATH),
    odd("no scheme", _METHOD, _HOST, _PATH),
    odd("no path", _METHOD, _SCHEME, _HOST),
    odd("two methods", _METHOD, *GET),
    odd("two schemes", *GET, _SCHEME),
    odd("two paths", *GET, _PATH),
    odd("two hosts", *GET, _HOST),
    odd("another Host", *GET, (b"host", b"other.localhost")),
    odd("two Hosts", *GET, (b"host", b"api.localhost"), (b"host", b"api.localhost")),
    odd("a user in the host", *GET[:2], (b":authority", b"a b"), _PATH),
    odd("a path that is none", *GET[:3], (b":path", b"a")),
    odd("a path with a space", *GET[:3], (b":path", b"/a b")),
    odd("a scheme that nobody speaks", _METHOD, (b":scheme", b"ftp"), _HOST, _PATH),
    odd("a method that is none", (b":method", b"G T"), *GET[1:]),
    odd("a protocol without CONNECT (RFC 8441)", *GET, (b":protocol", b"websocket")),
    ("8.3.1", "a Host as well", head(1, (*GET, (b"host", b"api.localhost"))) + PING, PONG),
    ("8.3.1", "OPTIONS *", head(1, ((b":method", b"OPTIONS"), *GET[1:3], (b":path", b"*"))), ""),
    ("8.5", "CONNECT", head(1, ((b":method", b"CONNECT"), _HOST)) + PING, PONG),
    ("8.1.1", "a length, and no body", head(1, (*POST, (b"content-length", b"1"))), BAD_1),
    ("8.1.1", "a length of nothing", head(1, (*POST, (b"content-length", b"0"))) + PING, PONG),
    ("8.1.1", "less than it says", posts(1, (b"content-length", b"2")) + data(1, b"x", 1), BAD_1),
    ("8.1.1", "more than it says", posts(1, (b"content-length", b"1")) + data(1, b"xx", 1), BAD_1),
    ("8.1.1", "more in several", posts(1, (b"content-length", b"1")) + data(1) * 2, f"{BAD_1}"),
    ("8.1.1", "as much", posts(1, (b"content-length", b"2")) + data(1) + data(1, b"x", 1), ""),
    (
        "8.1.1",
        "as much, with padding",
        posts(1, (b"content-length", b"1")) + data(1, b"\1x\0", 9),
        "",
    ),
    (
        "8.1.1",
        "less, and trailers",
        posts(1, (b"content-length", b"2")) + data(1) + head(1, SUM),
        BAD_1,
    ),
    ("8.1.1", "the others go on", odd("", *GET[:3])[2] + head(3, NOW), f"{BAD_1}; HEADERS 3"),
    ("8.1", "trailers without an end", posts(1) + data(1) + head(1, SUM, 4), BAD_1),
    ("8.1", "pseudo-header fields in trailers", posts(1) + head(1, (_METHOD,)), BAD_1),
    ("8.1", "Connection in trailers", posts(1) + head(1, ((b"connection", b"a"),)), BAD_1),
    (
        "8.1",
        "trailers in several frames",
        posts(1) + frame(1, 1, 1, b"\0\1x") + frame(9, 4, 1, b"\1a"),
        "",
    ),
]

HPACK: list[Case] = [
    (
        "7541 2.3.3",
        "a number that nothing has",
        frame(1, BOTH, 1, block() + b"\xff\x00"),
        UNREADABLE,
    ),
    ("7541 2.3.3", "a name of no number", frame(1, BOTH, 1, block() + b"\x7f\x0d\1a"), UNREADABLE),
    ("7541 4.2", "a size at the end of a block", frame(1, BOTH, 1, block() + b"\x20"), UNREADABLE),
    (
        "7541 5.2",
        "padding of more than seven bits",
        frame(1, BOTH, 1, block() + b"\0\x82\x1f\xff\1a"),
        UNREADABLE,
    ),
    ("7541 5.2", "padding of zeros", frame(1, BOTH, 1, block() + b"\0\x81\x18\1a"), UNREADABLE),
    ("7541 5.2", "EOS", frame(1, BOTH, 1, block() + b"\0\x84\xff\xff\xff\xff\1a"), UNREADABLE),
    ("7541 6.1", "the number 0", frame(1, BOTH, 1, block() + b"\x80"), UNREADABLE),
    (
        "7541 6.3",
        "a table larger than announced",
        frame(1, BOTH, 1, b"\x3f\xe2\x1f" + block()),
        UNREADABLE,
    ),
    ("7541 5.1", "an integer without end", frame(1, BOTH, 1, b"\xff" + b"\x80" * 99), UNREADABLE),
    ("7541 6.3", "an empty table", frame(1, BOTH, 1, b"\x20" + block()) + PING, PONG),
    (
        "7541 2.2",
        "a table that two heads share",
        frame(1, BOTH, 1, b"\x3f\xe1\x1f\x40\1x\1y" + block()[1:]),
        BAD_1,
    ),
    (
        "9113 10.5.1",
        "more fields than announced",
        frame(1, BOTH, 1, b"\x40\1x\x7f\x80\x01" + b"y" * 255 + b"\xbe" * 99),
        CALM,
    ),
]

ALL = [*FRAMES, *STATES, *KINDS, *REQUESTS, *HPACK]
