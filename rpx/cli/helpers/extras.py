"""What rpx can do with libraries that it doesn't bring: how they are added."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Final

MCP: Final = "mcp>=2,<3"  # as pyproject.toml has it


def has_mcp() -> bool:
    """The SDK of MCP is installed, in a version that we know. A folder `mcp` of a project is not
    it. Nothing of it is loaded.
    """
    from importlib import metadata  # noqa: PLC0415 - for these commands alone

    try:
        return metadata.version("mcp").partition(".")[0] == "2"
    except metadata.PackageNotFoundError:
        return False


def how_to_add(extra: str, library: str) -> str:
    """Return the command that adds an extra to this environment, as rpx was installed."""
    parts = Path(sys.prefix).parts
    if "pipx" in parts:
        return f"pipx inject rpx-dev {shlex.quote(library)}"
    if "uv" in parts and "tools" in parts:
        return f"uv pip install -p {shlex.quote(sys.executable)} {shlex.quote(library)}"
    return f"pip install 'rpx-dev[{extra}]'"
