"""Which certificate a client gets: by the name that it asks for, before anything else is said."""

from __future__ import annotations

import math
import re
import ssl
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from rpx.errors import RpxError
from rpx.hub.backend_tls import tell_cut_from_end
from rpx.model.config import ANY, Https
from rpx.policy.nearness import is_nobodys
from rpx.policy.routing import WILDCARD, Routes
from rpx.proxy.tls import TlsWire

if TYPE_CHECKING:
    from rpx.certificates.leaves import Leaf, Leaves

LOCALHOST: Final = "localhost"
LOOPBACK: Final = ("127.0.0.1", "::1")
# RFC 6066 §3 forbids it: no name. In `to` an IPv6 one has brackets.
_ADDRESS: Final = re.compile(r"[0-9.]+|[0-9a-f:]*:[0-9a-f:.]*|\[.*\]")
NO_NAME: Final = "no host can have that name"
MOST: Final = 1000  # contexts at hand, and unknown names told: under a wildcard there is no end
A_MINUTE: Final = 300  # certificates for names as they come: each is a key, a signature and a file
TRIES: Final = 20  # to read a certificate and its key; each time another project has replaced them
NAMED: Final = 20  # names that clients have asked for in vain, and that users are told of


class Hello(ssl.SSLObject):
    """The server's side of one connection; knows what its client has asked for."""

    name = ""  # the host that the client named; "" if none, or just this machine
    shown = False  # a page says who there is, if nobody has that host
    missing = ""  # the host whose certificate has to be there before this can begin anew


