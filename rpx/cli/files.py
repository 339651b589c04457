"""The files of this process: the three that every program has, and how many there may be."""

from __future__ import annotations

import os
import resource
import sys

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


def open_standard_streams() -> None:
    """Let those that whoever started us has closed be /dev/null.

    What is opened next would get their numbers, and be read and written in their stead.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115 - for good
