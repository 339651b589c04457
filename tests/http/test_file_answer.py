"""Preconditions and ranges of files, as data.

What nginx's own tests ask of it is here, too, but for two things: a date of If-Modified-Since that
is later than the file's counts (RFC 9110 §13.1.3; nginx wants the very same unless told otherwise),
and Range means something for GET alone (§14.2).
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.http.codings import stored_codings
from rpx.http.dates import http_date
from rpx.http.file_answer import ASK_AGAIN, FileAnswer, FileFacts, etag_of, file_answer
from rpx.http.grammar import find_field
from rpx.http.preconditions import Validators
from rpx.http.ranges import MOST, Span, spans_of

SIZE = 1000
ETAG = etag_of(7, 1_700_000_000_123_456_789, SIZE)
MODIFIED = 1_700_000_000
TAG, DATE = ETAG.decode(), http_date(MODIFIED).decode()
EARLIER, LATER = (http_date(MODIFIED + by).decode() for by in (-1, 1))
OLD = Validators(ETAG, MODIFIED)


def field(answer: FileAnswer, name: bytes) -> bytes | None:
    return find_field(b"\r\n" + answer.lines, name)


def asked(
    *fields: str, method: str = "GET", size: int = SIZE, validators: Validators = OLD
) -> FileAnswer:
    block = "".join(f"\r\n{field}" for field in ("Host: a", *fields)).encode()
    facts = FileFacts(size, validators, b"text/html", b"", True, ASK_AGAIN)
    return file_answer(method.encode(), block, facts, b"XX")


CONDITIONS = [
    (200, ()),
    (304, (f"If-None-Match: {TAG}",)),
    (304, (f"if-none-match: W/{TAG}",)),
    (304, ("If-None-Match: *",)),
    (304, (f'If-None-Match: "foo", "bar", {TAG} , "baz"',)),
    (304, ('If-None-Match: "foo"', f"If-None-Match: {TAG}")),
    (200, ('If-None-Match: "foo"',)),
    (200, (f"If-None-Match: {TAG[1:-1]}",)),
    (304, (f"If-Modified-Since: {DATE}",)),
    (304, (f"If-Modified-Since: {LATER}",)),
    (200, (f"If-Modified-Since: {EARLIER}",)),
    (304, ("If-Modified-Since: Wed, 08 Jul 2037 22:53:52 GMT",)),
    (304, ("If-Modified-Since: Fri, 25 Feb 2174 09:42:23 GMT",)),
    (200, ("If-Modified-Since: tomorrow",)),
    (200, ('If-None-Match: "foo"', f"If-Modified-Since: {LATER}")),  # §13.1.3: the tag decides
    (304, (f"If-None-Match: {TAG}", f"If-Modified-Since: {EARLIER}")),
    (200, (f"If-Match: {TAG}",)),
    (200, ("If-Match: *",)),
    (200, (f'If-Match: "foo", "bar", \t{TAG} , "baz"',)),
    (412, ('If-Match: "foo"',)),
    (412, (f"If-Match: W/{TAG}",)),
    (412, ("If-Match: nonsense",)),
    (200, (f"If-Unmodified-Since: {DATE}",)),
    (200, (f"If-Unmodified-Since: {LATER}",)),
    (412, (f"If-Unmodified-Since: {EARLIER}",)),
    (200, ("If-Unmodified-Since: yesterday",)),
    (200, (f"If-Match: {TAG}", f"If-Unmodified-Since: {EARLIER}")),  # §13.1.4
    (412, ('If-Match: "foo"', f"If-None-Match: {TAG}")),  # §13.2.2: this one first
    (304, (f"If-Match: {TAG}", f"If-None-Match: {TAG}")),
    (304, (f"If-None-Match: {TAG}", "Range: bytes=0-1")),
    (412, ('If-Match: "foo"', "Range: bytes=5000-")),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("status", "fields"), CONDITIONS)
def test_preconditions_come_to(status: int, fields: tuple[str, ...], method: str) -> None:
    answer = asked(*fields, method=method)
    assert answer.status == status
    assert answer.length == (SIZE if status == 200 else 0)


def test_what_has_not_changed_is_told_without_a_word_about_its_content() -> None:
    lines = asked("If-None-Match: *").lines.split(b"\r\n")[:-1]
    names = {line.partition(b":")[0] for line in lines}
    assert names == {b"ETag", b"Last-Modified", b"Cache-Control", b"Vary"}


RANGES = [
    ("bytes=0-8", "0-8"),
    ("bytes=-10", "990-999"),
    ("bytes=990-", "990-999"),
    ("bytes=990-1990", "990-999"),
    ("bytes=0-10001", "0-999"),
    ("bytes=0-0", "0-0"),
    ("bytes=-1000", "0-999"),
    ("bytes=-100000", "0-999"),
    ("bytes=999-999", "999-999"),
    ("Bytes= 0-8 ,", "0-8"),
    ("bytes=0-99999999999999999999999999", "0-999"),
    ("bytes=0-9, 100000-", "0-9"),
    ("bytes=100000-", "416"),
    ("bytes=1000-", "416"),
    ("bytes=-0", "416"),
    ("bytes=alpha", "416"),
    ("bytes=10-alpha", "416"),
    ("bytes=10", "416"),
    ("bytes=-", "416"),
    ("bytes=", "200"),
    ("bytes=,", "200"),
    ("bytes=9-8", "416"),
    ("bytes=10-11 12-", "416"),
    ("bytes=--5", "416"),
    ("bytes=0x1-2", "416"),
    ("bytes=" + "9" * 5000 + "-", "416"),
    ("lines=0-8", "200"),
    ("bytes 0-8", "200"),
    ("bytes=0-10001, 0-0", "200"),  # more than there is
    ("bytes=0-,0-,0-", "200"),
    ("bytes=" + ",".join(["0-0"] * (MOST + 1)), "200"),
    ("bytes=0-9, -10, 10-19", "0-9 990-999 10-19"),
    ("bytes=0-9, -10, 100000-, 10-19", "0-9 990-999 10-19"),
    ("bytes=" + ",".join(["5-5"] * MOST), " ".join(["5-5"] * MOST)),
]


@pytest.mark.parametrize(("value", "expected"), RANGES)
def test_a_range_is(value: str, expected: str) -> None:
    answer = asked(f"Range: {value}")
    if expected in {"200", "416"}:
        assert answer.status == int(expected)
        told = b"bytes */1000" if expected == "416" else None
        assert field(answer, b"content-range") == told
        return
    spans = [f"{span.start}-{span.end - 1}" for span in answer.spans]
    assert (answer.status, spans) == (206, expected.split())
    assert field(answer, b"content-length") == b"%d" % answer.length
    assert field(answer, b"etag") == ETAG
    if len(spans) == 1:
        assert field(answer, b"content-range") == f"bytes {spans[0]}/1000".encode()
        assert answer.length == answer.spans[0].size


def test_several_parts_are_framed_by_a_boundary() -> None:
    answer = asked("Range: bytes=0-9, -10")
    assert field(answer, b"content-type") == b"multipart/byteranges; boundary=XX"
    assert field(answer, b"content-range") is None
    assert answer.multipart is not None
    first, second = answer.multipart.prefaces
    assert first == (
        b"\r\n--XX\r\nContent-Type: text/html\r\nContent-Range: bytes 0-9/1000\r\n\r\n"
    )
    assert b"bytes 990-999/1000" in second
    assert answer.length == len(first) + 10 + len(second) + 10 + len(answer.multipart.end)


@pytest.mark.parametrize(
    ("status", "only_if"),
    [(206, TAG), (206, DATE), (200, '"foo"'), (200, f"W/{TAG}"), (200, EARLIER), (200, LATER),
     (200, "nonsense")],
)  # fmt: skip
def test_a_range_of_another_state_is_the_whole_of_this_one(status: int, only_if: str) -> None:
    assert asked("Range: bytes=0-8", f"If-Range: {only_if}").status == status
    unsatisfiable = asked("Range: bytes=5000-", f"If-Range: {only_if}").status
    assert unsatisfiable == (416 if status == 206 else 200)


def test_a_date_that_two_states_can_have_is_no_proof_for_a_range() -> None:
    fresh = Validators(ETAG, MODIFIED, settled=False)
    fields = ("Range: bytes=0-8", f"If-Range: {DATE}")
    assert asked(*fields, validators=fresh).status == 200
    assert asked(*fields[:1], f"If-Range: {TAG}", validators=fresh).status == 206


def test_a_range_of_a_head_is_ignored() -> None:
    answer = asked("Range: bytes=0-8", method="HEAD")
    assert (answer.status, answer.length) == (200, SIZE)


@pytest.mark.parametrize("value", ["0-", "-5", "-0", "0-0,1-"])
def test_nothing_has_no_parts_and_is_sent_as_it_is(value: str) -> None:
    answer = asked(f"Range: bytes={value}", size=0)
    assert (answer.status, answer.length, answer.spans) == (200, 0, ())


specs = st.lists(st.from_regex(r"[0-9]{0,3}-[0-9]{0,3}", fullmatch=True), max_size=6)


@given(specs, st.integers(0, 300))
def test_no_range_asks_for_more_than_there_is(parts: list[str], size: int) -> None:
    spans = spans_of(b"bytes=" + ",".join(parts).encode(), size)
    if spans is not None:
        assert all(0 <= span.start < span.end <= size for span in spans)
        assert sum(span.size for span in spans) <= size
        assert all(isinstance(span, Span) for span in spans)


@pytest.mark.parametrize(
    ("accepted", "names"),
    [
        ("", ""),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br gzip"),
        ("GZIP;Q=1.0", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip br"),
        ("br;q=0, gzip", "gzip"),
        ("*", "br gzip"),
        ("*;q=0", ""),
        ("gzip;q=0, *", "br"),
        ("identity", ""),
        ("identity;q=0.5, gzip", "gzip"),
        ("identity, gzip;q=0.5", ""),
        ("gzip;q=2", ""),
        ("deflate", ""),
        ("gzip ; q=0.3 , br ; q=0.2", "gzip br"),
    ],
)
def test_the_dearest_coding_comes_first(accepted: str, names: str) -> None:
    assert [name.decode() for _, name in stored_codings(accepted.encode())] == names.split()


def test_a_tag_is_of_one_state_alone() -> None:
    states = [(1, 2, 3), (2, 2, 3), (1, 3, 3), (1, 2, 4)]
    assert len({etag_of(*state) for state in states}) == len(states)
    assert etag_of(1, 2, 3) == etag_of(1, 2, 3)
