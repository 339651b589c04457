"""What is remembered of a head changes nothing of what the next one means."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.http import memory
from rpx.http.head import RequestHead, parse_request
from rpx.http.limits import DEFAULT, BadMessage, MessageLimits
from rpx.http.memory import MOST, RequestMemory, ResponseMemory
from rpx.http.response import ResponseHead, parse_response

NARROW = MessageLimits(head=70, target=8)
LIMITS = st.sampled_from([DEFAULT, DEFAULT, DEFAULT, NARROW])

METHODS = st.sampled_from([b"GET", b"GET", b"HEAD", b"POST", b"OPTIONS", b"TRACE", b"G"])
TARGETS = st.sampled_from(
    [b"/", b"/a", b"/a?b=c", b"/longer/than/8", b"/\x7f", b"/a#b", b"/a b", b"*", b"http://a/", b""]
)
FIELDS = st.sampled_from(
    [
        b"Host: a", b"Host: a\r\nConnection: keep-alive", b"Host: a\r\nContent-Length: 5",
        b"Host: a\r\nConnection: close", b"Host: a\r\nTransfer-Encoding: chunked", b"X: 1",
        b"Host: a\r\nX-Forwarded-For: 1\r\nVia: 1.1 b", b"Host: a\r\nMax-Forwards: 0",
        b"Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket", b"Host: a\r\nX: \x00",
        b"Host: a\r\nX: " + b"x" * MOST,
    ]
)  # fmt: skip
VERSIONS = st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0"])
BEHIND = st.sampled_from([b"", b"", b"hello", b"GET / HTTP/1.1\r\n"])
REQUESTS = st.builds(
    lambda start, method, target, version, fields, behind: (
        b"%b%b %b %b\r\n%b\r\n\r\n%b" % (start, method, target, version, fields, behind)
    ),
    st.sampled_from([b"", b"", b"", b"\r\n"]), METHODS, TARGETS, VERSIONS, FIELDS, BEHIND,
)  # fmt: skip

ANSWERS = st.builds(
    lambda status, fields, behind: b"HTTP/1.1 %b\r\n%b\r\n\r\n%b" % (status, fields, behind),
    st.sampled_from([b"200 OK", b"200 OK", b"204 No Content", b"103 Hints", b"101 Switching"]),
    st.sampled_from(
        [
            b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Connection: close",
            b"Connection: Upgrade\r\nUpgrade: websocket", b"Content-Length: x",
            b"Content-Length: 5\r\nX: " + b"x" * MOST,
        ]
    ),
    st.sampled_from([b"", b"hello"]),
)  # fmt: skip

Judged = tuple[RequestHead, int] | tuple[ResponseHead, int] | tuple[int, str] | None


def judged(parse: Callable[[], Judged]) -> Judged:
    """What comes out, a refusal included."""
    try:
        return parse()
    except BadMessage as bad:
        return bad.status, str(bad)


@given(st.lists(st.tuples(REQUESTS, LIMITS), min_size=2, max_size=8))
def test_a_request_means_the_same_whatever_came_before_it(
    requests: list[tuple[bytes, MessageLimits]],
) -> None:
    memory = RequestMemory()
    for raw, limits in requests:
        for part in (raw, raw[:-3]):
            fresh = judged(lambda part=part, limits=limits: parse_request(part, limits))  # type: ignore[misc]
            again = judged(lambda part=part, limits=limits: memory.parse(part, limits))  # type: ignore[misc]
            assert again == fresh


@given(
    st.lists(
        st.tuples(ANSWERS, METHODS, st.sampled_from([None, None, b"websocket"]), LIMITS),
        min_size=2,
        max_size=8,
    )
)
def test_an_answer_means_the_same_whatever_came_before_it(
    answers: list[tuple[bytes, bytes, bytes | None, MessageLimits]],
) -> None:
    memory = ResponseMemory()
    for raw, method, upgrade, limits in answers:
        for part in (raw, raw[:-3]):
            words = part, method, upgrade, limits
            fresh = judged(lambda words=words: parse_response(*words))  # type: ignore[misc]
            again = judged(lambda words=words: memory.parse(*words))  # type: ignore[misc]
            assert again == fresh


def test_a_head_like_the_last_one_is_not_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    requests, answers = RequestMemory(), ResponseMemory()
    fields = b" HTTP/1.1\r\nHost: a\r\nCookie: b=c\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    requests.parse(b"GET /one" + fields, DEFAULT)
    answers.parse(answer + b"hello", b"GET", None, DEFAULT)
    monkeypatch.delattr(memory, "parse_request")
    monkeypatch.delattr(memory, "parse_response")
    parsed = requests.parse(b"GET /two?x" + fields + b"GET", DEFAULT)
    assert parsed is not None
    assert (parsed[0].target, parsed[0].path, parsed[1]) == (b"/two?x", b"/two", 10 + len(fields))
    assert answers.parse(answer + b"world", b"GET", None, DEFAULT) is not None
    with pytest.raises(NameError):
        requests.parse(b"GET /two" + fields.replace(b"c", b"d"), DEFAULT)
    with pytest.raises(NameError):
        answers.parse(answer.replace(b"5", b"6"), b"GET", None, DEFAULT)


def test_what_is_made_of_a_remembered_head_does_not_change_it() -> None:
    requests = RequestMemory()
    raw = b"GET / HTTP/1.1\r\nHost: a\r\nCookie: b=c\r\n\r\n"
    first = requests.parse(raw, DEFAULT)
    assert first is not None
    assert first[0].altered(b"/", b"\r\nHost: a").block == b"\r\nHost: a"
    assert requests.parse(raw, DEFAULT) == first


def test_nothing_outside_of_the_parsers_assigns_to_a_head() -> None:
    package = Path(memory.__file__).parents[1]
    for file in package.rglob("*.py"):
        if file.name not in ("head.py", "response.py"):
            assert ".block = " not in file.read_text(), file
