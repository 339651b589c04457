"""Names that a cluster takes: DNS labels (RFC 1123), and its figures."""

from __future__ import annotations

import math
import re
from pathlib import PurePath

_FIGURE = re.compile(r"([0-9.]+)\s*([kmgt]?)b?", re.IGNORECASE)
_EXPANDED = re.compile(r"\$(?=[$(])")


def safe_name(name: str) -> str:
    """A name as a DNS label: lower case, digits, dashes, at most 63."""
    label = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")
    return label[:63].rstrip("-") or "x"


def name_of_file(project: str, path: str) -> str:
    """The name of what has the content of a file: `shop-env` for `.env`."""
    return safe_name(f"{project}-{PurePath(path).name.lstrip('.')}")


def escaped(text: str) -> str:
    """A text in which the cluster sees no `$(NAME)`."""
    return _EXPANDED.sub("$$", text)


def quantity(text: str) -> str:
    """Docker's `512m`, `1g` as bytes with binary units, as Docker means them."""
    found = _FIGURE.fullmatch(text)
    if found is None:
        return text
    unit = {"": "", "k": "Ki", "m": "Mi", "g": "Gi", "t": "Ti"}[found[2].lower()]
    return f"{found[1]}{unit}"


def whole(seconds: float) -> int:
    """Whole seconds, one at least."""
    return max(1, math.ceil(seconds))
