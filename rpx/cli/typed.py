"""Commands in messages, as they are to be typed: with `-f FILE` where that names the project."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

from rpx.errors import RpxError

_OF_PROJECT: Final = (
    "attach|check|config|down|drill|kill-backend|logs|open|pause-backend|ps|reload|restart|resume-backend|"
    "run|scale|start|stats|stop|top|up|why"
)
_COMMAND = re.compile(
    rf"`rpx(?= (?:{_OF_PROJECT})(?![\w-])(?![^`\n]*(?: --help| --file| --all| -f [^`\s])))"
)
_files: list[Path] = []  # the one that was named last


def name_project(file: Path | None) -> None:
    """Let messages speak of the project of this file from now on. None: of the one found here."""
    _files[:] = [] if file is None else [file]


def typed(text: str) -> str:
    """Return a message whose commands reach the named project, typed as they stand there."""
    if not _files or "`rpx " not in text:
        return text
    return _COMMAND.sub(lambda _: f"`{words_for(_files[0])}", text)


def words_for(file: Path) -> str:
    """How commands for the project of a file begin, typed here: `rpx`, or `rpx -f FILE`."""
    from rpx.config import find_config  # noqa: PLC0415 - only where there is something to say
    from rpx.runs.lease import label  # noqa: PLC0415 - psutil, likewise

    try:
        found = find_config(Path.cwd())
    except (RpxError, OSError):  # OSError: there is no working directory any more
        found = None
    return "rpx" if found == file else f"rpx -f {shlex.quote(label(file))}"
