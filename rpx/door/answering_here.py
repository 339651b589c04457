"""What the door answers itself: the machine's page, and what is refused.

Loaded when the first of these is asked for: with the rules of HTTP it is 3 MB. They are those by
which a project judges, so that a client gets the same answer from both.
"""

from __future__ import annotations

import time

from rpx.door.asked import HANDSHAKE
from rpx.door.visitor import INTERNAL_ERROR
from rpx.http.head import RequestHead, parse_request
from rpx.http.limits import BadMessage
from rpx.http.machine_page import (
    IdleProject,
    ListedProject,
    ListedService,
    MachinePage,
    may_be_told,
    not_running,
    render_machine,
    start_command,
    unknown_host,
)
from rpx.http.pages import Page, reason, render

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any, Final

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
    add = _LATER if page.status == 503 else b""
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
    host = request.host
    holder = hall.claims.find(host)
    # Who came through a proxy or tunnel of somebody's is not on this machine.
    near = may_be_told(host, taken=holder is not None) and not request.forwarded
    hall.records.forget_gone()
    running = {member.about["file"] for member in hall.members}
    known = hall.records.known_with(host)
    if holder is None and known is not None and known["file"] not in running and near:
        return not_running(_idle(known))
    idle = [_idle(each) for file, each in hall.records.known.items() if file not in running]
    listed = [_listed(member, hall) for member in hall.members]
    return unknown_host(host, sorted(listed, key=_order), sorted(idle, key=_order), near=near)


def _order(project: ListedProject | IdleProject) -> tuple[str, str]:
    return project.name, project.realm


def _listed(member: DoorMember, hall: Hall) -> ListedProject:
    about = member.about
    told = member.told["services"]
    services = [ListedService(each["name"], each["url"], each["state"]) for each in told]
    hosts = [ListedService(host, _url(host, member, hall)) for host in about["hosts"]]
    return ListedProject(
        about["project"],
        about["folder"],
        about["realm"],
        about["branch"],
        member.told["state"],
        tuple(services or hosts),
    )


def _url(host: str, member: DoorMember, hall: Hall) -> str:
    """Where a name of a member is; "" for a wildcard."""
    if host.startswith("*."):
        return ""
    entrances = hall.entrances.of(member)
    if not entrances:
        return ""
    entrance = entrances[0]
    scheme, usual = ("https", 443) if entrance.tls else ("http", 80)
    return f"{scheme}://{host}" + ("" if entrance.port == usual else f":{entrance.port}")


def _idle(known: dict[str, Any]) -> IdleProject:
    folder = str(known.get("folder", ""))
    return IdleProject(
        str(known.get("project", "")),
        folder,
        start_command(folder, str(known.get("start", "rpx up"))),
        str(known.get("realm", "")),
        tuple(str(host) for host in known.get("hosts", ())),
    )


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
    return _whole(page.status, body, kind, add=add)


def _whole(
    status: int, body: bytes, kind: str, *, head_only: bool = False, add: bytes = b""
) -> bytes:
    head = (
        f"HTTP/1.1 {status} {reason(status)}\r\nDate: {_date()}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nVary: Accept\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n"
    ).encode()
    return head + add + b"\r\n" + (b"" if head_only else body)


def _date() -> str:
    """Now, as HTTP has it (RFC 9110 §5.6.7), whatever the locale is."""
    now = time.gmtime()
    return (
        f"{_DAYS[now.tm_wday]}, {now.tm_mday:02} {_MONTHS[now.tm_mon - 1]} {now.tm_year} "
        f"{now.tm_hour:02}:{now.tm_min:02}:{now.tm_sec:02} GMT"
    )
