"""The key of sticky cookies: one for each user, kept so that clients stay when rpx restarts."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from typing import Final

from rpx.folders import make_folder, state_home

SIZE: Final = 32  # bytes


def key_file() -> Path:
    """Where the key lies."""
    return state_home() / "sticky.key"


def kept_key() -> bytes:
    """Return the key, made at random when there is none yet. Raises: OSError."""
    file = key_file()
    make_folder(file.parent)
    fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)  # two rpx may begin at once; both are to have the same
        os.fchmod(fd, 0o600)
        key = os.pread(fd, SIZE + 1, 0)
        if len(key) != SIZE:
            key = secrets.token_bytes(SIZE)
            os.ftruncate(fd, 0)
            os.pwrite(fd, key, 0)
        return key
    finally:
        os.close(fd)
