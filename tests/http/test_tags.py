"""X-Request-Id and traceparent: the client's own if they are sane, else ours."""

from __future__ import annotations

import re

import pytest

from rpx.http.head import RequestHead, parse_request
from rpx.http.tags import Tags

RUN = bytes(range(1, 17))
TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def head(*fields: bytes) -> RequestHead:
    lines = b"\r\n".join((b"GET / HTTP/1.1", b"Host: a.localhost", *fields))
    parsed = parse_request(lines + b"\r\n\r\n")
    assert parsed is not None
    return parsed[0]


def sent(*fields: bytes) -> tuple[bytes | None, bytes | None, bytes | None]:
    """What a backend gets: the id, the trace and the state of that."""
    request = head(*fields)
    whole = request.altered(b"/", request.block + b"\r\n" + Tags(RUN).lines(5, request.tags))
    names = (b"x-request-id", b"traceparent", b"tracestate")
    ident, trace, state = (whole.field(name) for name in names)
    return ident, trace, state


OURS = b"01020304-0005"
OUR_TRACE = b"00-01020304050607080000000000000005-090a0b0c0d0e0f10-01"


def test_who_brings_none_gets_both() -> None:
    assert sent() == (OURS, OUR_TRACE, None)


def test_what_is_sane_is_kept() -> None:
    kept = sent(b"X-Request-Id: mine-1", b"Traceparent: " + TRACE, b"Tracestate: a=b")
    assert kept == (b"mine-1", TRACE, b"a=b")
    assert sent(b"X-Request-ID: mine-1") == (b"mine-1", OUR_TRACE, None)
    assert sent(b"traceparent: " + TRACE) == (OURS, TRACE, None)


@pytest.mark.parametrize("value", [b"", b"a b", b'"a"', b"a,b", b"x" * 129, b"<script>", b"\xff"])
def test_an_id_that_is_not_sane_is_replaced(value: bytes) -> None:
    assert sent(b"X-Request-Id: " + value) == (OURS, OUR_TRACE, None)


def test_two_ids_are_none() -> None:
    assert sent(b"X-Request-Id: a", b"X-Request-Id: b") == (OURS, OUR_TRACE, None)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        TRACE.upper(),
        TRACE + b"-1",
        b"ff" + TRACE[2:],
        b"00-" + b"0" * 32 + TRACE[35:],
        TRACE[:36] + b"0" * 16 + b"-01",
        TRACE[:-1],
        TRACE + b", " + TRACE,
    ],
)
def test_a_trace_that_is_not_valid_is_replaced_and_its_state_is_gone(value: bytes) -> None:
    assert sent(b"traceparent: " + value, b"tracestate: a=b") == (OURS, OUR_TRACE, None)


def test_a_later_version_may_say_more() -> None:
    assert sent(b"traceparent: 01" + TRACE[2:] + b"-what")[1] == b"01" + TRACE[2:] + b"-what"


def test_a_state_without_its_trace_is_gone() -> None:
    assert sent(b"tracestate: a=b") == (OURS, OUR_TRACE, None)


def test_no_two_requests_have_the_same_and_each_is_found_by_its_id() -> None:
    tags = Tags(RUN)
    numbers = [*range(1, 9000), 2**40]
    lines = {tags.lines(number, 0) for number in numbers}
    assert len(lines) == len(numbers)
    for number in (1, 4095, 4096, 4097, 2**40):
        made = re.fullmatch(
            rb"X-Request-Id: ([0-9a-f-]+)\r\ntraceparent: 00-([0-9a-f]{32})-[0-9a-f]{16}-01\r\n",
            tags.lines(number, 0),
        )
        assert made is not None
        assert made[1].decode() == tags.id_of(number)
        assert made[2].decode() == tags.trace_of(number)
        assert tags.number_of(tags.id_of(number)) == number
        assert tags.number_of(tags.id_of(number).partition("-")[2]) == number
    assert tags.number_of("ffffffff-0005") is None
    assert tags.number_of("mine") is None
