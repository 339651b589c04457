"""An answer of HTTP/2 becomes a head of HTTP/1.1, or none: no byte of it may begin a line."""

from __future__ import annotations

import pytest

from rpx.http.backend_heads import head_from_backend
from rpx.http.fields import Malformed
from rpx.http.response import parse_response

STATUS = (b":status", b"200")


@pytest.mark.parametrize(
    "field",
    [
        (b"X-A", b"b"),
        (b"x a", b"b"),
        (b"x:a", b"b"),
        (b"x\r\ny", b"b"),
        (b"x\0", b"b"),
        (b"", b"b"),
        (b"x-a", b"b\r\nSet-Cookie: c"),
        (b"x-a", b"b\rc"),
        (b"x-a", b"b\nc"),
        (b"x-a", b"b\0"),
        (b"x-a", b" b"),
        (b"x-a", b"b\t"),
        (b"connection", b"close"),
        (b"keep-alive", b"timeout=5"),
        (b"proxy-connection", b"close"),
        (b"transfer-encoding", b"chunked"),
        (b"upgrade", b"websocket"),
        (b":status", b"200"),
        (b":path", b"/"),
        (b":test", b"a"),
    ],
)
def test_a_field_that_no_answer_of_http_2_has_makes_it_none(field: tuple[bytes, bytes]) -> None:
    with pytest.raises(Malformed):
        head_from_backend((STATUS, (b"x-first", b"1"), field))


def test_a_head_that_is_one_is_read_as_http_1_reads_it() -> None:
    fields = (STATUS, (b"content-length", b"5"), (b"set-cookie", b"a"), (b"set-cookie", b"b"))
    raw = head_from_backend(fields)
    parsed = parse_response(raw, b"GET", None)
    assert parsed is not None
    head, size = parsed
    assert (head.status, head.length, size) == (200, 5, len(raw))
    assert raw.count(b"\r\n") == len(fields) + 1


def test_nothing_is_switched() -> None:
    with pytest.raises(Malformed):
        head_from_backend(((b":status", b"101"),))
