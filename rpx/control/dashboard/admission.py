"""Who may see the dashboard of a run: who has a token that is good once, then a cookie.

A token is in a URL, which others may read over a shoulder or in a history: so it is good once, and
for a minute. The cookie belongs to the run, as its name does: cookies know no ports, and another
project may have the same host at another one.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final

GOOD_FOR: Final = 60.0  # seconds
TOKENS: Final = 64  # that wait to be used; whoever asks for more has lost the first ones
SESSIONS: Final = 64  # browsers


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has come with a token. `csrf`: what its page says with each change."""

    secret: str
    csrf: str


class Admission:
    """Tokens and cookies of one run. `clock`: seconds that nobody sets."""

    def __init__(self, run: str, clock: Callable[[], float]) -> None:
        self.cookie = f"rpx_{run}"
        self._clock = clock
        self._tokens: dict[str, float] = {}  # when each ends
        self._sessions: dict[str, Session] = {}

    def token(self) -> str:
        """Return a new token."""
        token = secrets.token_urlsafe(24)
        self._tokens[token] = self._clock() + GOOD_FOR
        if len(self._tokens) > TOKENS:
            del self._tokens[next(iter(self._tokens))]
        return token

    def redeem(self, token: str) -> Session | None:
        """Return a session for a token; None for one that is used, too old, or was never given."""
        if self._tokens.pop(token, 0.0) < self._clock():
            return None
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(24))
        self._sessions[session.secret] = session
        if len(self._sessions) > SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        return session

    def session(self, cookies: str) -> Session | None:
        """Return whose cookie is among those of a `Cookie` line."""
        try:
            found = SimpleCookie(cookies).get(self.cookie)
        except CookieError:
            return None
        return self._sessions.get(found.value) if found is not None else None

    def set_cookie(self, session: Session, *, tls: bool) -> str:
        """Return the Set-Cookie line of a session (RFC 6265bis §4.1)."""
        secure = "; Secure" if tls else ""
        return f"{self.cookie}={session.secret}; Path=/; HttpOnly; SameSite=Strict{secure}"


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())
