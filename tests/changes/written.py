"""Projects as they are written."""

from __future__ import annotations


def shop(head: str = "", **proxies: str) -> str:
    entries = "".join(f"  - {{to: {name}.localhost, {text}}}\n" for name, text in proxies.items())
    return f"{head}proxies:\n{entries}"


def at(*ports: int, run: str = "RUN", more: str = "") -> str:
    return f"from: [{', '.join(map(str, ports))}], start: {run}{more}"
