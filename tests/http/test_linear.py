"""Time grows with the input and not faster, for heads that pass and for heads made to hurt (56)."""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time

import pytest

from rpx.http.framing import ChunkedReader
from rpx.http.head import parse_request
from rpx.http.limits import BadMessage, MessageLimits
from rpx.http.response import parse_response

WIDE = MessageLimits(head=10**8, lines=10**6, target=10**8, chunk_extensions=10**8)
START = b"GET / HTTP/1.1\r\nHost: a\r\n"
END = b"\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\n"


def request(raw: bytes) -> None:
    try:
        parse_request(raw, WIDE)
    except BadMessage:
        pass


def request_in_pieces(raw: bytes) -> None:
    buffer, scanned = bytearray(), 0
    for at in range(0, len(raw), 50):
        buffer += raw[at : at + 50]
        parse_request(buffer, scanned=scanned)
        scanned = len(buffer)


def response(raw: bytes) -> None:
    try:
        parse_response(raw, b"GET", None, WIDE)
    except BadMessage:
        pass


def chunks(raw: bytes) -> None:
    reader = ChunkedReader(400, WIDE)
    try:
        for at in range(0, len(raw), 1000):
            reader.feed(raw[at : at + 1000])
    except BadMessage:
        pass


def once(work: Callable[[bytes], None], raw: bytes) -> float:
    began = thread_time()
    work(raw)
    return thread_time() - began


CASES: list[tuple[str, Callable[[bytes], None], Callable[[int], bytes]]] = [
    ("3,000 small fields", request, lambda n: START + b"a: b\r\n" * n + b"\r\n"),
    ("fields that are special", request, lambda n: START + b"Via: b\r\n" * n + b"\r\n"),
    ("a long value", request, lambda n: START + b"a: " + b"a" * 10 * n + b"\r\n\r\n"),
    ("only letters", request, lambda n: b"a" * 10 * n),
    ("a target without end", request, lambda n: b"GET /" + b"a" * 10 * n),
    ("many colons", request, lambda n: START + b":" * 10 * n + b"\r\n\r\n"),
    ("colons in a name", request, lambda n: START + b"a:" * 10 * n + b"\x00\r\n\r\n"),
    ("wrong at the end", request, lambda n: START + b"a: b\r\n" * n + b"a b\r\n\r\n"),
    ("spaces", request, lambda n: START + b"a:" + b" " * 10 * n + b"\r\n\r\n"),
    ("spaces in a length", request, lambda n: START + b"te: " + b" ," * 5 * n + b"x\r\n\r\n"),
    ("empty lines first", request, lambda n: b"\r\n" * 5 * n + START),
    (
        "options of Connection",
        request,
        lambda n: START + b"Connection: " + b"a,x" * n + b"\r\n\r\n",
    ),
    ("a head in pieces", request_in_pieces, lambda n: START + b"a: " + b"a" * 4 * n),
    ("fields of an answer", response, lambda n: ANSWER + b"a: b\r\n" * n + b"\r\n"),
    ("a reason without end", response, lambda n: b"HTTP/1.1 200 " + b"x" * 10 * n),
    ("tiny chunks", chunks, lambda n: b"1\r\nx\r\n" * n + b"0\r\n\r\n"),
    ("extensions", chunks, lambda n: (b"1" + b";a" * 1500 + b"\r\nx\r\n") * (n // 100)),
    ("trailers", chunks, lambda n: b"0\r\n" + b"a: b\r\n" * n + b"\r\n"),
]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_eight_times_the_input_takes_about_eight_times_as_long(
    case: tuple[str, Callable[[bytes], None], Callable[[int], bytes]],
) -> None:
    """Quadratic work would take 64 times as long. CPU time of this thread: others may be busy."""
    _, work, make = case
    small, large = make(1500), make(12000)
    ratios = []
    for _ in range(3):
        base = min(once(work, small) for _ in range(5))
        ratios.append(min(once(work, large) for _ in range(3)) / base)
        if ratios[-1] < 30:
            return
    pytest.fail(f"ratios {ratios}")
