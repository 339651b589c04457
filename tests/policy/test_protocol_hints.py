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
        ("HTTP/2", "`from: h2c://localhost:3000`"),
        ("HTTP/1.1", "http://localhost:3000"),
        ("SSH", "HTTP server"),
        ("something else", "HTTP"),
    ],
)
def test_there_is_a_hint_for_each_protocol(protocol: str, hint: str) -> None:
    assert hint in hint_for(speaks(protocol), ADDRESS)


@pytest.mark.parametrize("error", ["", "connection refused", "closed the connection", "speaks up"])
def test_for_another_error_there_is_none(error: str) -> None:
    assert not hint_for(error, ADDRESS)
