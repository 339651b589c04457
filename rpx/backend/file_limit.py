"""How many files may be open: rpx takes as many as it may, its services have what it was given."""

from __future__ import annotations

import os
import resource
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rpx.backend.mark import put_on

FILES = 32_768  # enough for `limits.connections` and as many to backends

_given: list[int] = []  # what rpx was started with, where it has taken more
_one = threading.Lock()  # the limit is that of the whole process


def raise_file_limit() -> None:
    """Take as many file descriptors as we may: each request under way has two in rpx."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted and _set(wanted):
        _given.append(soft)


@contextmanager
def as_a_service(mark: int | None) -> Iterator[Callable[[int], None]]:
    """Have, while a process is started, the limits that it is to have; what this gives is to be
    called with its pid. `mark`: by which it is known, see `rpx.backend.mark`.

    Of files it may open what rpx itself was given: programs that go through all numbers there may
    be, or use `select`, break with more. A process has a limit from its first instruction on only
    if its parent has it at the fork. That of files is about the number that the next one gets:
    where many are open already, rpx keeps its own, so that it can go on.
    """
    if not _given and mark is None:
        yield _do_nothing
        return
    with _one:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        lowered = bool(_given) and _has_room(_given[0]) and _set(_given[0])
        before = put_on(mark)
        try:
            yield _do_nothing if lowered else _give_back
        finally:
            if lowered:
                _set(files)
            put_on(before)


def _do_nothing(_pid: int) -> None:
    """It has the limit already."""


def _give_back(pid: int) -> None:
    """Lower the limit of a process that has just been started, and may not have looked yet."""
    if not _given or sys.platform != "linux":
        return
    try:
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        if soft > _given[0]:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (_given[0], hard))
    except OSError:
        pass  # it has gone, or has become somebody else by a set-uid bit


def _has_room(limit: int) -> bool:
    """Whether files can be opened below that number, also by others at the same time."""
    try:
        lowest = os.dup(0)
    except OSError:
        return False
    os.close(lowest)
    return lowest < limit - limit // 4


def _set(soft: int) -> bool:
    try:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (soft, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        )
    except (OSError, ValueError):
        return False  # macOS may allow less than it says; what there is has to do
    return True
