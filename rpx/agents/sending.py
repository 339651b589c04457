"""The tool `send`: a request through the proxy, and what became of it on the way."""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Final
from urllib.parse import urlsplit

from rpx.agents.looking import last_lines, text_shown
from rpx.agents.tool_answers import MessageSeen, SendAnswer
from rpx.agents.tool_inputs import SendInput
from rpx.agents.which_project import Where
from rpx.errors import RpxError, UsageError
from rpx.model.answers import Ps
from rpx.model.request_answers import HIDDEN, RequestTold
from rpx.runs.api_client import ApiClient
from rpx.runs.request_client import passed_request

_METHOD = re.compile(r"[A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]{0,63}")
MOST: Final = 64 << 20  # bytes of a body that are read; it is an endless one, then
KEPT: Final = 1 << 18  # bytes of it that are looked at
REMEMBERED: Final = 0.15  # seconds: what a service prints behind its answer is of it, too
TRIED: Final = 10  # times, until rpx has it among its requests
SECRET: Final = frozenset(("authorization", "cookie", "set-cookie", "proxy-authorization"))
AGAIN: Final = 0.05  # seconds
_USUAL: Final = {"http": 80, "https": 443}
METHODS_WITH_BODY: Final = frozenset(("POST", "PUT", "PATCH"))


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the proxy listens, and what it is asked for. `netloc`: the host as a client says it."""

    tls: bool
    host: str
    port: int
    netloc: str
    target: str

    @property
    def url(self) -> str:
        """All of it."""
        return f"http{'s' * self.tls}://{self.netloc}{self.target}"


@dataclass(frozen=True, slots=True)
class _Came:
    """An answer. `cut`: why it has not come to its end."""

    status: int
    headers: tuple[tuple[str, str], ...]
    kept: bytes
    size: int
    cut: str


def send(asked: SendInput, where: Where) -> SendAnswer:
    """Ask the proxy of a project, and nobody else. Raises: RpxError: there was no answer."""
    client = where.client(asked.project)
    if not _METHOD.fullmatch(asked.method):
        raise UsageError(f"`{asked.method}` is no method", hint="for example GET")
    rows = client.ps(routes=True)
    place = _place(rows, asked.url)
    way = client.why_url(place.url, asked.method.upper(), [])
    if way.outcome == "unknown host":
        hosts = dict.fromkeys(urlsplit(row.url).hostname or "" for row in rows if row.url)
        raise UsageError(way.sentence, hint=f"this project has {', '.join(hosts)}")
    id_ = f"rpx-mcp-{uuid.uuid4().hex}"
    began = time.monotonic()
    try:
        came = _ask(asked, place, id_, began + asked.timeout)
        failure = ""
    except (OSError, HTTPException) as error:
        came, failure = None, _why_not(error, asked.timeout)
    ms = round((time.monotonic() - began) * 1000, 1)
    time.sleep(REMEMBERED)
    told = _told(client, _id_of(asked) or id_)
    room = asked.max_chars
    if came is None and told is None:
        raise RpxError(
            f"{place.host} gave no answer: {failure}", hint="`status` shows who is ready"
        )
    answer = SendAnswer(
        status=came.status if came else None,
        ms=ms,
        response=_response(came, told, room // 3) if came else MessageSeen(()),
        next=failure or _advice(came, told),
    )
    return _with_its_way(answer, told, room // 3) if told else answer


def _with_its_way(answer: SendAnswer, told: RequestTold, room: int) -> SendAnswer:
    row = told.row
    return SendAnswer(
        answer.status,
        answer.ms,
        answer.response,
        row.id,
        row.label or row.backend or "rpx",
        row.pid,
        told.tried if len(told.tried) > 1 else (),
        told.explained,
        last_lines(told.lines, room),
        told.lines_missing,
        answer.next,
    )


def _advice(came: _Came | None, told: RequestTold | None) -> str:
    if told is None:
        return "who answered is not known: `requests: false`, or the client's X-Request-Id is odd"
    if came is not None and came.status >= 500:
        if told.row.backend is None:
            return "rpx answered itself: `status`, then `why`"
        return f"`logs` of {told.row.label or told.row.backend}"
    return ""


def _place(rows: Sequence[Ps], url: str) -> _Target:
    """Where that leads: to a port of this project's proxy, never to another. Raises: UsageError."""
    known = [urlsplit(each) for row in rows for each in (row.url, *row.other_urls) if each]
    if not known:
        raise UsageError("this project has no proxy: nothing can be sent through it")
    wanted = urlsplit(
        url if "://" in url else f"//{known[0].netloc}{url}" if url[:1] == "/" else f"//{url}"
    )
    try:
        host, port = wanted.hostname or "", wanted.port
    except ValueError:
        raise UsageError(f"`{url}` is no URL", hint="for example http://api.localhost/x") from None
    near = [each for each in known if each.hostname == host] or known
    scheme = wanted.scheme or near[0].scheme
    ports = {each.port or _USUAL[each.scheme] for each in known if each.scheme == scheme}
    if scheme == "http" and not ports and any(each.port is None for each in known):
        ports = {_USUAL["http"]}  # the door's other one
    if not ports or port not in {None, *ports}:
        raise UsageError(
            f"the proxy of this project is not at {scheme}://{wanted.netloc}",
            hint=f"it is at {near[0].scheme}://{near[0].netloc}; without a port it is found",
        )
    port = port or min(ports)
    target = f"{wanted.path or '/'}{'?' * bool(wanted.query)}{wanted.query}"
    if not target.isascii() or not target.isprintable() or " " in target:
        raise UsageError(f"`{target}` is no path of a URL", hint="write %20 for a space")
    netloc = host if port == _USUAL[scheme] else f"{host}:{port}"
    return _Target(scheme == "https", host, port, netloc, target)


