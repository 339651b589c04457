"""Requests that rpx refuses, by what forbids them: an RFC, or a choice of ours."""

from __future__ import annotations

import pytest

from rpx.http.head import parse_request
from rpx.http.limits import BadMessage, MessageLimits

H = b"Host: a.test\r\n"


def lines(*field_lines: bytes, method: bytes = b"POST", version: bytes = b"1.1") -> bytes:
    return b"%b / HTTP/%b\r\n%b%b\r\n" % (
        method, version, H, b"".join(line + b"\r\n" for line in field_lines),
    )  # fmt: skip


# Each: what is wrong, bytes, status.
REFUSED: list[tuple[str, bytes, int]] = [
    # RFC 9112 §2.2: empty lines before the request line are ignored; up to 100 of them by us.
    ("empty lines without end", b"\r\n" * 101 + lines(), 400),
    ("nothing but empty lines", b"\r\n" * 101, 400),
    # RFC 9112 §2.2: lines end with CRLF. It lets a recipient take a bare LF; we don't.
    ("bare LF in the request line", b"GET / HTTP/1.1\n" + H + b"\r\n", 400),
    ("bare LF everywhere", b"GET / HTTP/1.1\nHost: a\n\n", 400),
    ("bare LF ends a line", b"GET / HTTP/1.1\r\nHost: a.test\nX: y\r\n\r\n", 400),
    ("bare LF before the end", b"GET / HTTP/1.1\r\nHost: a.test\r\n\n", 400),
    # RFC 9112 §2.2: a bare CR is invalid.
    ("bare CR in a value", lines(b"X: a\rb"), 400),
    ("bare CR in the target", b"GET /\r HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("CR CR LF", lines(b"X: a\r"), 400),
    # RFC 9112 §2.2: no whitespace between the request line and the first field.
    ("space before the first line", b"GET / HTTP/1.1\r\n Host: a.test\r\n\r\n", 400),
    ("tab line", b"GET / HTTP/1.1\r\n\tX: y\r\n" + H + b"\r\n", 400),
    # RFC 9112 §3: one space between the parts of the request line. It allows leniency; we don't.
    ("two spaces", b"GET  / HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("tab", b"GET\t/ HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("trailing space", b"GET / HTTP/1.1 \r\n" + H + b"\r\n", 400),
    ("leading space", b" GET / HTTP/1.1\r\n" + H + b"\r\n", 400),
    # RFC 9112 §2.3: `HTTP/`, a digit, a dot, a digit.
    ("version 0.9", b"GET /\r\n\r\n", 400),
    ("lower-case name", b"GET / http/1.1\r\n" + H + b"\r\n", 400),
    ("no minor", b"GET / HTTP/1\r\n" + H + b"\r\n", 400),
    ("two digits", b"GET / HTTP/01.01\r\n" + H + b"\r\n", 400),
    ("space inside", b"GET / HTTP/ 1.1\r\n" + H + b"\r\n", 400),
    ("minor of two digits", b"GET / HTTP/1.10\r\n" + H + b"\r\n", 400),
    # RFC 9110 §15.6.6: another major version.
    ("version 2.0", b"GET / HTTP/2.0\r\n" + H + b"\r\n", 505),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("version 9.9", b"GET / HTTP/9.9\r\n" + H + b"\r\n", 505),
    # RFC 9110 §9.1: a method is a token. That 64 bytes are enough is ours.
    ("no method", b" / HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("parenthesis", b"GET( / HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("bracket", b"[ / HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("NUL", b"\x00 / HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ("endless method", b"A" * 65, 501),
    # RFC 9110 §15.5.15: a target that is too long.
    ("target over the limit", b"GET /" + b"a" * 17000 + b" HTTP/1.1\r\n" + H + b"\r\n", 414),
    ("while it is coming", b"GET /" + b"a" * 17000, 414),
    # RFC 9112 §3.2: a target has no whitespace, and only what a URI may have.
    ("NUL in target", b"GET /\x00 HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("DEL in target", b"GET /\x7f HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("obs-text in target", b"GET /\xe4 HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("space in target", b"GET /a b HTTP/1.1\r\n" + H + b"\r\n", 400),
    # RFC 9112 §3.2: no form of a target has a fragment.
    ("fragment", b"GET /a#b HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("fragment in a URL", b"GET http://a.test/#b HTTP/1.1\r\n" + H + b"\r\n", 400),
    # RFC 9112 §3.2.2: absolute-form is a URL of http or https, and needs a Host beside it.
    ("another scheme", b"GET ftp://a.test/ HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("a URL without authority", b"GET http:///x HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("a URL without Host", b"GET http://a.test/ HTTP/1.1\r\n\r\n", 400),
    # RFC 9110 §4.2.4: userinfo is an error. That a Host must say the same is ours.
    ("userinfo", b"GET http://u@a.test/ HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("another host", b"GET http://b.test/ HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("another port", b"GET http://a.test:81/ HTTP/1.1\r\n" + H + b"\r\n", 400),
    # RFC 9112 §3.2: a path has its `/`, an authority is for CONNECT, `*` for OPTIONS.
    ("GET *", b"GET * HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("OPTIONS */x", b"OPTIONS */x HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("no slash", b"GET admin HTTP/1.1\r\n" + H + b"\r\n", 400),
    ("authority-form", b"GET host:80 HTTP/1.1\r\n" + H + b"\r\n", 400),
    # RFC 9110 §9.3.6, §9.3.8: what would open a tunnel or echo credentials. Not offered by us.
    ("CONNECT", b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", 501),
    ("CONNECT with a path", b"CONNECT / HTTP/1.1\r\n" + H + b"\r\n", 501),
    ("TRACE", b"TRACE / HTTP/1.1\r\n" + H + b"\r\n", 405),
    # RFC 9112 §3.2: exactly one Host.
    ("no Host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("no Host in 1.2", b"GET / HTTP/1.2\r\nX: y\r\n\r\n", 400),
    ("two Hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("two equal Hosts", b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400),
    # RFC 9112 §3.2: a Host that is no host.
    *[
        (f"Host {value!r}", b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % value, 400)
        for value in (
            b"a/b", b"u@a", b"a,b", b"a b", b"a\x01", b"a:b", b"a:1:2", b"a:65536", b"a:-1",
            b"[::1", b"::1", b"[::1]x", b"[fe80::1%25eth0]", b"a\xe4", b"a%", b"a%zz", b"a?b",
            b"a#b", b"http://a", b"a\\b", b'a"', b"<a>", b".", b":80", b"a" * 301,
        )
    ],
    # Ours: an empty Host, since an http URL has a host always (RFC 9110 §4.2.1).
    ("empty Host", b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    ("blank Host", b"GET / HTTP/1.1\r\nHost: \t \r\n\r\n", 400),
    ("empty Host in 1.0", b"GET / HTTP/1.0\r\nHost: \r\n\r\n", 400),
    # RFC 9112 §5.1: no whitespace between name and colon.
    ("space before the colon", lines(b"Name : v"), 400),
    ("tab before the colon", lines(b"Content-Length\t: 5"), 400),
    # RFC 9112 §5.2: a folded line.
    ("folded", lines(b"X: a", b" b"), 400),
    ("folded coding", lines(b"Transfer-Encoding:", b"\tchunked"), 400),
    # RFC 9110 §5.1: a field name is a token.
    *[
        (f"name {name!r}", lines(name + b": v"), 400)
        for name in (b"a b", b"a[", b"a@", b"a\x80", b"a\tb", b"a(", b"a,", b'a"', b"a/", b"a\x00")
    ],
    # RFC 9112 §5: a name, then a colon.
    ("empty name", lines(b": v"), 400),
    ("no colon", lines(b"name"), 400),
    # RFC 9110 §5.5: no NUL, CR or LF in a value. Of other control bytes we take the tab only.
    *[
        (f"byte {byte:#x} in a value", lines(b"X: a%cb" % byte), 400)
        for byte in (*range(9), *range(10, 32), 127)
    ],
    # RFC 6585 §5: a head that is too large. How large is ours.
    ("a long value", lines(b"X: " + b"a" * 65536), 431),
    ("a long name", lines(b"a" * 65536 + b": x"), 431),
    ("while it is coming", b"GET / HTTP/1.1\r\nX: " + b"a" * 65536, 431),
    ("too many lines", lines(*[b"a: b"] * 100), 431),
    ("while they are coming", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101, 431),
    # RFC 9112 §6.3: one Content-Length. It lets equal ones pass as one; we don't.
    ("two lengths", lines(b"Content-Length: 5", b"Content-Length: 6"), 400),
    ("two equal lengths", lines(b"Content-Length: 5", b"content-length: 5"), 400),
    # RFC 9110 §8.6: digits. No list, no leading zero and none above 2^63 - 1: ours.
    *[
        (f"length {value!r}", lines(b"Content-Length: " + value), 400)
        for value in (
            b"5, 5", b"+5", b"-0", b"-5", b"0x5", b"0o5", b"1_0", b"5 5", b"", b"5\x0b", b"05",
            b"00",
            b"5.0", b"5,", b"\xb2", b"9223372036854775808", b"18446744073709551617", b"9" * 5000,
            b"chunked", b'"5"', b"5;5",
        )
    ],
    # RFC 9112 §6.1: both may be an attempt to smuggle.
    ("length and coding", lines(b"Content-Length: 5", b"Transfer-Encoding: chunked"), 400),
    ("coding and length", lines(b"Transfer-Encoding: chunked", b"Content-Length: 5"), 400),
    # RFC 9112 §6.1: a coding that is not understood.
    ("xchunked", lines(b"Transfer-Encoding: xchunked"), 501),
    ("identity", lines(b"Transfer-Encoding: identity"), 501),
    ("parameters", lines(b"Transfer-Encoding: chunked;a=b"), 501),
    ("empty coding", lines(b"Transfer-Encoding:"), 400),
    ("only commas", lines(b"Transfer-Encoding: , ,"), 400),
    ("quoted", lines(b'Transfer-Encoding: "chunked"'), 501),
    ("gzip, chunked", lines(b"Transfer-Encoding: gzip, chunked"), 501),
    # RFC 9112 §6.3: where chunked isn't the last coding, no length is known.
    ("chunked, gzip", lines(b"Transfer-Encoding: chunked, gzip"), 400),
    # RFC 9112 §6.1: chunked once. That it stands alone, in one line, is ours.
    ("two codings", lines(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), 400),
    ("two, one gzip", lines(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"), 400),
    ("chunked, chunked", lines(b"Transfer-Encoding: chunked, chunked"), 400),
    # RFC 9112 §6.1: whatever is not quite `chunked` is no coding that we understand.
    ("comma before", lines(b"Transfer-Encoding: ,chunked"), 501),
    ("VT before the coding", lines(b"Transfer-Encoding: \x0bchunked"), 400),
    ("FF before the coding", lines(b"Transfer-Encoding:\x0cchunked"), 400),
    ("NUL behind the coding", lines(b"Transfer-Encoding: chunked\x00"), 400),
    ("no-break space", lines(b"Transfer-Encoding: \xa0chunked"), 501),
    # RFC 9112 §6.1: HTTP/1.0 has no transfer coding.
    ("coding in 1.0", lines(b"Transfer-Encoding: chunked", version=b"1.0"), 400),
    ("coding, no Host", b"GET / HTTP/1.0\r\nConnection: x\r\nTransfer-Encoding: x\r\n\r\n", 400),
    # RFC 9110 §10.1.1: an expectation that is not met.
    ("unknown expectation", lines(b"Expect: pudding", b"Content-Length: 1"), 417),
    ("two expectations", lines(b"Expect: 100-continue", b"Expect: 100-continue"), 417),
]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "status"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_is_refused(raw: bytes, status: int) -> None:
    with pytest.raises(BadMessage) as caught:
        parse_request(raw)
    assert caught.value.status == status
    assert caught.value.reason.endswith(".")
    assert str(status) in str(caught.value)


def parse_slowly(raw: bytes) -> None:
    step = max(1, len(raw) // 400)
    buffer = bytearray()
    scanned = 0
    for at in range(0, len(raw), step):
        buffer += raw[at : at + step]
        assert parse_request(buffer, scanned=scanned) is None
        scanned = len(buffer)


@pytest.mark.parametrize("raw", [case[1] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_is_refused_when_it_comes_byte_by_byte(raw: bytes) -> None:
    with pytest.raises(BadMessage):
        parse_slowly(raw)


# What can be known to be bad before the head is complete isn't waited for.
EARLY = [
    b"\x16\x03\x01",
    b"G(T",
    b"GET / HTTP/1.1\n",
    b"\n",
    b"GET / HTTP/1.1 \r\n",
    b"GET / HTTP/3.0\r\n",
    b"GET / HTTP/1.1\r\nHost: a\n",
    b"GET / HTTP/1.1\r\nHost: a\r\rb",
    b"GET / HTTP/1.1\r\nHost: \x00",
]


@pytest.mark.parametrize("raw", EARLY)
def test_what_is_known_to_be_bad_is_not_waited_for(raw: bytes) -> None:
    with pytest.raises(BadMessage):
        parse_request(raw)


INCOMPLETE = [
    b"", b"\r", b"\r\n", b"\r\n\r\n", b"\r\n\r\n\r", b"G", b"GET", b"GET /", b"GET / HTT",
    b"GET / HTTP/1.1", b"GET / HTTP/1.1\r", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: a\r",
    b"GET / HTTP/1.1\r\nHost: a\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r", b"GET\r",
]  # fmt: skip


@pytest.mark.parametrize("raw", INCOMPLETE)
def test_an_incomplete_head_asks_for_more(raw: bytes) -> None:
    assert parse_request(raw) is None
    assert parse_request(bytearray(raw)) is None


def test_limits_are_those_given() -> None:
    small = MessageLimits(head=100, lines=2, target=10, method=4)
    good = b"GET /123456789 HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"
    assert parse_request(good, small) is not None
    for bad, status in [
        (b"GET /1234567890 HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nX: z\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 80 + b"\r\n\r\n", 431),
        (b"PATCH / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ]:
        with pytest.raises(BadMessage) as caught:
            parse_request(bad, small)
        assert caught.value.status == status


@pytest.mark.parametrize("empty_lines", [0, 2])
def test_a_head_of_just_the_limit_passes_and_one_byte_more_does_not(empty_lines: int) -> None:
    raw = b"\r\n" * empty_lines + lines(b"X: yz")
    assert parse_request(raw, MessageLimits(head=len(raw))) is not None
    for size in (len(raw) - 1, len(raw) - 2, len(raw) - 3):
        with pytest.raises(BadMessage) as caught:
            parse_request(raw, MessageLimits(head=size))
        assert caught.value.status == 431
        with pytest.raises(BadMessage):
            parse_request(raw[:-1] + b"X", MessageLimits(head=size))


def test_a_reason_says_what_is_wrong_with_a_field_line() -> None:
    for line, words in [
        (b" a: b", "begins with whitespace"),
        (b"ab", "no colon"),
        (b"a : b", "whitespace before its colon"),
        (b"a(: b", "not a token"),
    ]:
        with pytest.raises(BadMessage) as caught:
            parse_request(lines(b"X: y", line))
        assert words in caught.value.reason
