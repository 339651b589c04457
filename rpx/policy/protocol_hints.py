"""What is wrong with a backend that doesn't speak what it is asked in, and what to write then."""

from __future__ import annotations

import re
from typing import Final

from rpx.model.address import Location

HTTP_1, HTTP_2, TLS = "HTTP/1.1", "HTTP/2", "TLS"
_SPEAKS: Final = re.compile(r"speaks (.+), not (?:plain )?(HTTP/[12](?:\.1)?)")


def speaks(protocol: str, asked: str = HTTP_1) -> str:
    """What is wrong with a backend that speaks `protocol` (`TLS`, `HTTP/2`, `SSH`, …) and is asked
    in another, as said of it.
    """
    return f"speaks {protocol}, not {'plain ' if protocol == TLS else ''}{asked}"


def hint_for(last_error: str, address: Location) -> str:
    """What to do where the protocol of a backend is its error; "" where it isn't.

    `protocol` in rpx.yaml is for addresses that rpx chooses, too, and those stand nowhere.
    """
    found = _SPEAKS.fullmatch(last_error)
    if found is None:
        return ""
    if found[1] == HTTP_2:
        return "write `protocol: h2c` beside its `to`"
    if found[1] == TLS:
        return f"write `from: https://{address}`"
    if found[2] == HTTP_2:
        return "if it is a server of HTTP/1.1, leave out `protocol: h2c`, and h2c:// in `from`"
    return "what stands in `from` is to be the port of an HTTP server"
