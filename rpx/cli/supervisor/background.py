"""From the foreground to the background: who starts a project sees it start, and is let go.

The one who leaves has a session of its own and a pipe in the place of stderr. What comes through
the pipe is shown here; the byte LOOSE in it means that all is well, its end that all is over.
Nothing heavy is imported: the one who leaves becomes the guardian.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from rpx.folders import make_folder

LOOSE = b"\0"


def in_background(work: Callable[[], int]) -> int:
    """Run `work` in a process of its own until it has called `let_go`; 0 then, else its exit code.

    Ctrl-C before that ends it.
    """
    ours, theirs = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        _leave(work, theirs)
    os.close(theirs)
    try:
        loose = _listen(ours)
    except KeyboardInterrupt:
        os.kill(pid, signal.SIGINT)
        _listen(ours)
        loose = False  # if it said so just now: it ends all the same, and is waited for
    finally:
        os.close(ours)
    if loose:
        return 0
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def let_go(errors: Path) -> None:
    """Tell who started us that all is well. What is written to stderr goes to a file from now on.

    Where that can't be made it goes nowhere.
    """
    sys.stderr.flush()
    try:
        os.write(2, LOOSE)
    except OSError:
        pass  # nobody waits for it any more
    try:
        make_folder(errors.parent)
        file = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    except OSError:
        file = os.open(os.devnull, os.O_WRONLY)
    os.dup2(file, 2)
    os.close(file)


def _leave(work: Callable[[], int], stderr: int) -> None:
    """Never returns."""
    code = 1
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for place, file in enumerate((nothing, nothing, stderr)):
            os.dup2(file, place)
        os.close(nothing)
        os.close(stderr)
        code = work()
    finally:
        os._exit(code)


def _listen(pipe: int) -> bool:
    """Show what is said until it is loose (True) or has ended (False)."""
    while text := os.read(pipe, 65536):
        said, loose, _ = text.partition(LOOSE)
        sys.stderr.buffer.write(said)
        sys.stderr.flush()
        if loose:
            return True
    return False
