"""Ports that no two tests have, whichever workers run them."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from functools import cache
from itertools import cycle

from tests.support.workers import number

_chance = random.SystemRandom()  # `random` gives every test the same numbers


@cache
def ports_in_turn() -> Iterator[int]:
    """Ports in random order, none twice until all have had their turn.

    They are below the range from which the kernel takes ports for connections, and each worker has
    its own: what is free now is free until the test uses it.
    """
    worker, workers = number()
    ports = range(12_000 + worker, 32_000, workers)
    return cycle(_chance.sample(ports, len(ports)))


def is_free(port: int) -> bool:
    """Tell whether nobody listens there, on either loopback address."""
    with socket.socket(socket.AF_INET6) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            sock.bind(("::", port))
        except OSError:
            return False
    return True
