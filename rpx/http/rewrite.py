"""Heads as they are sent on: strip first (that is done by the parsers), add after.

Heads are joined from the block, whose lines have their CRLF before them, and from lines of ours,
which have it behind them; so one CRLF between the two is all the seam there is.
"""

from __future__ import annotations

from rpx.http.answer_head import AnswerHead
from rpx.http.forwarded import LOOP, Forwarding, appended, host_of, scheme_of
from rpx.http.framing import CHUNKED, UNTIL_CLOSE
from rpx.http.grammar import find_field
from rpx.http.head import RequestHead
from rpx.http.hops import PSEUDONYM, without
from rpx.http.response import ResponseHead

CONTINUE = AnswerHead(100, b"Continue", b"", b"", 0)

_VIA = b"1.1 " + PSEUDONYM
_PREFIX = frozenset((b"x-forwarded-prefix",))


def request_to_send(
    head: RequestHead, peer: Forwarding, *, origin: bytes = b"", add: bytes = b""
) -> bytes:
    """The whole head for the backend.

    `origin` (`http://localhost:3000`) takes the place of what clients call it, in Host and in an
    Origin of ours alike: servers that look at one look at both. `add` are further lines, each with
    its CRLF.
    """
    block = head.block
    target = head.target
    if head.method == b"OPTIONS" and head.max_forwards is not None:
        block = _one_forward_less(block, head.max_forwards)
    if origin or not head.authority:
        ours = b"%b://%b" % (scheme_of(head, peer), host_of(head, peer))
        block = with_origin(block, ours, origin)
    if head.upgrade is not None or head.te_trailers:
        add += _hop_lines(head)
    if head.via:
        # Only where there is one: a lone Via of ours would make servers leave out what they do for
        # browsers (nginx: `gzip_proxied`), and with rpx all shall be as without it.
        add += b"Via: %b, %b\r\n" % (head.via, _VIA)
    if head.forwarded and peer.trusted:
        lines = appended(head, peer)
    elif head.authority:
        lines = peer.lines + b"X-Forwarded-Host: " + head.authority + b"\r\n"
    else:
        lines = peer.lines
    return b"%b %b HTTP/1.1%b\r\n%b%b%b\r\n" % (
        head.method, target, block, lines, LOOP, add,
    )  # fmt: skip


def _one_forward_less(block: bytes, hops: int) -> bytes:
    """RFC 9110 §7.6.2. The caller has answered those with 0 itself."""
    block = without(block, frozenset((b"max-forwards",)))
    return block + b"\r\nMax-Forwards: %d" % max(0, hops - 1)


def with_origin(block: bytes, ours: bytes, origin: bytes) -> bytes:
    """The field lines with another host (`origin` is `http://localhost:3000`) in Host, and also in
    an Origin that is `ours`.
    """
    lines = []
    host = origin.partition(b"://")[2]
    for line in without(block, frozenset((b"host",))).split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"origin" and value.strip().lower() == ours.lower():
            lines.append(b"%b: %b" % (name, origin))
        else:
            lines.append(line)
    return b"\r\nHost: " + host + b"\r\n".join(lines)


def as_of(head: RequestHead, host: str, authority: bytes, block: bytes) -> RequestHead:
    """The same request of another host; see RequestHead."""
    return RequestHead(
        head.method, head.target, head.minor, host, authority, block, head.length,
        head.keep_alive, head.expect_continue, head.upgrade, head.te_trailers, head.via,
        head.forwarded, head.loops, head.tags,
    )  # fmt: skip


def below_prefix(head: RequestHead, peer: Forwarding, target: bytes, prefix: bytes) -> RequestHead:
    """The same request with `target`, from which `prefix` (`/api`) has been cut off, and said so.

    What a trusted proxy before us has cut off stands in front of it.
    """
    forwarded = head.forwarded
    if forwarded and peer.trusted:
        said = find_field(forwarded, b"x-forwarded-prefix") or b""
        forwarded = without(forwarded, _PREFIX)
        prefix = b"".join(each.strip(b" \t").rstrip(b"/") for each in said.split(b",")) + prefix
    block = head.block + b"\r\nX-Forwarded-Prefix: " + prefix
    return RequestHead(
        head.method, target, head.minor, head.host, head.authority, block, head.length,
        head.keep_alive, head.expect_continue, head.upgrade, head.te_trailers, head.via,
        forwarded, head.loops, head.tags,
    )  # fmt: skip


def _hop_lines(head: RequestHead) -> bytes:
    """RFC 9110 §7.8, §10.1.4: both are hop-by-hop, so they stand in Connection."""
    if head.upgrade is None:
        return b"TE: trailers\r\nConnection: TE\r\n"
    if head.te_trailers:
        return b"TE: trailers\r\nUpgrade: %b\r\nConnection: Upgrade, TE\r\n" % head.upgrade
    return b"Upgrade: %b\r\nConnection: Upgrade\r\n" % head.upgrade


def response_to_send(
    head: ResponseHead, request: RequestHead, *, close: bool, date: bytes, add: bytes = b""
) -> AnswerHead:
    """The head for the client; its `length` says how the body must be framed.

    `close`: the client connection ends with this answer (it does anyhow when the client doesn't
    keep it, or when that `length` is UNTIL_CLOSE). `date` is the value of a Date line.
    `add` are further lines, each with its CRLF.
    """
    length = head.length
    if length < 0:
        length = CHUNKED if request.minor else UNTIL_CLOSE
    if length == CHUNKED or (head.chunked and request.minor and head.length == 0):
        add += b"Transfer-Encoding: chunked\r\n"
    if not head.has_date and head.status >= 200:
        add += b"Date: " + date + b"\r\n"
    if close or length == UNTIL_CLOSE or head.upgrade is not None or not _stays(request):
        add += _connection(head, request, close or length == UNTIL_CLOSE)
    return AnswerHead(head.status, head.reason, head.block, add, length)


def _stays(request: RequestHead) -> bool:
    """Whether nothing need be said about the connection."""
    return request.keep_alive and request.minor == 1


def _connection(head: ResponseHead, request: RequestHead, close: bool) -> bytes:
    options = []
    if head.status != 101 and (close or not request.keep_alive):
        options.append(b"close")
    elif head.status != 101 and request.minor == 0:
        options.append(b"keep-alive")
    if head.upgrade is None:
        return b"Connection: " + b", ".join(options) + b"\r\n"
    options.append(b"Upgrade")
    return b"Connection: %b\r\nUpgrade: %b\r\n" % (b", ".join(options), head.upgrade)


def interim_to_send(head: ResponseHead) -> AnswerHead:
    """A 1xx head for a 1.1 client. (A 1.0 client gets none: RFC 9110 §15.2.)"""
    return AnswerHead(head.status, head.reason, head.block, b"", 0)
