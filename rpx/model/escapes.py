"""Escape sequences: what a program prints to colour its text, and what is not text."""

from __future__ import annotations

import re

# CSI, OSC and the other strings, two-character sequences; at last an escape byte without a sense.
_ESCAPE = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?"
)


def without_escapes(text: bytes) -> bytes:
    """Return what is left to read."""
    return _ESCAPE.sub(b"", text)
