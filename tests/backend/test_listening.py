"""The kernel's tables of sockets, against sockets of our own."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from rpx.backend.listening import answering, held, holder, listening

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system shows no owners"),
]


def test_whoever_has_bound_the_very_address_answers_before_one_of_all_addresses() -> None:
    with socket.create_server(("127.0.0.2", 0)) as exact:
        port = exact.getsockname()[1]
        rows = [str(row) for row in answering("127.0.0.2", port, listening())]
        assert rows == [f"127.0.0.2:{port}"]
        assert answering("127.0.0.1", port, listening()) == []
        with socket.socket() as every:
            every.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError, match="in use"):
                every.bind(("", port))


@pytest.mark.parametrize(
    ("family", "bound", "called", "shown"),
    [
        (socket.AF_INET, "0.0.0.0", "127.0.0.1", "0.0.0.0:{}"),
        (socket.AF_INET6, "::1", "::1", "[::1]:{}"),
        (socket.AF_INET6, "::", "127.0.0.1", "[::]:{}"),
        (socket.AF_INET6, "::", "::1", "[::]:{}"),
    ],
)
def test_a_socket_is_found_by_the_address_that_leads_to_it(
    family: socket.AddressFamily, bound: str, called: str, shown: str
) -> None:
    with socket.create_server((bound, 0), family=family, dualstack_ipv6=bound == "::") as server:
        port = server.getsockname()[1]
        [row] = answering(called, port, listening())
        assert (str(row), row.uid) == (shown.format(port), os.getuid())
        assert row.inode in (held(os.getpid()) or ())
        assert holder({row.inode}) == os.getpid()
    assert answering(called, port, listening()) == []


def test_an_ipv4_address_that_a_socket_for_ipv6_has_bound_is_called_as_usual() -> None:
    with socket.socket(socket.AF_INET6) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::ffff:127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert [str(row) for row in answering("127.0.0.1", port, listening())] == [
            f"127.0.0.1:{port}"
        ]


def test_a_socket_that_does_not_listen_is_not_there() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        assert answering("127.0.0.1", sock.getsockname()[1], listening()) == []


def test_who_has_gone_holds_nothing() -> None:
    assert held(2**22 + 1) == set()
    assert holder({0}) is None
