"""Whether those who are to trust the authority do: in a real verification with their own tools."""

from __future__ import annotations

import datetime as dt
import shlex
import ssl
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rpx.certificates.authority import Authority, load_authority
from rpx.certificates.files import authority_folder, home
from rpx.certificates.leaves import Leaf, Leaves
from rpx.certificates.nss import can_edit, databases
from rpx.certificates.stores import SystemStore, found, said, system_store
from rpx.doctor.findings import Finding, Status
from rpx.errors import RpxError

HOST = "localhost"  # the leaf that is shown to them
SOON = dt.timedelta(days=90)
TELL_THEM = "`rpx trust` puts it on the list"


def trust(folder: Path | None = None, *, hosts: Sequence[str] | None = None) -> Iterator[Finding]:
    """Look at the user's authority, at its key, and at who accepts what it has certified.

    `hosts` are those of a project that need certificates of it; None: there is no project.
    """
    folder = folder or authority_folder()
    try:
        authority = load_authority(folder)
    except RpxError as error:
        problem = error.problems[0]
        yield _finding("authority", Status.PROBLEM, problem.what, problem.hint)
        return
    yield from _forgotten(authority)
    if authority is None and hosts:
        hint = "`rpx trust` makes one, and puts it on the lists of this machine"
        yield _finding("authority", Status.PROBLEM, "none yet: no browser accepts `https`", hint)
    elif authority is None:
        yield _finding("authority", Status.OK, "none yet; `rpx trust` makes one, for HTTPS")
    else:
        yield _itself(authority)
        if hosts is not None and not hosts:
            yield _finding("lists", Status.OK, "not looked at: no host here has its certificates")
        elif dt.datetime.now(dt.UTC) < authority.ends:
            yield from _accepted(authority, hosts or ())


def _accepted(authority: Authority, hosts: Sequence[str]) -> Iterator[Finding]:
    leaves = Leaves(authority)
    try:
        leaves.check(*hosts)
        leaf = leaves.get(HOST)
    except RpxError as error:
        yield _finding("authority", Status.PROBLEM, error.problems[0].what, error.problems[0].hint)
        return
    yield from _system(authority, leaf)
    yield from _browsers(authority)


def _itself(authority: Authority) -> Finding:
    now = dt.datetime.now(dt.UTC)
    if authority.exposed:
        hint = f"`chmod 600 {shlex.quote(str(authority.secret))}`; better, `rpx untrust`, remove it"
        what = "others may read its key, and pose as this machine"
        return _finding("authority", Status.PROBLEM, what, f"{hint}, `rpx trust`")
    if now < authority.certificate.not_valid_before_utc:
        return _finding("authority", Status.PROBLEM, "it is from the future", "set the clock")
    if authority.ends - now < SOON:
        ended = now >= authority.ends
        status, word = (Status.PROBLEM, "ended") if ended else (Status.WARNING, "ends")
        hint = f"`rpx trust` makes a new one{'' if ended else ' when it has ended'}"
        return _finding("authority", status, f"it {word} on {authority.ends:%-d %B %Y}", hint)
    return _finding("authority", Status.OK, f"{authority.name}, until {authority.ends:%-d %B %Y}")


def _system(authority: Authority, leaf: Leaf) -> Iterator[Finding]:
    store = system_store()
    if store is None:
        hint = "install ca-certificates, or add `rpx trust --print-ca-path` to its list by hand"
        yield _finding("system", Status.WARNING, "its list is in no place that rpx knows", hint)
    elif not store.trusts(authority):
        yield _finding(store.name, Status.PROBLEM, "does not have the authority", TELL_THEM)
    else:
        yield _finding(store.name, Status.OK, "has the authority")
    if sys.platform == "darwin":  # neither of the two asks the keychain
        return
    if found("openssl"):
        shown = ("-untrusted", str(leaf.path), str(leaf.path))
        verified = said(("openssl", "verify", "-verify_hostname", HOST, *shown))
        yield _verdict("openssl verify", verified.rstrip().endswith("OK"))
    yield _verdict("this Python", _handshake(leaf))


def _verdict(subject: str, accepted: bool) -> Finding:
    if accepted:
        return _finding(subject, Status.OK, f"accepts the certificate of {HOST}")
    hint = f"{TELL_THEM}; if it is there, look for SSL_CERT_FILE and SSL_CERT_DIR"
    return _finding(subject, Status.PROBLEM, f"does not accept the certificate of {HOST}", hint)


def _handshake(leaf: Leaf) -> bool:
    """Whether a client with the default list accepts a server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.path)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(up, down, server_side=True)
    client = ssl.create_default_context().wrap_bio(down, up, server_hostname=HOST)
    for _ in range(4):  # hello, certificate, finished
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return client.version() is not None


def _browsers(authority: Authority) -> Iterator[Finding]:
    for database in databases(home()):
        if not can_edit():
            what = "keeps a list of its own, which only `certutil` can look at"
            hint = "install libnss3-tools (Debian, Ubuntu), nss-tools (Fedora) or nss, `rpx trust`"
            yield _finding(database.name, Status.WARNING, what, hint)
        elif database.trusts(authority):
            yield _finding(database.name, Status.OK, "has the authority")
        else:
            yield _finding(database.name, Status.PROBLEM, "does not have the authority", TELL_THEM)


def _forgotten(authority: Authority | None) -> Iterator[Finding]:
    store = system_store()
    left = store.forgotten(authority) if isinstance(store, SystemStore) else []
    if isinstance(store, SystemStore) and left:
        files = shlex.join(map(str, left))
        what = f"trusts {len(left)} of your authorities whose keys are no longer here"
        hint = f"`sudo rm {files} && sudo {shlex.join(store.afresh)}`"
        yield _finding(store.name, Status.WARNING, what, hint)


def _finding(subject: str, status: Status, detail: str, hint: str = "") -> Finding:
    return Finding("trust", subject, status, detail, hint)
