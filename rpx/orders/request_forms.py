"""A request that went through in the words of others: a command of curl, and HAR 1.2."""

from __future__ import annotations

import base64
import shlex
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from rpx.errors import RpxError
from rpx.model.request_answers import HIDDEN, TO_KEEP_BODIES, MessageTold, RequestTold

# What belongs to one connection, or is made anew by whoever sends the request.
OF_A_CONNECTION = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "upgrade", "expect", "te")
)


def headers_again(told: RequestTold) -> list[tuple[str, str]]:
    """The field lines that a repetition has. What is hidden is left out."""
    return [
        (name, value)
        for name, value in told.request.headers
        if name.lower() not in OF_A_CONNECTION and value != HIDDEN
    ]


def body_again(told: RequestTold) -> bytes:
    """The body that a repetition has. Raises: RpxError when it wasn't kept."""
    message = told.request
    if message.kept < message.size:
        raise RpxError(
            f"the body of request {told.row.id} was not kept: {message.size} bytes, {message.kept}"
            " of them are there",
            hint=TO_KEEP_BODIES,
        )
    return bytes_of(message)


def bytes_of(message: MessageTold) -> bytes:
    """What was kept of a body."""
    if message.encoding == "base64":
        return base64.b64decode(message.body or "")
    return (message.body or "").encode()


def curl_of(told: RequestTold) -> str:
    """A command for a shell that asks for the same. Raises: RpxError: it was no request, or
    its body wasn't kept.
    """
    _check(told)
    body = body_again(told)
    words = ["curl", *_method(told.row.method, body), *_way(told.url)]
    for name, value in headers_again(told):
        words += ["-H", f"{name}: {value}" if value else f"{name};"]
    if not body:
        return shlex.join([*words, told.url])
    if told.request.encoding is None and not body.startswith(b"@"):  # that is the name of a file
        return shlex.join([*words, "--data-binary", body.decode(), told.url])
    line = shlex.join([*words, "--data-binary", "@-", told.url])
    return f"printf %s {base64.b64encode(body).decode()} | base64 -d | {line}"


def _check(told: RequestTold) -> None:
    if not told.url:
        raise RpxError(f"{told.row.id} was no request that could be sent again")


def _method(method: str, body: bytes) -> list[str]:
    if method == "HEAD":
        return ["-I"]
    return [] if method == ("POST" if body else "GET") else ["-X", method]


def _way(text: str) -> list[str]:
    """How curl comes to our own port. Older ones don't know .localhost."""
    url = urlsplit(text)
    words = ["-k"] if url.scheme == "https" else []
    if url.hostname and url.hostname.endswith(".localhost"):
        port = url.port or (443 if words else 80)
        words += ["--resolve", f"{url.hostname}:{port}:127.0.0.1"]
    return words


def har_of(told: RequestTold) -> dict[str, Any]:
    """It as HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec).

    Raises: RpxError: it was no request.
    """
    _check(told)
    row, answer = told.row, told.response
    status = row.status or 0
    asked: dict[str, Any] = {
        "method": row.method,
        "url": told.url,
        "httpVersion": row.protocol,
        "cookies": _cookies(told.request, "cookie"),
        "headers": _pairs(told.request),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(row.query, keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": row.bytes_in,
    }
    if told.request.body:
        data = {"mimeType": _field(told.request, "content-type"), "text": told.request.body}
        if told.request.encoding is not None:  # which HAR has for answers alone
            data |= {"comment": told.request.encoding}
        asked |= {"postData": {"params": [], **data}}
    content: dict[str, Any] = {"size": row.bytes_out, "mimeType": row.type}
    if answer.body is not None:
        content |= {"text": answer.body}
        if answer.encoding is not None:
            content |= {"encoding": answer.encoding}
    known = status in {each.value for each in HTTPStatus}
    waited = max(0.0, (row.first_ms or row.ms) - row.held_ms - row.connect_ms)
    entry = {
        "startedDateTime": datetime.fromtimestamp(row.time, UTC).isoformat(timespec="milliseconds"),
        "time": row.ms,
        "request": asked,
        "response": {
            "status": status,
            "statusText": HTTPStatus(status).phrase if known else "",
            "httpVersion": row.protocol,
            "cookies": _cookies(answer, "set-cookie"),
            "headers": _pairs(answer),
            "content": content,
            "redirectURL": _field(answer, "location"),
            "headersSize": -1,
            "bodySize": row.bytes_out,
        },
        "cache": {},
        "timings": {
            "blocked": row.held_ms,
            "connect": row.connect_ms,
            "send": 0,
            "wait": waited,
            "receive": max(0.0, row.ms - row.held_ms - row.connect_ms - waited),
        },
    }
    creator = {"name": "rpx", "version": version("rpx-dev")}
    return {"log": {"version": "1.2", "creator": creator, "entries": [entry]}}


def _pairs(message: MessageTold) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in message.headers]


def _cookies(message: MessageTold, field: str) -> list[dict[str, str]]:
    """Those of a message, as far as they are shown. Of an answer each field has one."""
    lines = [value for name, value in message.headers if name.lower() == field and value != HIDDEN]
    each = lines if field == "set-cookie" else [part for line in lines for part in line.split(";")]
    pairs = (part.partition(";")[0].partition("=") for part in each)
    return [{"name": name.strip(), "value": value.strip()} for name, _, value in pairs]


def _field(message: MessageTold, wanted: str) -> str:
    return next((value for name, value in message.headers if name.lower() == wanted), "")
