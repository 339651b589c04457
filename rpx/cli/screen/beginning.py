"""How the screen begins and ends, and where there can be one. Loads textual only for that."""

from __future__ import annotations

import os
import sys
import termios
import threading
from importlib.util import find_spec

from rpx.cli.helpers.extras import how_to_add
from rpx.cli.helpers.loading import loading
from rpx.cli.helpers.ordering import GOES_ON
from rpx.cli.terminal.live import can_draw
from rpx.cli.terminal.output import say
from rpx.runs.lease import Lease


def has_extra() -> bool:
    """Tell whether the extra `tui` is installed."""
    return find_spec("textual") is not None


def how_to_get() -> str:
    """Return the command that adds the extra to this environment."""
    return how_to_add("tui", "textual")


def can_fill() -> bool:
    """Tell whether there is a terminal that shows a picture and gives us keys."""
    if not (can_draw() and sys.stdin.isatty() and sys.stderr.isatty()):  # textual draws to stderr
        return False
    if sys.stderr.encoding.lower() not in {"utf-8", "utf8"}:  # lines and shapes are not ASCII
        return False
    # In the background of a group that somebody else leads (`timeout 5s rpx top`) a key never
    # comes: nobody would bring us back.
    return os.getpgrp() in (os.getpid(), os.tcgetpgrp(sys.stdin.fileno()))


def on_a_screen(lease: Lease, *, colour: bool) -> int:
    """Show a project until the user has had enough; the exit code. Raises: RpxError."""
    from rpx.cli.screen.project_watch import ProjectWatch  # noqa: PLC0415 - the plain table needs none of it

    watch = ProjectWatch(lease)
    with loading():
        from rpx.cli.screen.top_app import TopApp  # noqa: PLC0415 - textual
    # In the background the kernel stops us here, until the shell brings us back.
    fd = sys.stdin.fileno()
    termios.tcsetattr(fd, termios.TCSANOW, termios.tcgetattr(fd))
    os.environ.pop("NO_COLOR", None)  # what has been decided goes, and textual looks there
    if not colour:
        os.environ.update(NO_COLOR="1")
    threading.excepthook = watch.note_failure
    app = TopApp(watch, colour=colour)
    code = app.run()
    if app.mistake is not None:
        raise app.mistake
    if watch.under_way:
        say(f"rpx: {GOES_ON}")
    return app.return_code or 0 if code is None else code
