"""Listeners that launchd has opened for us: launch_activate_socket(3) of macOS."""

from __future__ import annotations

import ctypes
import os


def activated(name: str) -> list[int]:
    """Return the descriptors of a key below `Sockets` of our property list.

    Raises: OSError: launchd has not started us, or knows no such key.
    """
    system = ctypes.CDLL(None)
    found = ctypes.POINTER(ctypes.c_int)()
    count = ctypes.c_size_t()
    error = system.launch_activate_socket(name.encode(), ctypes.byref(found), ctypes.byref(count))
    if error:
        raise OSError(error, os.strerror(error))
    fds = [found[number] for number in range(count.value)]
    system.free(found)
    for fd in fds:
        os.set_inheritable(fd, False)
    return fds
