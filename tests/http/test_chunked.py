"""The chunked coding: strict, bounded, and blind to how the bytes are chopped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.http.framing import ChunkedReader, FramedReader, chunked, encode_chunk, last_chunk
from rpx.http.limits import BadMessage, MessageLimits


def read(raw: bytes, step: int | None = None, reader: ChunkedReader | None = None) -> ChunkedReader:
    reader = reader or ChunkedReader()
    for at in range(0, len(raw), step or max(1, len(raw))):
        reader.feed(raw[at : at + step] if step else raw)
    return reader


def payload(raw: bytes, step: int) -> tuple[bytes, bytes, bytes, bool]:
    reader = ChunkedReader()
    pieces = []
    for at in range(0, len(raw), step):
        pieces += reader.feed(raw[at : at + step])
    assert all(pieces)
    body = b"".join(pieces)
    assert reader.received == len(body)
    return body, reader.trailers, reader.rest, reader.done


@given(st.integers(1, 9), st.sampled_from([1, 2, 3, 5, 7, 40, 1000]))
def test_in_turns_all_of_it_comes_in_the_end(turn: int, step: int) -> None:
    body = bytes(range(65, 90))
    chunks = [chunked([body[at : at + at % 3 + 1]]) for at in range(20)]
    raw = b"".join(map(b"".join, chunks)) + last_chunk(b"A: b\r\n")
    whole = payload(raw + b"rest", len(raw) + 4)
    reader, pieces = ChunkedReader(turn=turn), []
    for at in range(0, len(raw) + 4, step):
        pieces.append(reader.feed((raw + b"rest")[at : at + step]))
        while reader.waiting:
            pieces.append(reader.feed(b""))
    assert max(map(len, pieces)) <= turn + 1  # and the rest of the one before
    got = b"".join(piece for each in pieces for piece in each)
    assert (got, reader.trailers, reader.rest, reader.done) == whole


# Each: what is wrong, bytes.
REFUSED = [
    # RFC 9112 §7.1: a size is hexadecimal digits, and nothing else.
    *[
        (f"size {size!r}", size + b"\r\nhello\r\n0\r\n\r\n")
        for size in (
            b"0x5",
            b"+5",
            b"-1",
            b" 5",
            b"5 ",
            b"1_0",
            b"",
            b"5\t",
            b"g",
            b"\xb2",
            b"5\x00",
        )
    ],
    # RFC 9112 §7.1: a recipient guards itself against an overflow. 16 digits are ours.
    ("overflow", b"8000000000000000\r\n"),
    ("17 digits", b"00000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("endless digits", b"f" * 100),
    # RFC 9112 §7.1.1: the grammar of extensions.
    ("NUL", b"5;a\x00\r\nhello\r\n0\r\n\r\n"),
    ("bare CR", b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
    ("bare LF", b"5;a\nhello\r\n0\r\n\r\n"),
    ("bare semicolon", b"5;\r\nhello\r\n0\r\n\r\n"),
    ("bad token", b"5;a(b\r\nhello\r\n0\r\n\r\n"),
    ("no value", b"5;a=\r\nhello\r\n0\r\n\r\n"),
    ("open quote", b'5;a="b\r\nhello\r\n0\r\n\r\n'),
    ("space at the end", b"5;a \r\nhello\r\n0\r\n\r\n"),
    # RFC 9112 §7.1: CRLF behind the size and behind the data.
    ("spill", b"5\r\nhelloo\r\n0\r\n\r\n"),
    ("no line end", b"5\r\nhello0\r\n\r\n"),
    ("LF only", b"5\r\nhello\n0\r\n\r\n"),
    ("CR only", b"5\r\nhello\r0\r\n\r\n"),
    ("size line ends with LF", b"5\nhello\r\n0\r\n\r\n"),
    ("last chunk ends with LF", b"0\n\n"),
    ("garbage", b"GET / HTTP/1.1\r\n"),
    # RFC 9112 §7.1.2: trailers are field lines (§5), as strictly read.
    ("bare LF in trailers", b"0\r\nA: b\n\r\n\r\n"),
    ("LF after the last chunk", b"0\r\n\n"),
    ("no colon", b"0\r\nabc\r\n\r\n"),
    ("space before the colon", b"0\r\nA : b\r\n\r\n"),
    ("folded", b"0\r\nA: b\r\n c\r\n\r\n"),
    ("NUL", b"0\r\nA: \x00\r\n\r\n"),
    ("a request instead of the end", b"0\r\nGET / HTTP/1.1\r\n\r\n"),
]


@pytest.mark.parametrize("raw", [case[1] for case in REFUSED], ids=[case[0] for case in REFUSED])
@pytest.mark.parametrize("step", [1, 2, 1000])
def test_is_refused(raw: bytes, step: int) -> None:
    for status in (400, 502):
        with pytest.raises(BadMessage) as caught:
            read(raw, step, ChunkedReader(status))
        assert caught.value.status == status


# Each: what is special, bytes, payload, trailers.
ACCEPTED = [
    ("empty", b"0\r\n\r\n", b"", b""),
    ("one", b"5\r\nhello\r\n0\r\n\r\n", b"hello", b""),
    # RFC 9112 §7.1: hexadecimal digits of either case.
    (
        "hex in both cases",
        b"a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n",
        b"0123456789" * 2,
        b"",
    ),
    # RFC 9112 §7.1.1: extensions that nobody knows are ignored.
    ("extension", b"5;a\r\nhello\r\n0;b=c\r\n\r\n", b"hello", b""),
    ("extensions", b'5;a=b;c="d;\\"\xe4 e" ; f = g\r\nhello\r\n0\r\n\r\n', b"hello", b""),
    ("space around", b"5 ; a\r\nhello\r\n0\t;b\r\n\r\n", b"hello", b""),
    # RFC 9112 §7.1.2: trailers are kept.
    ("trailers", b"0\r\nX-Sum: 1\r\ny:\xe4 \r\n\r\n", b"", b"X-Sum: 1\r\ny:\xe4 \r\n"),
    ("line ends as data", b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n", b""),
]


@pytest.mark.parametrize("case", ACCEPTED, ids=[case[0] for case in ACCEPTED])
@pytest.mark.parametrize("step", [1, 2, 3, 1000])
def test_is_read(case: tuple[str, bytes, bytes, bytes], step: int) -> None:
    _, raw, body, trailers = case
    rest = b"GET / HTTP/1.1"
    assert payload(raw + rest, step) == (body, trailers, rest, True)


@pytest.mark.parametrize(
    "name",
    [
        b"Content-Length", b"transfer-encoding", b"Host", b"Authorization", b"Cookie",
        b"Set-Cookie",
        b"Content-Type", b"Connection", b"TE", b"Trailer", b"Content-Encoding", b"Max-Forwards",
        b"Expect", b"X-Forwarded-For", b"Via", b"Upgrade", b"Cache-Control", b"Range",
    ],
)  # fmt: skip
def test_forbidden_trailers_are_dropped(name: bytes) -> None:
    """RFC 9110 §6.5.1: framing, routing, authentication, and what describes the content."""
    raw = b"0\r\nA: 1\r\n%b: 5\r\nB: 2\r\n\r\n" % name
    assert read(raw).trailers == b"A: 1\r\nB: 2\r\n"


@pytest.mark.parametrize("step", [1, 1000])
def test_the_trailer_section_is_bounded(step: int) -> None:
    """RFC 6585 §5, for trailers too."""
    limits = MessageLimits(head=200, lines=3)
    assert read(b"0\r\n" + b"a: b\r\n" * 3 + b"\r\n", step, ChunkedReader(400, limits)).done
    for status, expected in ((400, 431), (502, 502)):
        for tail in (b"a: b\r\n" * 4 + b"\r\n", b"a: " + b"b" * 200 + b"\r\n\r\n", b"a" * 201):
            with pytest.raises(BadMessage) as caught:
                read(b"0\r\n" + tail, step, ChunkedReader(status, limits))
            assert caught.value.status == expected


def test_extensions_are_bounded_in_a_line_and_in_total() -> None:
    """RFC 9112 §7.1.1: a recipient ought to limit their length."""
    limits = MessageLimits(chunk_line=50, chunk_extensions=100)
    with pytest.raises(BadMessage):
        read(b"1;" + b"a" * 50 + b"\r\n", None, ChunkedReader(400, limits))
    with pytest.raises(BadMessage):
        read(b"1;" + b"a" * 50, 1, ChunkedReader(400, limits))
    line = b"1;" + b"a" * 20 + b"\r\nx\r\n"
    assert not read(line * 4, None, ChunkedReader(400, limits)).done
    for step in (1, 7, None):
        with pytest.raises(BadMessage):
            read(line * 6, step, ChunkedReader(400, limits))
    # They may grow with the payload: signed uploads have an extension on each chunk.
    big = b"40;" + b"a" * 20 + b"\r\n" + b"x" * 64 + b"\r\n"
    assert read(big * 50, None, ChunkedReader(400, limits)).received == 3200


def test_a_read_inside_a_chunk_is_not_copied() -> None:
    reader = ChunkedReader()
    assert reader.feed(encode_chunk(100000)) == []
    data = b"x" * 65536
    assert reader.feed(data)[0] is data
    assert reader.feed(b"") == []


def test_a_body_without_its_end_is_not_done() -> None:
    """RFC 9112 §8."""
    for raw in (
        b"5\r\nhello",
        b"5\r\nhello\r\n",
        b"5\r\nhello\r\n0\r\n",
        b"0\r\nA: b\r\n",
        b"0\r\n\r",
    ):
        assert not read(raw).done


def test_what_follows_the_end_is_kept_apart() -> None:
    reader = read(b"0\r\n\r\nabc")
    assert reader.feed(b"def") == []
    assert reader.rest == b"abcdef"


def test_an_empty_piece_does_not_end_the_body() -> None:
    assert chunked([]) == []
    assert b"".join(chunked([b"x" * 255])) == b"ff\r\n" + b"x" * 255 + b"\r\n"
    assert b"".join(chunked([b"x", b"y"], b"A: 1\r\n")) == b"2\r\nxy\r\n0\r\nA: 1\r\n\r\n"
    assert chunked([], b"") == [b"0\r\n\r\n"]
    assert last_chunk() == b"0\r\n\r\n"


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=8),
    trailers=st.sampled_from([b"", b"A: 1\r\n", b"A: 1\r\nB: \xe4\r\n"]),
    rest=st.binary(max_size=10),
    cuts=st.lists(st.integers(1, 60), min_size=1, max_size=20),
)
def test_decoding_undoes_encoding_however_it_is_chopped(
    pieces: list[bytes], trailers: bytes, rest: bytes, cuts: list[int]
) -> None:
    raw = b"".join(b"".join(chunked([piece])) for piece in pieces) + last_chunk(trailers) + rest
    reader = ChunkedReader()
    body, at, turn = [], 0, 0
    while at < len(raw):
        body += reader.feed(raw[at : at + cuts[turn % len(cuts)]])
        at += cuts[turn % len(cuts)]
        turn += 1
    assert b"".join(body) == b"".join(pieces)
    assert (reader.done, reader.trailers, reader.rest) == (True, trailers, rest)


_SNIPPETS = st.sampled_from(
    [b"5", b"\r\n", b"hello", b"0", b";", b"a=b", b'"', b"\r", b"\n", b" ", b"A: b", b"\x00", b"f"]
)


@given(st.lists(_SNIPPETS | st.binary(max_size=5), max_size=15).map(b"".join), st.integers(1, 5))
def test_garbage_is_judged_alike_however_it_is_chopped(raw: bytes, step: int) -> None:
    def judge(step: int) -> object:
        try:
            return payload(raw, step)
        except BadMessage as bad:
            return bad.status

    assert judge(step) == judge(len(raw) + 1)


def test_a_body_in_frames_ends_when_that_is_told() -> None:
    reader = FramedReader()
    assert reader.feed(b"abc") == [b"abc"]
    assert reader.feed(b"") == []
    assert not reader.done
    reader.end(b"A: 1\r\nContent-Length: 5\r\nB: \r\n")
    assert not reader.done
    assert reader.feed(b"de") == [b"de"]
    assert (reader.done, reader.received) == (True, 5)
    assert reader.trailers == b"A: 1\r\nB: \r\n"


@pytest.mark.parametrize("trailers", [b"a: b\r\n" * 4, b"a: " + b"b" * 200 + b"\r\n"])
def test_its_trailers_are_bounded_as_those_of_a_chunked_one(trailers: bytes) -> None:
    limits = MessageLimits(head=200, lines=3)
    for most in (b"a: b\r\n" * 3, b"a: " + b"b" * 197 + b"\r\n"):
        reader = FramedReader(limits)
        reader.end(most)
        assert reader.feed(b"") == []
        assert (
            reader.trailers
            == read(b"0\r\n" + most + b"\r\n", None, ChunkedReader(400, limits)).trailers
        )
    reader = FramedReader(limits)
    reader.end(trailers)
    with pytest.raises(BadMessage) as caught:
        reader.feed(b"")
    assert caught.value.status == 431
