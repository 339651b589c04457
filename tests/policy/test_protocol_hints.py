"""What is wrong with a backend that speaks something else."""

from __future__ import annotations

import pytest

from rpx.model.address import Address
from rpx.policy.protocol_hints import hint_for, speaks

ADDRESS = Address("localhost", 3000)


@pytest.mark.parametrize(
    ("protocol", "hint"),
    [
        ("TLS", "`from: https://localhost:3000`"),
        ("HTTP/2", "`protocol: h2c`"),
        ("SSH", "HTTP server"),
        ("something else", "HTTP"),
    ],
)
def test_there_is_a_hint_for_each_protocol(protocol: str, hint: str) -> None:
    assert hint in hint_for(speaks(protocol), ADDRESS)


@pytest.mark.parametrize("protocol", ["HTTP/1.1", "something else"])
def test_who_is_asked_by_http_2_may_be_a_server_of_http_1(protocol: str) -> None:
    assert "leave out `protocol: h2c`" in hint_for(speaks(protocol, "HTTP/2"), ADDRESS)


@pytest.mark.parametrize("error", ["", "connection refused", "closed the connection", "speaks up"])
def test_for_another_error_there_is_none(error: str) -> None:
    assert not hint_for(error, ADDRESS)
