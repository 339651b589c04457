"""What the fuzzer feeds: messages that are valid by grammar, then hurt at a few places.

Bytes drawn at random nearly never get past the first line. So a message is built from its parts,
and what is drawn besides are a few mutations of those parts and of single bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from hypothesis import strategies as st

CRLF = b"\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: n\r\n\r\n"
Parts = list[bytes]


class Case(NamedTuple):
    """What is fed, how it is chopped, and which of the circumstances it meets."""

    raw: bytes
    chop: int
    variant: int

    def __repr__(self) -> str:
        """Short: a large case is put into words more often than anybody reads them."""
        return f"Case({self.raw[:60]!r}, {len(self.raw)} bytes, {self.chop}, {self.variant})"


METHODS = [b"GET"] * 4 + [b"POST"] * 3 + [b"PUT", b"HEAD", b"OPTIONS", b"DELETE", b"PATCH", b"get"]
TARGETS = [b"/", b"/a?b=c", b"//x", b"/%00", b"/?", b"/a/../b;c+d", b"*", b"http://a/", b"http://a",
           b"HTTP://A:80/x?y", b"https://a?x", b"http://b/", b"/{|}", b'/"', b"a", b"a:80",
           b""]  # fmt: skip
VERSIONS = [b"HTTP/1.1"] * 6 + [b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/1", b"http/1.1"]
HOSTS = [b"Host: a"] * 4 + [b"host:a:80", b"Host:\tA. ", b"Host: [::1]:80", b"Host: b", b"Host:"]
FIELDS = [
    b"X-A: b", b"X-A:", b"X-A: \xff\xe4", b"X-A:  b  c\t", b"Cookie: a=b; c", b"Accept: */*",
    b"Connection: close", b"Connection: keep-alive", b"connection: Close ,, X-A", b"Connection: TE",
    b"Connection: Upgrade", b"Upgrade: websocket", b"Upgrade: h2c, foo/1", b"TE: trailers, gzip",
    b"Connection: host, content-length, via", b"Keep-Alive: timeout=5", b"Via: 1.1 rpx, 1.0 x",
    b"Expect: 100-continue", b"Expect: x", b"X-Forwarded-For: 1.2.3.4", b"Forwarded: for=x",
    b"Proxy-Authorization: x", b"Max-Forwards: 3", b"Content_Length: 7", b"Transfer_Encoding: x",
    b"Trailer: X-B", b"Date: now", b"Set-Cookie: a=b", b"Alt-Svc: h3", b"Content-Type: text/plain",
    b"Content-Type: text/event-stream", b"HTTP2-Settings: x", b"Origin: http://a",
]  # fmt: skip
LENGTHS = [b"Content-Length: %d"] * 8 + [b"content-length:\t%d ", b"Content-Length: 0%d",
           b"Content-Length: +%d", b"Content-Length: %d, %d"]  # fmt: skip
CODINGS = [b"Transfer-Encoding: chunked"] * 8 + [
    b"transfer-encoding:CHUNKED ", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, x", b"Transfer-Encoding: identity", b"Transfer-Encoding:",
]  # fmt: skip
STATUSES = [b"200 OK"] * 6 + [b"404 ", b"500", b"204 No Content", b"205 Reset", b"304 x", b"100 C",
            b"101 Switch", b"103 Hints", b"206 \xe4", b"999 ?", b"099 x", b"1000 x"]  # fmt: skip
EXTENSIONS = [b""] * 8 + [b";a", b";a=b", b' ; a = "b\\" c"', b";a;b", b";", b";a="]
TRAILERS = [b"", b"", b"", b"X-B: c\r\n", b"Content-Length: 9\r\n", b"a:b\r\nX: \xff\r\n", b"x\r\n"]
# What stands in places where nobody expects it.
SPICE = [
    b"\x00", b"\n", b"\r", CRLF, b"\r\n\r\n", b" ", b"\t", b"\x0b", b"\x0c", b"\x7f", b"\x85",
    b"\xa0", b"\xff", b":", b";", b",", b'"', b"\\", b"(", b"#", b"%", b"+", b"-", b"0x", b"_",
    b"0", b"5", b"f", b"0\r\n\r\n", b"5\r\nhello\r\n", b"Content-Length: 5\r\n", b"chunked",
    b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n", b"GET / HTTP/1.1\r\n", b"\r\n X: y", b"//",
    b"Connection: close\r\n", b"HTTP/1.1 200 OK\r\n", b"18446744073709551616", b"@", b"[",
    b"\r\r\n",
]  # fmt: skip

spice = st.sampled_from(SPICE) | st.binary(min_size=1, max_size=3)
bodies = st.sampled_from([b"hello", b"", b"0\r\n\r\n", CRLF, NEXT]) | st.binary(max_size=20)


@st.composite
def chunked(draw: st.DrawFn, body: bytes) -> Parts:
    """The body in chunks, with extensions and trailers."""
    parts: Parts = []
    while body:
        size = draw(st.integers(1, len(body)))
        form = draw(st.sampled_from([b"%x%b\r\n"] * 4 + [b"%X%b\r\n", b"0%x%b\r\n", b"%x%b\n"]))
        parts += [form % (size, draw(st.sampled_from(EXTENSIONS))), body[:size], CRLF]
        body = body[size:]
    return [*parts, b"0", draw(st.sampled_from(EXTENSIONS)), CRLF,
            draw(st.sampled_from(TRAILERS)), CRLF]  # fmt: skip


@st.composite
def framed(draw: st.DrawFn) -> tuple[Parts, Parts]:
    """The lines that say how long a body is, and the body."""
    body = draw(bodies)
    how = draw(st.sampled_from(["length", "length", "chunked", "chunked", "none", "both"]))
    length, coding = draw(st.sampled_from(LENGTHS)), draw(st.sampled_from(CODINGS))
    length = length.replace(b"%d", b"%d" % len(body))
    if how == "length":
        return [length], [body]
    if how == "none":
        return [], []
    parts = draw(chunked(body))
    return ([coding] if how == "chunked" else [coding, length]), parts


@st.composite
def mutated(draw: st.DrawFn, parts: Parts) -> bytes:
    """The parts put together, hurt at up to four places."""
    parts = list(parts)
    hurts = draw(st.integers(0, 6))
    for _ in range(max(0, hurts - 2)):
        at = draw(st.integers(0, len(parts) - 1))
        match draw(st.integers(0, 6)):
            case 0:
                parts[at] = b""
            case 1:
                parts.insert(at, parts[at])
            case 2:
                other = draw(st.integers(0, len(parts) - 1))
                parts[at], parts[other] = parts[other], parts[at]
            case 3:
                parts[at] = parts[at].swapcase()
            case 4:
                parts.insert(at, draw(spice))
            case _:
                part = parts[at]
                where = draw(st.integers(0, len(part)))
                gone = draw(st.integers(0, 2))
                parts[at] = part[:where] + draw(spice) + part[where + gone :]
    raw = b"".join(parts)
    return raw if draw(st.integers(0, 7)) else raw[: draw(st.integers(0, len(raw)))]


@st.composite
def request_parts(draw: st.DrawFn) -> Parts:
    """A request and the beginning of what follows it."""
    lines, body = draw(framed())
    lines = [draw(st.sampled_from(HOSTS)), *lines]
    lines += draw(st.lists(st.sampled_from(FIELDS), max_size=3))
    if draw(st.booleans()):
        lines = draw(st.permutations(lines))
    start = [draw(st.sampled_from(METHODS)), b" ", draw(st.sampled_from(TARGETS)), b" "]
    head = [*start, draw(st.sampled_from(VERSIONS)), CRLF]
    return [*head, *(x for line in lines for x in (line, CRLF)), CRLF, *body, NEXT]


@st.composite
def response_parts(draw: st.DrawFn) -> Parts:
    """A response, and perhaps something behind it."""
    lines, body = draw(framed())
    lines = [*lines, *draw(st.lists(st.sampled_from(FIELDS), max_size=3))]
    version = draw(st.sampled_from([b"HTTP/1.1"] * 6 + [b"HTTP/1.0", b"HTTP/1.7", b"HTTP/2"]))
    start = [version, b" ", draw(st.sampled_from(STATUSES)), CRLF]
    rest = draw(st.sampled_from([b"", b"", b"extra", b"HTTP/1.1 200 OK\r\n\r\n"]))
    return [*start, *(x for line in lines for x in (line, CRLF)), CRLF, *body, rest]


def cases(parts: st.SearchStrategy[Parts]) -> st.SearchStrategy[Case]:
    """Cases of these messages."""
    raw = parts.flatmap(mutated)
    return st.builds(Case, raw, st.integers(0, 40), st.integers(0, 40))


requests = cases(request_parts())
responses = cases(response_parts())
chunks = cases(bodies.flatmap(chunked))


def _blow(part: bytes, at: int, length: int, size: int) -> bytes:
    """Repeat a slice of a message until it is large."""
    at %= len(part) + 1
    piece = part[at : at + length] or b"a"
    return part[:at] + piece * (size // len(piece)) + part[at + length :]


def blown(raws: st.SearchStrategy[Case], size: int) -> st.SearchStrategy[Case]:
    """Cases of which a slice is repeated up to `size` bytes."""
    blow: Callable[[Case, int, int], Case] = partial(_blown, size)
    return st.builds(blow, raws, st.integers(0, 300), st.integers(1, 12))


def _blown(size: int, case: Case, at: int, length: int) -> Case:
    return case._replace(raw=_blow(case.raw, at, length, size))
