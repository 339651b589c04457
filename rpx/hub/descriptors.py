"""How many files clients and backends may take, so that there is always one for rpx itself.

Without a rest for orders, processes and logs a flood of clients would leave nobody able to look,
and a crashed service down.
"""

from __future__ import annotations

import errno
import resource
from functools import cache
from typing import Final

FEWEST: Final = 16  # that are kept for rpx itself
MOST: Final = 256
# The system has no more of what every process needs: files, memory, or processes themselves.
SHORTAGES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})


@cache
def allowed() -> int:
    """Return how many files this process may have open, as when it was first asked."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if soft == resource.RLIM_INFINITY else soft


def ceiling() -> int:
    """Return the number from which on a descriptor is rpx's own: the kernel gives the lowest."""
    limit = allowed()
    return max(1, limit - min(MOST, max(FEWEST, limit // 4)))


def room_for_clients() -> int:
    """Return how many clients may be connected, each with one connection to a backend."""
    return max(1, ceiling() // 2)
