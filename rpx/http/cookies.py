"""A cookie of rpx's own beside those of others, whose bytes stay as they are."""

from __future__ import annotations

import re
from functools import lru_cache

_COOKIE = re.compile(rb"(\r\n(?i:cookie):[ \t]*+)([^\r]*+)")


def take_cookie(block: bytes, name: bytes) -> tuple[bytes, list[bytes]]:
    """Return the block of a request without the cookies of that name, and their values."""
    if name not in block:
        return block, []
    values: list[bytes] = []

    def without(line: re.Match[bytes]) -> bytes:
        pairs = line[2].split(b";")
        others = [pair for pair in pairs if not _is(pair, name)]
        if len(others) == len(pairs):
            return line[0]
        values.extend(pair.partition(b"=")[2].strip(b" \t") for pair in pairs if _is(pair, name))
        left = b";".join(others)
        if not left.strip(b" \t;"):
            return b""
        return line[1] + (left if pairs[0] is others[0] else left.lstrip(b" \t"))

    return _COOKIE.sub(without, block), values


def _is(pair: bytes, name: bytes) -> bool:
    own, equals, _ = pair.partition(b"=")
    return bool(equals) and own.strip(b" \t") == name


def set_cookie(name: bytes, value: bytes, *, path: bytes = b"/", ttl: int, secure: bool) -> bytes:
    """Return what sets the cookie for `ttl` seconds, as a line to put behind an answer's block.

    To browsers `web.localhost` and `api.localhost` are two sites, and a page of one that uses the
    other sends a cookie along only with SameSite=None, which they take with Secure alone. Whoever
    gets the cookie learns nothing from it, and nobody is let in by it.
    """
    return b"\r\nSet-Cookie: %b=%b; Path=%b; HttpOnly; SameSite=%b; Max-Age=%d%b" % (
        name, value, path, b"None" if secure else b"Lax", ttl, b"; Secure" if secure else b"",
    )  # fmt: skip


def without_set_cookie(block: bytes, name: bytes) -> bytes:
    """Return the block of an answer without the lines that set the cookie."""
    return _setter(name).sub(b"", block)


@lru_cache(maxsize=64)
def _setter(name: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"\r\n(?i:set-cookie):[ \t]*+%b[ \t]*+=[^\r]*+" % re.escape(name))
