"""The head of a request: judged as a whole by one pattern, then only its special fields are read.

A typical head has ten field lines of which one or two concern a proxy. So nothing loops over
all fields: `_SPECIAL` finds those, hop-by-hop lines are cut out, and all the rest stays as it
is, byte for byte (RFC 9110 §5.1, §5.3, §5.5, §7.7). docs/adr/0001-head-parser.md has the figures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from rpx.http.framing import CHUNKED, check_coding, read_length
from rpx.http.grammar import (
    LEADING_EMPTY_LINES,
    find_field,
    members,
    read_authority,
    request_pattern,
)
from rpx.http.hops import connection_options, passed, protocols, without
from rpx.http.limits import DEFAULT, BadMessage, MessageLimits
from rpx.http.refuse import Buffer, check_size, refuse_request
from rpx.http.tags import NAMES, judged_tags

# For a lower-cased block: half the time of ignoring case.
_NAMES = (
    rb"host|connection|content[-_]length|te|transfer[-_]encoding|upgrade|expect|via|forwarded"
    rb"|x[-_]forwarded[-_][^:\r]++|x(?:_real[-_]|-real_)ip|keep-alive"
    rb"|proxy-(?:connection|authenticate|authorization)|http2-settings|cdn[-_]loop"
    rb"|x-request-id|trace(?:parent|state)"
)
_SPECIAL = re.compile(rb"\r\n(%b):[ \t]*+([^\r]*+)" % _NAMES)
_SPECIAL_NAME = re.compile(_NAMES)
# Stay in the block. The other special fields are hop-by-hop (RFC 9110 §7.6.1) or written anew.
_STAYS = NAMES | {b"host", b"content-length", b"expect", b"cdn-loop"}
# With an underscore a name is another one to HTTP, and the same to an application behind CGI or
# WSGI (HTTP_X_FORWARDED_FOR): of what a proxy says nobody else may say it that way.
_CUT = re.compile(
    rb"\r\n(?:[Cc](?i:onnection|ontent_length|dn_loop)|[Tt](?i:e|ransfer[-_]encoding)"
    rb"|[Uu](?i:pgrade)|[Vv](?i:ia)|[Ff](?i:orwarded)"
    rb"|[Xx](?i:[-_]forwarded[-_][^:\r]++|_real[-_]ip|-real_ip)"
    rb"|[Kk](?i:eep-alive)|[Hh](?i:ttp2-settings)"
    rb"|[Pp](?i:roxy-(?:connection|authenticate|authorization))):[^\r]*+"
)
_FORWARDED_NAME = rb"forwarded|x-forwarded-[^:_\r]++"
_FORWARDED = re.compile(rb"\r\n(?i:%b):[^\r]*+" % _FORWARDED_NAME)
_IS_FORWARDED = re.compile(_FORWARDED_NAME)
# What browsers send, cut without a pattern.
_KEPT = {b"host", b"connection"}
_KEPT_LINE = b"\r\nConnection: keep-alive"
_SINGLE = frozenset((b"host", b"content-length", b"transfer-encoding"))
_WITH_BODY = frozenset((b"POST", b"PUT", b"PATCH"))
_ABSOLUTE = re.compile(rb"(?i:(https?))://([^/?]*+)(.*+)")
_DEFAULT_PORT = {b"http": 80, b"https": 443}


# Final, so that mypy holds that nobody changes one. A frozen dataclass takes four times as long to
# make, and a tuple three times as long to read; each request needs one, and reads it forty times.
@dataclass(slots=True)
class RequestHead:
    """A request that may be sent on. It is never changed: it may be remembered (memory.py).

    method, target     as to forward: the target in origin-form, or `*`, byte for byte
    minor              0 or 1
    host               for routing: lower case, without port and trailing dot; "" when a 1.0
                       request has none. An IPv6 literal keeps its brackets
    authority          the host with its port, in lower case unless it comes from the target
    block              the field lines to forward, each with the CRLF *before* it. Hop-by-hop, Via,
                       Forwarded and X-Forwarded-* lines are cut out. Exactly one framing stands
                       in it, or none
    length             the body: n bytes (0: none) or CHUNKED
    keep_alive         the client will send another request here
    expect_continue    it waits for a 100 before it sends its body
    upgrade            the protocol(s) it asks for, None when it doesn't or may not
    te_trailers        it wants trailers
    via                the members of its Via lines, b"" without
    loops              how many times it has been through rpx already
    forwarded          the Forwarded and X-Forwarded-* lines cut out of the block, in its form
    tags               which of X-Request-Id and traceparent the block has (tags.py)
    """

    method: Final[bytes]
    target: Final[bytes]
    minor: Final[int]
    host: Final[str]
    authority: Final[bytes]
    block: Final[bytes]
    length: Final[int]
    keep_alive: Final[bool]
    expect_continue: Final[bool]
    upgrade: Final[bytes | None]
    te_trailers: Final[bool]
    via: Final[bytes]
    forwarded: Final[bytes]
    loops: Final[int]
    tags: Final[int] = 0

    @property
    def path(self) -> bytes:
        """The target without its query."""
        return self.target.partition(b"?")[0]

    @property
    def max_forwards(self) -> int | None:
        """Of an OPTIONS request (RFC 9110 §7.6.2): at 0 the answer is ours, not the backend's."""
        if self.method != b"OPTIONS":
            return None
        value = self.field(b"max-forwards") or b""
        return int(value[:9]) if value.isdigit() else None

    def field(self, name: bytes) -> bytes | None:
        """The values of a field in the block joined with `, `. `name` must come from code."""
        return find_field(self.block, name)

    def altered(self, target: bytes, block: bytes) -> RequestHead:
        """The same with another target and other field lines."""
        return RequestHead(
            self.method, target, self.minor, self.host, self.authority, block, self.length,
            self.keep_alive, self.expect_continue, self.upgrade, self.te_trailers, self.via,
            self.forwarded, self.loops, self.tags,
        )  # fmt: skip


