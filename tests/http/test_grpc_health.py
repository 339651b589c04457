"""What a gRPC server says of its health, in the bytes of grpc.health.v1."""

from __future__ import annotations

import pytest

from rpx.http.grpc_health import ailment, question

OK = [(b":status", b"200"), (b"content-type", b"application/grpc")]
FINE = [(b"grpc-status", b"0")]


def message(payload: bytes) -> bytes:
    return b"\0" + len(payload).to_bytes(4, "big") + payload


def test_the_whole_server_is_asked_for_by_an_empty_message() -> None:
    assert question("") == bytes(5)


def test_a_service_is_asked_for_by_field_1() -> None:
    assert question("shop.v1.Orders") == message(b"\x0a\x0eshop.v1.Orders")
    long = "a" * 300
    assert question(long) == message(b"\x0a\xac\x02" + long.encode())


@pytest.mark.parametrize(
    "payload",
    [
        b"\x08\x01",
        b"\x12\x02hi\x08\x01",  # a field nobody knows comes before
        b"\x19" + bytes(8) + b"\x25" + bytes(4) + b"\x08\x01",
    ],
)
def test_serving_is_well(payload: bytes) -> None:
    assert ailment("", OK, message(payload), FINE) is None


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"", "UNKNOWN"),
        (b"\x08\x00", "UNKNOWN"),
        (b"\x08\x02", "NOT_SERVING"),
        (b"\x08\x03", "SERVICE_UNKNOWN"),
        (b"\x08\x09", "9"),
        (b"\x10\x01", "UNKNOWN"),  # field 2 says nothing
    ],
)
def test_anything_else_is_named(payload: bytes, said: str) -> None:
    assert ailment("", OK, message(payload), FINE) == f"grpc.health.v1: {said}"
    assert ailment("a.B", OK, message(payload), FINE) == f"grpc.health.v1 of a.B: {said}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        b"\0\0\0\0\x02\x08",  # cut off
        message(b"\x08"),  # a number that has no end
        message(b"\x08\xff\xff"),
        message(b"\x12\x05hi"),  # longer than the message
        message(b"\x0b\x08\x01"),  # a group: nobody writes any
        b"\x01" + message(b"\x08\x01")[1:],  # compressed, which nobody has asked for
        message(b"\x08\x01") + b"\0",
    ],
)
def test_what_is_no_message_is_said_to_be_none(body: bytes) -> None:
    assert ailment("", OK, body, FINE) == "no answer of grpc.health.v1 can be read in what it sent"


@pytest.mark.parametrize(
    ("head", "trailers", "said"),
    [
        (OK, [(b"grpc-status", b"12")], "has no grpc.health.v1, the service"),
        ([*OK, (b"grpc-status", b"12")], [], "has no grpc.health.v1, the service"),
        (OK, [(b"grpc-status", b"5")], "grpc.health.v1 knows no service a.B"),
        (OK, [(b"grpc-status", b"14"), (b"grpc-message", b"not%20yet%0A")], "UNAVAILABLE: not yet"),
        (OK, [(b"grpc-status", b"16")], "UNAUTHENTICATED to a call of grpc.health.v1"),
        (OK, [(b"grpc-status", b"99")], "grpc-status 99 to a call"),
        (OK, [], "no gRPC server: its answer has no grpc-status"),
        ([(b":status", b"404")], FINE, "status 404 to a call of grpc.health.v1"),
    ],
)
def test_an_answer_without_a_message_says_why(
    head: list[tuple[bytes, bytes]], trailers: list[tuple[bytes, bytes]], said: str
) -> None:
    found = ailment("a.B", head, b"", trailers)
    assert found is not None
    assert found.startswith(said)
