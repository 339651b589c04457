"""Words of systemd's unit files: quotes, percent signs, seconds (systemd.syntax, systemd.exec)."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def specifiers(text: str) -> str:
    """A text in which systemd sees no specifier."""
    return text.replace("%", "%%")


def quoted(text: str) -> str:
    """A text as one word of a setting."""
    text = specifiers(text)
    if text and _PLAIN.fullmatch(text):
        return text
    inner = "".join(_ESCAPES.get(each, each) for each in text)
    return f'"{inner}"'


def argument(text: str) -> str:
    """A text as one word of a command line, where `$NAME` would be a variable."""
    return quoted(text.replace("$", "$$"))


def assignment(name: str, text: str) -> str:
    """A variable for `Environment=`: there a `$` means nothing."""
    return quoted(f"{name}={text}")


def seconds(value: float) -> str:
    """A span of time."""
    return f"{value:g}s" if value >= 1 or value == 0 else f"{round(value * 1000)}ms"
