"""The door of a project in a copy (forkserver.py) is a copy, too.

An interpreter of its own, with the modules of the door, would be a fifth of what a test of a
project costs. `tests/door` starts it as a user has it.
"""

from __future__ import annotations

import fcntl
import os
import signal
import traceback
from collections.abc import Callable, Sequence
from functools import partial

from rpx.cli.supervisor import at_the_door
from rpx.door.door_process import main
from rpx.door.starting import DoorPlace, _log

Show = Callable[[str], None]


def copy_doors(show: Show) -> None:
    """From now on this process starts doors as copies of itself.

    `show` sets the variable of its environment by which others know whose a process is.
    """
    vars(at_the_door)["start_door"] = partial(_start_door, show)


def _start_door(show: Show, place: DoorPlace, lock: int, *, options: Sequence[str] = ()) -> None:
    """As rpx.door.starting does: nobody's child, in a session of its own, with no environment."""
    os.makedirs(place.state, mode=0o700, exist_ok=True)
    log = _log(place)
    between = os.fork()
    if not between:
        os.setsid()
        if not os.fork():
            show("")
            _be_the_door(
                [os.fspath(place.folder), os.fspath(place.state), "--lock", *options], log, lock
            )
        os._exit(0)
    os.close(lock)
    os.close(log)
    os.waitpid(between, 0)


def _be_the_door(words: Sequence[str], log: int, lock: int) -> None:
    code = 1
    try:
        null = os.open(os.devnull, os.O_RDWR)
        above = [fcntl.fcntl(file, fcntl.F_DUPFD, 10) for file in (null, null, log, lock)]
        for number, file in enumerate(above):
            os.dup2(file, number)
        os.closerange(len(above), 1024)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.environ.clear()
        code = main(words)
    except BaseException:  # noqa: BLE001 - nobody above is to go on with it
        traceback.print_exc()
    finally:
        os._exit(code)
