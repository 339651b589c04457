"""Sockets that a process opens for its tools, and not for those who use the service.

A debugger's port is there before the program begins, and tools that start others talk to them by a
file in the temporary folder. To take these for the service would send its user the wrong way.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Final

from rpx.backend.listening import Listening, Socket
from rpx.backend.processes import words_of

INSPECTORS: Final = range(9229, 9240)  # Node's, Deno's, and workerd's
# Of debugpy, delve and the JVM: services have these ports, too (n8n, Rasa).
DEBUGGERS: Final = frozenset({5678, 2345, 5005})
_DEBUGS: Final = re.compile(rb"inspect|jdwp|debugpy|\bdlv\b")
# Such a port in the very argument, or in one that follows.
_NAMED: Final = (
    rb"(?:inspect|jdwp)[^\0 ]*\b%d\b|(?:debugpy|\bdlv)\0(?:[^\0]*\0)*?--listen[=\0][^\0]*\b%d\b"
)
_ANY_PORT: Final = re.compile(rb"inspect[^\0 ]*[=:]0(?![\d.])")
_CHOSEN: Final = 32768  # where Linux begins to look for a port, if it may choose
_NUMBERS: Final = re.compile(r"\d+")


def is_for_tools(row: Socket, pids: Iterable[int]) -> bool:
    """Whether a socket of these processes is for their tools alone. Blocks."""
    if not isinstance(row, Listening):
        return _is_private(row.path, pids)
    if row.port in INSPECTORS:
        return True
    named = re.compile(_NAMED % (row.port, row.port))
    return any(
        named.search(words)
        or (row.port in DEBUGGERS and _DEBUGS.search(words))
        or (row.port >= _CHOSEN and _ANY_PORT.search(words))
        for words in map(words_of, pids)
    )


def _is_private(path: str, pids: Iterable[int]) -> bool:
    """A file that is called after a process (tsx does it) or lies with those of multiprocessing."""
    name = os.path.basename(path)
    numbers = {int(each) for each in _NUMBERS.findall(name)}
    return name.endswith(".pipe") or "/pymp-" in path or not numbers.isdisjoint(pids)
