"""TLS towards backends: whom to trust, and in a user's words why it did not come about."""

from __future__ import annotations

import os
import re
import ssl
from contextlib import suppress
from typing import Final, NamedTuple

import trio

from rpx.model.address import Tls
from rpx.policy.protocol_hints import speaks

UNTRUSTED = "certificate verify failed"  # the beginning of what is wrong with a certificate
NO_TLS = "does not speak TLS"
_LEFT = "closed the connection within the TLS handshake"
_REASONS = {
    "UNEXPECTED_EOF_WHILE_READING": _LEFT,
    "WRONG_VERSION_NUMBER": NO_TLS,
    "HTTP_REQUEST": NO_TLS,
    "PACKET_LENGTH_TOO_LONG": NO_TLS,
    "RECORD_LAYER_FAILURE": NO_TLS,
}
_FRAME = re.compile(r"^\[\w+(?:: \w+)?\] | \(_ssl\.c:[0-9]+\)$")


_Kind = tuple[Tls, tuple[str, ...]]


class _Made(NamedTuple):
    """A context, and the state of its file of authorities when that was read."""

    context: ssl.SSLContext
    state: tuple[int, ...]


HTTP_1: Final = ("http/1.1",)
HTTP_2: Final = ("h2",)
ANY_HTTP: Final = HTTP_2 + HTTP_1
_contexts: trio.lowlevel.RunVar[dict[_Kind, _Made]] = trio.lowlevel.RunVar("TLS contexts")


async def client_context(tls: Tls, protocols: tuple[str, ...] = HTTP_1) -> ssl.SSLContext:
    """Return what connections of this kind have in common, made anew when its `ca` is another file.

    `protocols` are those offered by ALPN (RFC 7301), the best first.

    As long as the new file is no good, as one that is being written, the last one counts. Raises:
    ssl.SSLError when there is none.
    """
    try:
        contexts = _contexts.get()
    except LookupError:
        _contexts.set(contexts := {})
    kind = tls, protocols
    state, known = _state(tls.ca) if tls.ca else (), contexts.get(kind)
    if known is None or known.state != state:
        try:  # in a thread: to read all the system's authorities takes a while
            context = await trio.to_thread.run_sync(_make_context, tls, protocols)
        except ssl.SSLError:
            if known is None:
                raise
            context = known.context
        latest = contexts.get(kind)  # who has been asked meanwhile may have been first
        if latest is None or latest.state != state:
            contexts[kind] = _Made(context, state)
    return contexts[kind].context


def _state(path: str) -> tuple[int, ...]:
    """Return what stays the same as long as a file does; nothing for one that isn't there."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _make_context(tls: Tls, protocols: tuple[str, ...]) -> ssl.SSLContext:
    if tls.verify:
        try:
            context = ssl.create_default_context(cafile=tls.ca or None)
        except OSError as error:
            raise ssl.SSLError(0, f"{tls.ca} can't be read: {error.strerror}") from error
        # Alike on every Python: 3.13 asks for more than browsers do (an Authority Key Identifier),
        # and for less in one respect, in which curl does, too (an intermediate may be the anchor).
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(protocols))
    context.options |= ssl.OP_NO_RENEGOTIATION  # or a read might have to write
    tell_cut_from_end(context)
    return context


def tell_cut_from_end(context: ssl.SSLContext) -> None:
    """Let a connection that is cut off be none that has ended: 3.11.2 takes them for the same."""
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)


def client_hello() -> bytes:
    """What a client of TLS says first, to a server that it believes whatever that says."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    said = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), said).do_handshake()
    return said.read()


def fault_of(error: OSError) -> str:
    """Return what was wrong in a handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{UNTRUSTED}: {error.verify_message.rstrip('.')}"
    if not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLEOFError):
        return _LEFT
    reason = getattr(error, "reason", None)  # those that Python's code has not made have none
    if reason in _REASONS:
        return _REASONS[reason]
    # For some alerts Python has no reason, but OpenSSL's text: "[SSL] tlsv1 alert … (_ssl.c:1006)".
    text = reason.replace("_", " ").lower() if reason else error.strerror or str(error)
    text = _FRAME.sub("", text)
    if text.endswith("alert no application protocol"):
        return speaks("HTTP/2")  # nothing else is left to speak
    return f"TLS handshake failed: {text}"
