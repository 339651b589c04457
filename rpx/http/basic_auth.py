"""Who may ask, by name and password (RFC 7617)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import unicodedata
from typing import TYPE_CHECKING

from rpx.http.head import RequestHead

if TYPE_CHECKING:  # pydantic takes as long to load as all the rest of a command
    from rpx.model.route import BasicAuth

_BASIC = re.compile(rb"(?i:basic) +([0-9A-Za-z+/]++={0,2})[ \t]*")
_UNQUOTABLE = re.compile(r'[^\x20-\x7e]|["\\]')


class Credentials:
    """The names and passwords that a route asks for.

    `challenge` is the line, with its CRLF, of a 401. Every name and password is compared, each by
    its digest: how long that takes says nothing about who there is.
    """

    __slots__ = ("_digests", "challenge")

    def __init__(self, auth: BasicAuth, realm: str) -> None:
        """`realm` is what browsers show when they ask for a password."""
        self._digests = [
            _digest(unicodedata.normalize("NFC", f"{name}:{password}").encode())  # RFC 7617 §2.1
            for name, password in auth.users
        ]
        realm = _UNQUOTABLE.sub(" ", realm)
        self.challenge = f'WWW-Authenticate: Basic realm="{realm}", charset="UTF-8"\r\n'.encode()

    def allow(self, request: RequestHead) -> bool:
        """Whether the request comes from one of them."""
        told = request.field(b"authorization")
        match = _BASIC.fullmatch(told) if told is not None else None
        if match is None:
            return False
        try:
            given = _digest(base64.b64decode(match[1], validate=True))
        except ValueError:
            return False
        found = False
        for digest in self._digests:
            found |= hmac.compare_digest(digest, given)
        return found


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
