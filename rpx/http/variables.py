"""What values of header rules can say of a request: `$host`, `${request_id}`.

Nothing that a client says can end a line: `$path`, `$method` and `$host` have been judged by the
grammar of a request line and of a host, and the rest is part of a field value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from rpx.http.forwarded import Forwarding, client_of, scheme_of
from rpx.http.head import RequestHead
from rpx.http.tags import HAS_ID

_DOLLAR = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
# RFC 9110 §5.5: what no value may have. It becomes a space, as is done where others have sent it.
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class RequestVariables:
    """The variables of one request, each found out when a value has it.

    `request` is as the client sent it. `chance` makes the id of a request that brings none: as many
    ASCII letters and digits as make it unique.
    """

    __slots__ = ("_chance", "_id", "_peer", "_request")

    def __init__(self, request: RequestHead, peer: Forwarding, chance: Callable[[], bytes]) -> None:
        self._request = request
        self._peer = peer
        self._chance = chance
        self._id = b""

    def host(self) -> bytes:
        """The host that is asked for, in lower case, without its port."""
        return self._request.host.encode("ascii")

    def path(self) -> bytes:
        """The path as it came, without its query; `*` of an OPTIONS that has none."""
        return self._request.path

    def method(self) -> bytes:
        """The method."""
        return self._request.method

    def client(self) -> bytes:
        """The address of the client, or of whom a trusted proxy before us has seen."""
        return client_of(self._request, self._peer)

    def scheme(self) -> bytes:
        """`http` or `https`: how the client came, to us or to a trusted proxy before us."""
        return scheme_of(self._request, self._peer)

    def subdomain(self) -> bytes:
        """The first label of the host, which is what stands for the `*` of a wildcard.

        Nothing of an address, and of a name that is one label.
        """
        host = self._request.host
        label, dot, _ = host.partition(".")
        address = host.startswith("[") or host.rpartition(".")[2].isdigit()  # URL standard, 3.5
        return label.encode("ascii") if dot and not address else b""

    def request_id(self) -> bytes:
        """One id for the request and its answer: the client's own (X-Request-Id), or a new one."""
        if not self._id:
            told = self._request.field(b"x-request-id") if self._request.tags & HAS_ID else None
            self._id = told or self._chance()
        return self._id


VARIABLES: Mapping[str, Callable[[RequestVariables], bytes]] = {
    each.__name__: each
    for each in (
        RequestVariables.host,
        RequestVariables.path,
        RequestVariables.method,
        RequestVariables.client,
        RequestVariables.scheme,
        RequestVariables.subdomain,
        RequestVariables.request_id,
    )
}


class ValueTemplate:
    """A value, or several of them, with variables in it."""

    __slots__ = ("_form", "_of")

    def __init__(self, form: bytes, of: tuple[Callable[[RequestVariables], bytes], ...]) -> None:
        """`form` has a `%b` for each of `of`."""
        self._form, self._of = form, of

    @property
    def constant(self) -> bytes | None:
        """The text, if it is the same for all requests."""
        return None if self._of else self._form % ()

    def filled(self, variables: RequestVariables) -> bytes:
        """The text for one request."""
        return self._form % tuple([each(variables) for each in self._of])

    def __add__(self, other: ValueTemplate) -> ValueTemplate:
        return ValueTemplate(self._form + other._form, self._of + other._of)


def template(text: str, project: Mapping[str, str]) -> ValueTemplate:
    """Read a value. `project` are the variables that are the same for all requests (RPX_API_URL);
    a name that is neither there nor a request's stays as it is written.
    """
    of: list[Callable[[RequestVariables], bytes]] = []
    parts: list[bytes] = []
    at = 0
    for found in _DOLLAR.finditer(text):
        parts.append(_constant(text[at : found.start()]))
        at = found.end()
        name = found[2] or found[3] or ""
        if name in VARIABLES:
            of.append(VARIABLES[name])
            parts.append(b"%b")
        else:
            parts.append(_constant("$" if found[1] else project.get(name, found[0])))
    parts.append(_constant(text[at:]))
    return ValueTemplate(b"".join(parts), tuple(of))


def _constant(text: str) -> bytes:
    return _CONTROLS.sub(" ", text).encode("utf-8", "replace").replace(b"%", b"%%")