def parse_request(
    buffer: Buffer, limits: MessageLimits = DEFAULT, scanned: int = 0
) -> tuple[RequestHead, int] | None:
    """The head at the beginning of `buffer` and how many bytes it takes, empty lines included.

    None: more bytes are needed; give the length of `buffer` as `scanned` the next time, so that
    nothing is searched twice. Raises: BadMessage as soon as it is known that no good head can come.
    """
    if scanned and buffer.find(b"\r\n\r\n", max(0, scanned - 3)) < 0:
        refuse_request(buffer, limits, scanned)
        return None
    pattern = request_pattern(limits.lines)
    match = pattern.match(buffer)
    if match is None and (empty := LEADING_EMPTY_LINES.match(buffer)) and empty.end():
        match = pattern.match(buffer, empty.end())
    if match is None:
        refuse_request(buffer, limits, scanned)
        return None
    method, target, digit, fields = match.groups()
    end = match.end()
    if end > limits.head or len(target) > limits.target or len(method) > limits.method:
        check_size(end, len(method), len(target), limits)
    return _read(method, target, 0 if digit == b"0" else 1, fields), end


def _read(method: bytes, target: bytes, minor: int, fields: bytes) -> RequestHead:
    pairs = _SPECIAL.findall(fields.lower())
    found: dict[bytes, bytes] = dict(pairs)
    if len(found) != len(pairs):
        found = combined(pairs)
    block, forwarded = fields, b""
    if not _STAYS.issuperset(found):
        block, forwarded = _cut(fields, found)

    return judged(method, target, minor, found, block=block, forwarded=forwarded, fields=fields)


class FieldKind(Enum):
    """What becomes of a field of a request, by its name."""

    PLAIN = "it is forwarded and means nothing here"
    STAYS = "it means something, and is forwarded"
    CUT = "it means something, and is not forwarded"
    FORWARDED = "it is cut, and kept for what it says of earlier proxies"


def kind_of(name: bytes) -> FieldKind:
    """Return the kind of a field; its name is in lower case."""
    if not _SPECIAL_NAME.fullmatch(name):
        return FieldKind.PLAIN
    if name in _STAYS:
        return FieldKind.STAYS
    return FieldKind.FORWARDED if _IS_FORWARDED.fullmatch(name) else FieldKind.CUT


def judged(
    method: bytes,
    target: bytes,
    minor: int,
    found: dict[bytes, bytes],
    *,
    block: bytes,
    forwarded: bytes,
    fields: bytes,
) -> RequestHead:
    """The head with this request line and these fields, in whatever form they came.

    `found`: the values of special fields by name, both in lower case, lines of one name joined.
    `block` and `forwarded` are as of a RequestHead, but for what these values say. `fields`: lines
    among which Via and Upgrade stand as they came. Raises: BadMessage.
    """
    authority = found.get(b"host")
    if authority is not None:
        authority = authority.rstrip(b" \t")
    if target[:1] != b"/":
        target, authority, block = _unusual_target(method, target, minor, authority, block)
    host = read_authority(authority)[0] if authority else _no_host(authority, minor)
    keep_alive = minor == 1
    connection = found.get(b"connection", b"")
    if minor == 0 or (connection and connection != b"keep-alive"):
        options = connection_options(connection)
        if options.names:  # which are not forwarded
            block, forwarded = without(block, options.names), without(forwarded, options.names)
        keep_alive = not options.close and (minor == 1 or options.keep_alive)
    if len(found) == (b"host" in found) + (b"connection" in found) and method == b"GET":
        return RequestHead(
            method, target, minor, host, authority or b"", block, 0, keep_alive, False, None,
            False, b"", forwarded, 0,
        )  # fmt: skip
    # All that a plain GET doesn't have.
    _refuse_method(method)
    block, length = _framed(method, minor, found, block)
    expects = False
    if b"expect" in found:
        block, expects = _expected(found[b"expect"], minor, length, block)
    upgrade = None
    if minor and connection_options(connection).upgrade:
        upgrade = _upgrade(method, find_field(fields, b"upgrade") or b"")
    te = minor == 1 and b"te" in found and b"trailers" in members(found[b"te"])
    via, loops = passed(found, fields)
    block, tags = judged_tags(found, block)
    return RequestHead(
        method, target, minor, host, authority or b"", block, length, keep_alive, expects, upgrade,
        te, via, forwarded, loops, tags,
    )  # fmt: skip


