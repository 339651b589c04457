"""What becomes of an open WebSocket when its process or rpx goes away."""

from __future__ import annotations

import gc
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.project import SOON, Project, free_ports, until

pytestmark = [pytest.mark.real, pytest.mark.smoke]

CONFIG = """
listen: {http_port: HTTP_PORT}
proxies:
  - to: ws.localhost
    from: [localhost:ONE, localhost:TWO]
    start: PYTHON APPS/ws_echo.py
"""


@pytest.fixture
def ports(project: Project) -> tuple[int, int]:
    one, two = free_ports(2)
    project.write(CONFIG, ONE=str(one), TWO=str(two))
    return one, two


@contextmanager
def visit(project: Project) -> Iterator[ClientConnection]:
    """Open a WebSocket through rpx, and see that it is one."""
    sock = socket.create_connection(("127.0.0.1", project.http_port))
    with connect(f"ws://ws.localhost:{project.http_port}/", sock=sock) as client:
        client.send("hello")
        assert client.recv(5) == "hello"
        yield client
    gc.collect()  # websockets leaves its epoll object to that; other tests count descriptors


def all_ready(project: Project) -> None:
    until(lambda: set(project.states().values()) == {"ready"}, "both are ready")


def how_it_ended(client: ClientConnection) -> int | None:
    """Wait for the end; return the code of the Close, or what stands for none."""
    with pytest.raises(ConnectionClosed) as ended:  # and not TimeoutError
        client.recv(SOON)
    return ended.value.rcvd.code if ended.value.rcvd else None


def test_a_tunnel_ends_with_the_process_behind_it_and_the_others_end_with_1001(
    project: Project, ports: tuple[int, int]
) -> None:
    with project.up() as process:
        all_ready(project)
        with visit(project) as first, visit(project) as second:
            assert project.rpx("restart", str(ports[0])).returncode == 0
            assert how_it_ended(first) is None
            with visit(project) as third:
                assert project.rpx("stop", str(ports[0])).returncode == 0
                assert how_it_ended(third) is None
            second.send("still here")
            assert second.recv(5) == "still here"
            process.send_signal(signal.SIGINT)
            assert how_it_ended(second) == 1001
        process.wait(SOON)


def test_rpx_down_tells_a_client_1001(project: Project, ports: tuple[int, int]) -> None:
    with project.up() as process:
        all_ready(project)
        with visit(project) as client:
            assert project.rpx("down").returncode == 0
            assert how_it_ended(client) == 1001
        process.wait(SOON)
