"""What is said of a handshake that failed."""

from __future__ import annotations

import ssl

import pytest

from rpx.hub.backend_tls import fault_of
from rpx.model.address import Address
from rpx.policy.protocol_hints import hint_for


@pytest.mark.parametrize(
    ("reason", "fault"),
    [
        ("TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "speaks HTTP/2, not HTTP/1.1"),
        ("WRONG_VERSION_NUMBER", "does not speak TLS"),
        ("NO_CIPHERS_AVAILABLE", "TLS handshake failed: no ciphers available"),
    ],
)
def test_a_fault_has_words_of_its_own(reason: str, fault: str) -> None:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    assert fault_of(error) == fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[SSL] tlsv1 alert no application protocol (_ssl.c:1006)", "speaks HTTP/2, not HTTP/1.1"),
        ("[SSL] unknown error (_ssl.c:99)", "TLS handshake failed: unknown error"),
    ],
)
def test_so_has_one_without_a_reason(text: str, fault: str) -> None:
    assert fault_of(ssl.SSLError(1, text)) == fault


def test_who_speaks_http_2_alone_is_to_be_asked_so() -> None:
    address = Address("localhost", 50051)
    assert "`protocol: h2c`" in hint_for("speaks HTTP/2, not HTTP/1.1", address)
