"""A URL that somebody wonders about, as the request that a client would send for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from rpx.errors import UsageError
from rpx.http.head import RequestHead, parse_request
from rpx.http.limits import BadMessage

_AS_IT_IS: Final = "".join(map(chr, range(0x21, 0x7F)))  # all that a target may have


@dataclass(frozen=True, slots=True)
class AskedUrl:
    """A request for a URL, as a client would send it."""

    url: str
    scheme: str
    port: int | None
    request: RequestHead


def asked_url(url: str, method: str, headers: Sequence[str]) -> AskedUrl:
    """Return the request for a URL, with or without its scheme. Raises: UsageError."""
    whole = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(whole)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{url} is no URL: {error}") from None
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname:
        raise UsageError(
            f"{url} is no URL that clients of a proxy have", hint="write http://HOST/PATH"
        )
    try:
        host = parts.hostname.encode("idna").decode()
    except UnicodeError as error:
        raise UsageError(f"{parts.hostname} is no host name: {error}") from None
    target = quote(parts.path or "/", safe=_AS_IT_IS)
    if parts.query:
        target += "?" + quote(parts.query, safe=_AS_IT_IS)
    shown = f"[{host}]" if ":" in host else host
    own = {line.partition(":")[0].strip().lower() for line in headers}
    lines = [] if "host" in own else [f"Host: {shown}{f':{port}' if port else ''}"]
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, *headers, "", ""])
    try:
        found = parse_request(head.encode("utf-8", "surrogateescape"))
    except BadMessage as error:
        raise UsageError(f"no client could ask like this: {error.reason}") from None
    if found is None:
        raise UsageError(f"{method} {url} is not a whole request")
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return AskedUrl(url, scheme, port, found[0])
