"""What is wrong with a backend that doesn't speak HTTP/1.1, and what to write then."""

from __future__ import annotations

from typing import Final


def speaks(protocol: str) -> str:
    """What is wrong with a backend that speaks `protocol` (`TLS`, `HTTP/2`, …), as said of it."""
    return f"speaks {protocol}, not {'plain ' if protocol == 'TLS' else ''}HTTP/1.1"


_HINTS: Final = {
    speaks("TLS"): "write https:// before its address in `from`",
    speaks("HTTP/2"): "backends that speak HTTP/2 alone, as gRPC does, are not supported yet",
}
_OTHERS: Final = "what stands in `from` is to be the port of an HTTP server"


def hint_for(last_error: str) -> str:
    """What to do where the protocol of a backend is its error; "" where it isn't."""
    if last_error in _HINTS:
        return _HINTS[last_error]
    named = last_error.startswith("speaks ") and last_error.endswith(", not HTTP/1.1")
    return _OTHERS if named else ""
