"""Why a container may have ended before it was ready, from what it and its engine have said."""

from __future__ import annotations

from collections.abc import Iterable

from rpx.errors import brief
from rpx.model.container import Container
from rpx.model.status import Line

LATEST = 20  # lines that are searched
ENGINES_CODES = (125, 126, 127)  # of the client: nothing has run, or not what was asked for
ENGINES_WORDS = ("Error: ", "docker: Error response from daemon: ", "docker: ", "ERROR: ")
# What the first process of a container says, and an engine where there is none.
NO_PROGRAM = ("failed to exec pid1: No such file", "FATAL tini", "executable file not found in")
FORBIDDEN = ("permission denied", "read-only file system", "operation not permitted", "eacces")


def fault(lines: Iterable[Line], code: int, container: Container) -> str:
    """Return what to add to "exited with status 125"; `lines` are the last of its output."""
    texts = (line.text.decode("utf-8", "replace").strip() for line in lines)
    said = [text for text in texts if text]
    if any(words in line for line in said for words in NO_PROGRAM):
        return "there is no such program in its image"
    if code in ENGINES_CODES:
        for line in reversed(said):
            for word in ENGINES_WORDS:
                if line.startswith(word):
                    return brief(line.removeprefix(word).removesuffix("."))
    if any(words in line.lower() for line in said for words in FORBIDDEN):
        mounted = [volume.source or volume.target for volume in container.volumes]
        if mounted:
            what = "its volume" if len(mounted) == 1 else "one of its volumes"
            return f"{what} may not be writable for its user: {', '.join(mounted)}"
    return ""
