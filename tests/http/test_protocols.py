"""The protocols that are known by their first bytes."""

from __future__ import annotations

import pytest

from rpx.http.limits import BadMessage
from rpx.http.protocols import spoken
from rpx.http.response import parse_response

SAID = [
    (b"\x15\x03\x01\x00\x02\x02\x46", "TLS"),
    (b"\x16\x03\x03\x00\x7a\x02", "TLS"),
    (b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", "HTTP/2"),
    (b"\x00\x00\x18\x04\x00\x00\x00\x00\x00\x00\x04", "HTTP/2"),
    (b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + bytes(8), "HTTP/2"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
    (b"J\x00\x00\x00\x0a8.0.36\x00", "MySQL"),
    (b"-ERR wrong number of arguments for 'get' command\r\n", "Redis"),
    (b"220 mail.localhost ESMTP\r\n", "SMTP or FTP"),
    (b"ERROR\r\n", "memcached"),
    (b"hello\n", "something else"),
    (b"<html>", "something else"),
    (b"\x00", "something else"),
]


@pytest.mark.parametrize(("said", "protocol"), SAID)
def test_it_is_named(said: bytes, protocol: str) -> None:
    assert spoken(said) == protocol
    with pytest.raises(BadMessage) as caught:
        parse_response(said, b"GET")
    assert (caught.value.status, caught.value.speaks) == (502, protocol)
