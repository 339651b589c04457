"""What the door answers itself: the machine's page, and what is refused.

Loaded when the first of these is asked for: with the rules of HTTP it is 3 MB. They are those by
which a project judges, so that a client gets the same answer from both.
"""

from __future__ import annotations

import time

from rpx.door.asked import HANDSHAKE
from rpx.door.machine_listing import page_for
from rpx.door.records import said_of
from rpx.door.visitor import INTERNAL_ERROR
from rpx.http.head import RequestHead, parse_request
from rpx.http.limits import BadMessage
from rpx.http.machine_page import MACHINE_LINES, MachinePage, render_machine
from rpx.http.page_parts import safe_lines
from rpx.http.pages import Page, reason, render
from rpx.policy.nearness import is_nobodys

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Final

    from rpx.door.hall import Hall
    from rpx.door.member import DoorMember
    from rpx.door.visitor import Visitor

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun",
                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # fmt: skip
_LATER: Final = b"Retry-After: 1\r\n"


def judge(visitor: Visitor, hall: Hall) -> bytes | None:
    """The answer to a client whom nobody is to have; None while its head isn't whole."""
    try:
        found = parse_request(visitor.ahead, scanned=visitor.scanned)
    except BadMessage as bad:
        return _answer(Page(bad.status, reason(bad.status) or "Bad Request", (bad.reason,)))
    if found is None:
        visitor.scanned = len(visitor.ahead)
        return None
    request = found[0]
    page = _page(request, hall)
    body, kind = render_machine(page, request.field(b"accept"))
    add = MACHINE_LINES + (_LATER if page.status == 503 else b"")
    return _whole(page.status, body, kind, head_only=request.method == b"HEAD", add=add)


def hung(visitor: Visitor, member: DoorMember) -> bytes:
    """The answer to a client whose project takes none at the moment."""
    about = member.about
    why = f"{about['project']} takes no connections at the moment (pid {about['pid']})."
    return _unless_tls(visitor, Page(503, reason(503), (why,)), _LATER)


def gone(visitor: Visitor, member: DoorMember) -> bytes:
    """The answer to a client whose project ended before it had it."""
    what = f"{member.about['project']} has just ended."
    return _unless_tls(visitor, Page(502, reason(502), (what,)))


def late() -> bytes:
    """The answer to a client that has begun a head, and not ended it in time."""
    return _answer(Page(408, reason(408), ("The head of the request did not come in time.",)))


def _page(request: RequestHead, hall: Hall) -> MachinePage:
    host, records = request.host, hall.records
    holder = hall.claims.named(host)
    # Who came through a proxy or tunnel of somebody's is not on this machine.
    near = not request.forwarded and (not host or holder is not None or is_nobodys(host))
    records.forget_gone()
    members = [said_of(member, hall.entrances) for member in hall.members]
    return page_for(request, members, records.known.values(), tls=False, near=near)


def _unless_tls(visitor: Visitor, page: Page, add: bytes = b"") -> bytes:
    """The page, or an alert for who waits with a hello."""
    first = visitor.ahead[:1]
    if not first:
        try:
            first = visitor.sock.recv(1, 2)  # MSG_PEEK
        except OSError:
            pass
    return INTERNAL_ERROR if first[:1] == bytes([HANDSHAKE]) else _answer(page, add)


def _answer(page: Page, add: bytes = b"") -> bytes:
    body, kind = render(page, None)
    return _whole(page.status, body, kind, add=safe_lines() + add)


def _whole(status: int, body: bytes, kind: str, *, head_only: bool = False, add: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status} {reason(status)}\r\nDate: {_date()}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n"
    ).encode()
    return head + add + b"\r\n" + (b"" if head_only else body)


def _date() -> str:
    """Now, as HTTP has it (RFC 9110 §5.6.7), whatever the locale is."""
    now = time.gmtime()
    return (
        f"{_DAYS[now.tm_wday]}, {now.tm_mday:02} {_MONTHS[now.tm_mon - 1]} {now.tm_year} "
        f"{now.tm_hour:02}:{now.tm_min:02}:{now.tm_sec:02} GMT"
    )
