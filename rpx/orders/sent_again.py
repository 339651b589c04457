"""A request that went through, sent again: through the proxy or to one copy, and what is different.

It is sent as any client would, over a connection of its own, by a thread: so it blocks nobody, and
goes through all that requests of clients do.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from difflib import unified_diff
from http.client import HTTPConnection, HTTPException
from itertools import islice
from typing import Final
from urllib.parse import SplitResult, urlsplit

import trio

from rpx.errors import RpxError, UsageError
from rpx.hub.registry import Registry
from rpx.model.address import Address, Location
from rpx.model.request_answers import SAFE_METHODS, AnsweredAgain, MessageTold, RequestTold
from rpx.orders import passed
from rpx.orders.request_forms import body_again, bytes_of, headers_again
from rpx.policy.naming import names_of, select

WITHIN: Final = 60.0  # seconds for each step of an answer
ITS_OWN = frozenset(("x-request-id", "traceparent", "tracestate"))  # a repetition is another one
EACH_ANOTHER = frozenset(("date", "age", "set-cookie", "connection", "keep-alive"))
LINES: Final = 60  # of a diff; who wants more has both bodies
COMPARED: Final = 65536  # bytes: of more a diff takes its time


async def replay(
    registry: Registry, id_: str, *, to: str = "", times: int = 1, yes: bool = False
) -> list[AnsweredAgain]:
    """Send a request again, one repetition after the other; what came of each.

    `to` names one backend, "" means through the proxy. Raises: RpxError: it isn't kept, or not as a
    whole, or gave no answer; or it may change something, and `yes` doesn't say that it shall.
    """
    told = passed.told(registry, passed.find(registry, id_), secrets=True)
    if not told.url:
        raise UsageError(f"{told.row.id} was no request that could be sent again")
    if told.row.upgrade is not None:
        raise UsageError(f"{told.row.id} became a {told.row.upgrade}, which can't be sent again")
    body = body_again(told)
    if told.row.method not in SAFE_METHODS and not yes:
        raise RpxError(f"a {told.row.method} may change something", hint="`--yes` sends it again")
    place = _backend(registry, to) if to else None
    return [
        await trio.to_thread.run_sync(_again, told, body, place, abandon_on_cancel=True)
        for _ in range(times)
    ]


def _backend(registry: Registry, name: str) -> Location:
    """Where one listens. Raises: UsageError: there is none of that name, or it has no address."""
    backends = list(registry.backends.values())
    (row,) = select([names_of(each.spec) for each in backends], name, one=True)
    spec = registry.backends[row.label].spec.endpoint
    if spec is None:
        raise UsageError(f"{row.label} has no address")
    return spec.address


def _again(told: RequestTold, body: bytes, place: Location | None) -> AnsweredAgain:
    url, row = urlsplit(told.url), told.row
    began = time.perf_counter()
    http = HTTPConnection("rpx", timeout=WITHIN)
    try:
        http.sock = _connected(url, place)
        target = f"{row.path}?{row.query}" if row.query else row.path
        http.putrequest(row.method, target, skip_host=True, skip_accept_encoding=True)
        http.putheader("Host", url.netloc)
        for name, value in headers_again(told):
            if name.lower() not in ITS_OWN:
                http.putheader(name, value.encode("latin-1"))
        if body or row.method in {"POST", "PUT", "PATCH"}:
            http.putheader("Content-Length", str(len(body)))
        http.endheaders(body or None)
        answer = http.getresponse()
        content = answer.read()
    except (OSError, HTTPException) as error:
        raise RpxError(f"{place or url.netloc} gave no answer: {error}") from None
    finally:
        http.close()
    ms = round((time.perf_counter() - began) * 1000, 3)
    differs = tuple(_differences(told, answer.status, answer.getheaders(), content))
    return AnsweredAgain(
        answer.status, ms, len(content), differs, tuple(_diff(told.response, content))
    )


def _connected(url: SplitResult, place: Location | None) -> socket.socket:
    """A connection to a backend, or to our own port. Nobody is asked who has certified it."""
    if place is None:
        port = url.port or (443 if url.scheme == "https" else 80)
        place, tls = Address("127.0.0.1", port), url.scheme == "https"
    else:
        tls = isinstance(place, Address) and place.tls is not None
    if isinstance(place, Address):
        end = socket.create_connection((place.host, place.port), WITHIN)
    else:
        end = socket.socket(socket.AF_UNIX)
        end.settimeout(WITHIN)
        end.connect(place.path)
    if not tls:
        return end
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(end, server_hostname=url.hostname)  # the door goes by that name


def _differences(
    told: RequestTold, status: int, headers: Iterable[tuple[str, str]], content: bytes
) -> Iterator[str]:
    """What is other than it was, in words."""
    if status != told.row.status:
        yield f"status {told.row.status} → {status}"
    before, now = _comparable(told.response.headers), _comparable(headers)
    for name in sorted(before.keys() | now.keys()):
        was, is_ = before.get(name), now.get(name)
        if was != is_:
            yield f"{name}: {was or 'none'} → {is_ or 'none'}"
    kept = told.response
    if kept.body is not None and kept.kept == kept.size:
        if bytes_of(kept) != content:
            yield f"another body ({kept.size} → {len(content)} bytes)"
    elif kept.size != len(content):
        yield f"a body of {len(content)} bytes instead of {kept.size}"


def _diff(kept: MessageTold, content: bytes) -> Iterator[str]:
    """The lines in which two texts differ; none of what is no text, or too long."""
    if kept.body is None or kept.encoding is not None or kept.kept < kept.size:
        return iter(())
    try:
        now = content[: COMPARED + 1].decode()
    except UnicodeDecodeError:
        return iter(())
    if len(now) > COMPARED:
        return iter(())
    lines = unified_diff(kept.body.splitlines(), now.splitlines(), "before", "now", lineterm="")
    return islice(lines, LINES)


def _comparable(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        low = name.lower()
        if low not in EACH_ANOTHER:
            found[low] = f"{found[low]}, {value}" if low in found else value
    return found