class Contexts:
    """The TLS contexts of all hosts: one for each certificate.

    A handshake begins with `entrance`. What it asks for is at hand after `prepare`, or else it
    begins again once `provide` has returned.
    """

    def __init__(
        self, hosts: Mapping[str, Https], leaves: Leaves | None, say: Callable[[str], None]
    ) -> None:
        """`hosts`: whom clients may ask for, also wildcards; not empty. `leaves` are there unless
        each has a certificate of its own. `say` gets what a user should know.
        """
        self.entrance = _context()  # without a certificate: it is never the last one
        self.entrance.sslobject_class = Hello
        self.entrance.sni_callback = self._choose  # type: ignore[assignment]  # it gets a Hello
        self._hosts = hosts
        self._routes = Routes(hosts)
        # Addresses are in no certificate but the one for who names nobody: BoringSSL refuses all
        # that has one, since it can't judge what the authority may certify of them.
        issued = [host for host, https in hosts.items() if not https.cert]
        self._here = (LOCALHOST, *LOOPBACK, *filter(_ADDRESS.fullmatch, issued))
        self._nameless = LOOPBACK[0] if leaves else min(hosts, key=_is_wild)
        self._leaves = leaves
        self._say = say
        self._ready: dict[str, tuple[Leaf | None, ssl.SSLContext]] = {}
        self._own: dict[Https, tuple[object, ssl.SSLContext]] = {}
        self._lacking: dict[str, str] = {}  # what was said last of hosts whose files aren't there
        self._unknown: set[str] = set()
        self._minute, self._made = -math.inf, 0  # when it began; how many names have come in it
        self._one = trio.CapacityLimiter(1)  # they take turns anyway, and others need threads

    @property
    def signer(self) -> str:
        """The fingerprint of the authority that has issued some of the certificates, or ""."""
        return self._leaves.signer if self._leaves else ""

    def prepare(self) -> None:
        """Have the certificates of all hosts with a name of their own, in a worker.

        Raises: RpxError.
        """
        if self._leaves is not None:
            issued = [host for host, https in self._hosts.items() if not https.cert]
            self._leaves.check(*(host.removeprefix(WILDCARD) for host in issued if host != ANY))
        if not self._is_late(self._nameless):
            self._make(self._nameless)
        for host, https in self._hosts.items():
            if https.late:  # its files may come into being: they are looked at when asked for
                continue
            if https.cert or not (_is_wild(host) or _ADDRESS.fullmatch(host)):
                self._make(host)

    def begin(self, wire: TlsWire, heard: bytes) -> bool:
        """Begin a handshake like `wire.begin`, also with who calls a host what nobody can read.

        Python prints a traceback when a name isn't ASCII, before OpenSSL sends its alert.
        """
        others = sys.unraisablehook

        def unreadable(fault: sys.UnraisableHookArgs) -> None:
            if isinstance(fault.exc_value, UnicodeDecodeError):
                self._tell(fault.exc_value.object.decode("ascii", "replace"), NO_NAME)
            else:
                others(fault)

        sys.unraisablehook = unreadable
        try:
            return wire.begin(heard)
        finally:
            sys.unraisablehook = others

    async def provide(self, host: str) -> bool:
        """Have the certificate of `host`, which may be issued for it; tell whether it is there."""
        if host not in self._hosts and host not in self._ready and not self._may_make_another():
            return False
        try:
            await trio.to_thread.run_sync(self._make, host, limiter=self._one)
        except (RpxError, OSError) as error:
            if self._lacking.get(host) != str(error):
                self._say(f"no certificate for {host}: {error}")
            self._lacking[host] = str(error)
            return False
        self._lacking.pop(host, None)
        return True

    def _may_make_another(self) -> bool:
        """Whether one more name may have a certificate: below a wildcard any can be made up."""
        now = trio.current_time()
        if now - self._minute >= 60:
            self._minute, self._made = now, 0
        self._made += 1
        if self._made == A_MINUTE + 1:
            self._say(
                f"clients have asked with TLS for {A_MINUTE} new names within a minute:"
                " others get no certificate before it is over"
            )
        return self._made <= A_MINUTE

    def covers(self, asked: str, host: str) -> bool:
        """Whether the certificate for `asked` is also for `host`: one that was brought along."""
        https = self._routes.find(asked, b"/")
        return https is not None and bool(https.cert) and self._routes.find(host, b"/") == https

    def _make(self, host: str) -> None:
        https, leaf = self._routes.find(host, b"/"), None
        if https is not None and https.cert is not None:
            stamp, known = _stamp(https), self._own.get(https)
            fresh = known is not None and known[0] == stamp
            context = known[1] if known and fresh else _context(https.cert, https.key)
            self._own[https] = stamp, context
        elif self._leaves is not None:
            leaf = self._leaves.get(host, beside=self._here if host == self._nameless else ())
            context = _issued(leaf.path)
        else:
            return  # it is no host of ours
        if len(self._ready) >= MOST:
            self._ready.pop(next(iter(self._ready)), None)
        self._ready[host] = leaf, context

    def _choose(self, tls: Hello, name: str | None, _: ssl.SSLContext) -> int | None:
        """What OpenSSL asks when it has read a hello: which context, or what alert?"""
        tls.name = host = (name or "").lower().removesuffix(".")
        https = self._routes.find(host, b"/")
        if not host or (_ADDRESS.fullmatch(host) and not (https and https.cert)):
            tls.name, host = "", self._nameless
        elif https is not None:
            pass
        elif host == LOCALHOST:
            tls.name, host = "", LOCALHOST if self._leaves else self._nameless
        elif not (tls.shown and self._leaves and is_nobodys(host)):
            return self._tell(host, "no proxy with `https` has that host")
        ready = self._ready.get(host)
        leaf = ready and ready[0]
        if ready is None or (leaf and self._leaves and not self._leaves.is_good(leaf)):
            return self._miss(tls, host)
        if self._is_late(host) and self._is_old(host):
            return self._miss(tls, host)
        tls.context = ready[1]
        return None

    def _miss(self, tls: Hello, host: str) -> int:
        https = self._routes.find(host, b"/")
        try:
            if self._leaves is not None and not (https and https.cert):
                self._leaves.check(host)
        except RpxError as error:  # what belongs to the other hosts has been checked
            if self._routes.names(host):
                return self._tell(host, NO_NAME)
            why = error.problems[0]
            return self._tell(host, f"{why.what}; {why.hint}" if why.hint else why.what)
        tls.missing = host
        return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR  # nobody is told, if it can be made

    def _is_late(self, host: str) -> bool:
        https = self._routes.find(host, b"/")
        return https is not None and https.late

    def _is_old(self, host: str) -> bool:
        """Whether files that may come into being are others by now."""
        https = self._routes.find(host, b"/")
        return https in self._own and self._own[https][0] != _stamp(https)

    def _tell(self, name: str, why: str) -> int:
        """Say, once for each name, what is wrong with it; return the alert for the client."""
        if name not in self._unknown and len(self._unknown) < NAMED:
            self._unknown.add(name)
            self._say(f"a client asked for {ascii(name)[1:-1]} with TLS: {why}")
            if len(self._unknown) == NAMED:
                self._say("clients ask with TLS for many unknown names: rpx names no more of them")
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


def hello_of(wire: TlsWire) -> Hello:
    """What is known of a connection that has begun with `entrance`."""
    assert isinstance(wire.tls, Hello)  # noqa: S101 - see sslobject_class
    return wire.tls


def _is_wild(host: str) -> bool:
    return host.startswith(ANY)


def _issued(path: Path) -> ssl.SSLContext:
    """The context of a file that has both, and in whose place another project may put its own.

    The file is whole at any time; but OpenSSL reads it twice, and may get two. Raises: OSError.
    """
    for _ in range(TRIES):
        try:
            return _context(path)
        except ssl.SSLError as error:
            if error.reason != "KEY_VALUES_MISMATCH":
                raise
    return _context(path)


def _context(cert: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if cert is not None:
        context.load_cert_chain(cert, key, password="")  # else the terminal would be asked
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2", "http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION  # or a read might have to write
    tell_cut_from_end(context)
    return context


def _stamp(https: Https) -> object:
    """Return what stays the same as long as files that may come into being do; None for others."""
    if not https.late or https.cert is None or https.key is None:
        return None
    try:
        stats = [path.stat() for path in (https.cert, https.key)]
    except OSError:
        return None
    return tuple((each.st_mtime_ns, each.st_size, each.st_ino) for each in stats)
