"""The grammar of HTTP/1.1 heads as compiled patterns, and the two small readers of lists and hosts.

All patterns are possessive: a byte is looked at once, so time is linear in the input whatever the
input is. Repeated bytes have a `+` behind the quantifier (`[a-z]*+`), repeated groups stand in an
atomic group (`(?>(?:…)*)`), which means the same: CPython before 3.11.5 matches a possessive
repetition of a group wrongly (python/cpython#100061, #106052), as Debian 12's does.
Sets are written positively because a negated set costs twice as much.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rpx.http.limits import BadMessage

# RFC 9110 §5.6.2 token; §5.5 field-value: HTAB, SP, visible, and obs-text, which passes unchanged.
TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
VALUE = rb"[\t\x20-\x7e\x80-\xff]"
# RFC 9112 §3.2: everything visible but `#`. Stricter (RFC 3986) would refuse `|` and `{}`, which
# browsers send.
TARGET = rb"[\x21\x22\x24-\x7e]"

# A field line with the CRLF *before* it, so that the lines of a head can be cut and joined
# without looking at its end.
FIELD = rb"\r\n" + TOKEN + rb"++:" + VALUE + rb"*+"

A_TOKEN = re.compile(TOKEN + rb"++")
FIELD_LINE = re.compile(TOKEN + rb"++:" + VALUE + rb"*+")
# RFC 9112 §2.2 and RFC 9110 §5.5: bare LF, bare CR, control bytes. A CR at the very end may get its
# LF yet.
STRAY = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?=[^\n])")
STRAY_IN_ANSWERS = re.compile(rb"\x00|\r(?=[^\n])")  # the rest can be mended (sloppy.py)
# RFC 9112 §2.2. Bounded, because they are read again whenever more has come.
EMPTY_LINES = 100
LEADING_EMPTY_LINES = re.compile(rb"(?>(?:\r\n){0,%d})" % EMPTY_LINES)

# RFC 3986 §3.2.2 without the comma, which would join two Hosts, and without IPv6 zones, which
# RFC 9110 §4.2 does not know.
_AUTHORITY = re.compile(
    rb"((?>(?:[0-9A-Za-z\-._~!$&'*+();=]++|%[0-9A-Fa-f]{2})+)|\[[0-9A-Fa-f:.]++\])"
    rb"(?::([0-9]{0,5}+))?"
)


@lru_cache(maxsize=16)
def request_pattern(lines: int) -> re.Pattern[bytes]:
    """Match a whole request head of at most `lines` field lines: method, target, minor, fields."""
    return re.compile(
        rb"(%b++) (%b++) HTTP/1\.([0-9])((?>(?:%b){0,%d}))\r\n\r\n" % (TOKEN, TARGET, FIELD, lines)
    )


@lru_cache(maxsize=16)
def response_pattern(lines: int) -> re.Pattern[bytes]:
    """Match a whole response head: minor, status, reason (None without its space), fields."""
    return re.compile(
        rb"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: (%b*+))?((?>(?:%b){0,%d}))\r\n\r\n"
        % (VALUE, FIELD, lines)
    )


@lru_cache(maxsize=64)
def _field_pattern(name: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"\r\n(?i:%b):[ \t]*+([^\r]*+)" % re.escape(name))


def find_field(block: bytes, name: bytes) -> bytes | None:
    """The values of every field called `name` joined with `, `; None when there is none.

    `name` comes from code, not from the wire: each costs a compiled pattern.
    """
    values = _field_pattern(name).findall(block)
    return b", ".join(value.rstrip(b" \t") for value in values) if values else None


def members(value: bytes) -> list[bytes]:
    """The members of a comma list in lower case, without the empty ones (RFC 9110 §5.6.1)."""
    return [member for part in value.lower().split(b",") if (member := part.strip(b" \t"))]


@lru_cache(maxsize=1024)
def read_authority(value: bytes) -> tuple[str, int]:
    """Take `host[:port]` apart: the host in lower case without its trailing dot, the port or 0.

    An IPv6 literal keeps its brackets. Raises: BadMessage(400).
    """
    # A name has at most 253 bytes; the limit also bounds what the cache may hold.
    match = _AUTHORITY.fullmatch(value) if len(value) <= 300 else None
    if match is None:
        raise BadMessage(400, "The host of the request is not a host name with an optional port.")
    name: bytes
    port: bytes | None
    name, port = match.groups()
    number = int(port or b"0")
    host = name.decode("ascii").lower().removesuffix(".")
    if number > 65535 or not host:
        raise BadMessage(400, "The host of the request is not a host name with a valid port.")
    return host, number