def combined(pairs: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the values by name: lines of one name are one list (RFC 9110 §5.3).

    Raises: BadMessage, where doubling them is an attack.
    """
    found: dict[bytes, bytes] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        elif name in _SINGLE:
            raise BadMessage(400, f"The request has two {name.decode().title()} lines.")
        else:
            found[name] += b"," + value
    return found


def _cut(fields: bytes, found: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    """The fields that are forwarded as they are, and the lines about earlier proxies."""
    if found.get(b"connection") == b"keep-alive" and found.keys() <= _KEPT:
        block = fields.replace(_KEPT_LINE, b"", 1)
        if len(block) != len(fields):
            return block, b""
    return _CUT.sub(b"", fields), b"".join(_FORWARDED.findall(fields))


def _unusual_target(
    method: bytes, target: bytes, minor: int, authority: bytes | None, block: bytes
) -> tuple[bytes, bytes | None, bytes]:
    """Absolute-form becomes origin-form; else only `OPTIONS *` passes (RFC 9112 §3.2)."""
    _refuse_method(method)
    if target == b"*" and method == b"OPTIONS":
        return target, authority, block
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        raise BadMessage(400, "The request target is neither a path nor an http URL.")
    scheme, named, path = match.groups()
    port = _DEFAULT_PORT[scheme.lower()]
    if authority is not None and _normal(named, port) != _normal(authority, port):
        raise BadMessage(400, "The request's target and its Host name different hosts.")
    if authority is not None:
        block = re.sub(rb"(\r\n(?i:host):)[^\r]*+", lambda m: m[1] + b" " + named, block, count=1)
    else:
        _no_host(authority, minor)
        block = b"\r\nHost: " + named + block
    if not path.startswith(b"/"):
        path = b"*" if not path and method == b"OPTIONS" else b"/" + path
    return path, named, block


def _refuse_method(method: bytes) -> None:
    """Ours (RFC 9110 §9.3.6, §9.3.8 allow it): no tunnel is opened, no credentials are echoed."""
    if method == b"CONNECT":
        raise BadMessage(501, "CONNECT tunnels are not offered.")
    if method == b"TRACE":
        raise BadMessage(405, "TRACE is not answered, because it echoes credentials.")


def _normal(authority: bytes, default: int) -> tuple[str, int]:
    host, port = read_authority(authority)
    return host, port or default


def _no_host(authority: bytes | None, minor: int) -> str:
    if minor == 0 and authority is None:
        return ""
    what = "no Host" if authority is None else "an empty Host"
    raise BadMessage(400, f"The request has {what}.")


def _framed(
    method: bytes, minor: int, found: dict[bytes, bytes], block: bytes
) -> tuple[bytes, int]:
    """Return the block with its framing, and the body's length: RFC 9112 §6.3, no leniencies."""
    length = found.get(b"content-length")
    coding = found.get(b"transfer-encoding")
    if coding is not None:
        _check_chunked(minor, length, coding.rstrip(b" \t"))
        return block + b"\r\nTransfer-Encoding: chunked", CHUNKED
    if length is not None:
        return block, read_length(length.rstrip(b" \t"), 400)
    if method in _WITH_BODY:  # RFC 9110 §8.6
        block += b"\r\nContent-Length: 0"
    return block, 0


def _check_chunked(minor: int, length: bytes | None, coding: bytes) -> None:
    if minor == 0:  # RFC 9112 §6.1
        raise BadMessage(400, "An HTTP/1.0 request cannot have a Transfer-Encoding.")
    if length is not None:
        raise BadMessage(400, "The request has both Content-Length and Transfer-Encoding.")
    check_coding(coding)


def _expected(value: bytes, minor: int, length: int, block: bytes) -> tuple[bytes, bool]:
    """RFC 9110 §10.1.1: that of a 1.0 client is ignored, one without a body is void."""
    if minor and value.rstrip(b" \t") != b"100-continue":
        raise BadMessage(417, "The only expectation understood here is 100-continue.")
    if minor and length:
        return block, True
    return without(block, frozenset((b"expect",))), False


def _upgrade(method: bytes, value: bytes) -> bytes | None:
    """The protocols that may be asked for. A WebSocket begins with GET (RFC 6455 §4.1)."""
    wanted = protocols(value)
    if method != b"GET":
        wanted = [name for name in wanted if name.lower() != b"websocket"]
    return b", ".join(wanted) or None