def _ask(asked: SendInput, place: _Target, id_: str, deadline: float) -> _Came:
    """Send it and read what comes. Raises: OSError, HTTPException, UsageError."""
    body = asked.body.encode()
    headers = {name.lower(): value for name, value in asked.headers.items()}
    if asked.json_body is not None:
        body = json.dumps(asked.json_body).encode()
        headers.setdefault("content-type", "application/json")
    headers.setdefault("x-request-id", id_)
    headers.setdefault("accept", "*/*")
    if body or asked.method.upper() in METHODS_WITH_BODY:
        headers["content-length"] = str(len(body))
    http = HTTPConnection(place.host)
    http.sock = _connected(place, deadline)
    try:
        http.putrequest(
            asked.method.upper(), place.target, skip_host=True, skip_accept_encoding=True
        )
        http.putheader("Host", headers.pop("host", place.netloc))
        for name, value in headers.items():
            http.putheader(name, value)
        http.endheaders(body or None)
        http.sock.settimeout(_left(deadline))
        with http.getresponse() as answer:
            return _read(answer, http.sock, deadline)
    except ValueError as error:  # a field that would be two
        raise UsageError(f"that can't be sent: {error}") from None
    finally:
        http.close()


def _connected(place: _Target, deadline: float) -> socket.socket:
    end = socket.create_connection(("localhost", place.port), _left(deadline))
    if not place.tls:
        return end
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it's our own port
    try:
        return context.wrap_socket(end, server_hostname=place.host)
    except BaseException:
        end.close()
        raise


def _read(answer: HTTPResponse, end: socket.socket | None, deadline: float) -> _Came:
    """The answer up to its end, or up to where it is enough."""
    kept, size, cut = bytearray(), 0, ""
    try:
        while size < MOST:
            if end is not None and end.fileno() != -1:  # http.client closes it with the last byte
                end.settimeout(_left(deadline))
            chunk = answer.read1(65536)
            if not chunk:
                break
            size += len(chunk)
            kept += chunk[: KEPT - len(kept)]
        else:
            cut = f"it went on after {MOST >> 20} MB: not read to its end"
    except TimeoutError:
        cut = "it went on at the end of `timeout`: not read to its end"
    except (OSError, HTTPException) as error:
        cut = f"it broke off: {error}"
    return _Came(answer.status, tuple(answer.getheaders()), bytes(kept), size, cut)


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.001)


def _why_not(error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout:g} s"
    return f"no answer: {str(error) or type(error).__name__}"


def _id_of(asked: SendInput) -> str | None:
    return next((v for name, v in asked.headers.items() if name.lower() == "x-request-id"), None)


def _told(client: ApiClient, id_: str) -> RequestTold | None:
    """What rpx knows of the request; None: it keeps none, or not this one."""
    told = None
    for _ in range(TRIED):
        try:
            told = passed_request(client, id_)
        except UsageError:
            told = None
        if told is not None and not told.row.under_way:
            break
        time.sleep(AGAIN)
    return told


def _response(came: _Came, told: RequestTold | None, room: int) -> MessageSeen:
    """The answer as the client has got it; fields that are secret are hidden."""
    headers = told.response.headers if told and told.response.headers else _hidden(came.headers)
    if not came.size:
        return MessageSeen(headers, not_shown=came.cut)
    try:
        text = came.kept.decode()
    except UnicodeDecodeError as error:
        text = came.kept[: error.start].decode() if error.start > len(came.kept) - 4 else ""
    if not text or "\0" in text:
        return MessageSeen(headers, came.size, not_shown=_joined("binary", came.cut))
    shown, rest = text_shown(text, came.size, room)
    return MessageSeen(headers, came.size, shown, _joined(rest, came.cut))


def _joined(*texts: str) -> str:
    return "; ".join(filter(None, texts))


def _hidden(headers: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, HIDDEN if name.lower() in SECRET else value) for name, value in headers)
