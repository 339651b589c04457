"""What is wrong with a backend that doesn't speak what it is asked in, and what to write then."""

from __future__ import annotations

import re
from typing import Final

from rpx.model.address import Location, SocketFile

HTTP_1, HTTP_2, TLS = "HTTP/1.1", "HTTP/2", "TLS"
_SPEAKS: Final = re.compile(r"speaks (.+), not (?:plain )?(HTTP/[12](?:\.1)?)")
_SCHEMES: Final = {HTTP_1: "http", HTTP_2: "h2c", TLS: "https"}


def speaks(protocol: str, asked: str = HTTP_1) -> str:
    """What is wrong with a backend that speaks `protocol` (`TLS`, `HTTP/2`, `SSH`, …) and is asked
    in another, as said of it.
    """
    return f"speaks {protocol}, not {'plain ' if protocol == TLS else ''}{asked}"


def hint_for(last_error: str, address: Location) -> str:
    """What to do where the protocol of a backend is its error; "" where it isn't."""
    found = _SPEAKS.fullmatch(last_error)
    if found is None:
        return ""
    scheme = _SCHEMES.get(found[1])
    if scheme is None:
        return "what stands in `from` is to be the port of an HTTP server"
    if isinstance(address, SocketFile):
        return f"write {scheme}:// in `from`"
    return f"write `from: {scheme}://{address}`"
