"""Listeners that launchd hands over, by a library that answers as launchd's does."""

from __future__ import annotations

import ctypes
import errno
import os
from types import SimpleNamespace
from typing import Any

import pytest

from rpx.door.launchd import activated


def test_the_descriptors_of_a_key_are_ours_and_not_inherited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = os.dup(0), os.dup(0)
    array = (ctypes.c_int * 2)(*given)
    freed: list[object] = []

    def launch_activate_socket(name: bytes, fds: Any, count: Any) -> int:  # noqa: ANN401 - by reference
        if name != b"http":
            return errno.ENOENT
        fds._obj.contents = array
        count._obj.value = 2
        return 0

    library = SimpleNamespace(launch_activate_socket=launch_activate_socket, free=freed.append)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    for fd in given:
        os.set_inheritable(fd, True)
    try:
        assert tuple(activated("http")) == given
        assert not any(os.get_inheritable(fd) for fd in given)
        assert len(freed) == 1
        with pytest.raises(OSError, match="No such file"):
            activated("ftp")
    finally:
        for fd in given:
            os.close(fd)
