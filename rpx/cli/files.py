"""How many files this process may have open: each connection is one."""

from __future__ import annotations

import resource

FILES = 32_768  # enough for `limits.connections` and as many to backends


def raise_file_limit() -> None:
    """Take as many file descriptors as we may: each request under way has two in rpx."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            pass  # macOS may allow less than it says; what there is has to do
