"""Addresses of this machine where somebody listens, nobody does, or nothing ever answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

V4, V6 = socket.AF_INET, socket.AF_INET6


@contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket of that port, whatever became of earlier connections to it."""
    with socket.socket(V6 if ":" in host else V4) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port or _free_port()))
        yield sock


@contextmanager
def listening(host: str, port: int = 0, backlog: int = 16) -> Iterator[int]:
    """Listen there; the port."""
    with bound(host, port) as listener:
        listener.listen(backlog)
        yield listener.getsockname()[1]


@contextmanager
def black_hole(host: str, port: int = 0) -> Iterator[int]:
    """A port whose queue is full: the kernel drops whoever calls, and says nothing."""
    with listening(host, port, backlog=0) as taken, ExitStack() as callers:
        for _ in range(10):
            caller = callers.enter_context(socket.socket(V6 if ":" in host else V4))
            caller.setblocking(False)
            caller.connect_ex((host, taken))
        yield taken


@contextmanager
def nobody(host: str, port: int) -> Iterator[None]:
    """A port that refuses, and that nobody else gets in the meantime."""
    with bound(host, port):
        yield


def _free_port() -> int:
    """A port that is free in both families: many a test binds the same one in the other."""
    with socket.socket(V6) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", 0))
        return int(sock.getsockname()[1])
