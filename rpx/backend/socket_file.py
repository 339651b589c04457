"""The file of a unix socket where a service of ours is to listen."""

from __future__ import annotations

import errno
import os
import socket
import stat

from rpx.model.address import SocketFile


def clear(file: SocketFile) -> None:
    """Remove the socket that an earlier run has left: nobody can bind where a file is.

    Raises: FileExistsError when it is something else, or somebody listens there; other OSErrors
    when it can't be looked at or removed.
    """
    try:
        mode = os.stat(file.path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "it is no socket", file.path)
    with socket.socket(socket.AF_UNIX) as caller:
        caller.setblocking(False)
        try:
            caller.connect(file.path)
        except ConnectionRefusedError:
            os.unlink(file.path)
            return
        except BlockingIOError:
            pass  # its queue is full: all the more somebody listens
    raise FileExistsError(errno.EEXIST, "another process listens there", file.path)
