"""Linux below Windows: the browser that people use there has a list that is not in Linux."""

from __future__ import annotations

from pathlib import Path
from typing import Final

WINDOWS: Final = (
    "browsers of Windows have a list of their own, which rpx doesn't change from here; this adds"
    " the authority to it:"
)
COMMAND: Final = 'certutil.exe -addstore -user Root "$(wslpath -w "$(rpx trust --print-ca-path)")"'


def under_windows(version: Path = Path("/proc/version")) -> bool:
    """Whether this is the Windows Subsystem for Linux."""
    try:
        return "microsoft" in version.read_text("utf-8", "replace").lower()
    except OSError:
        return False
