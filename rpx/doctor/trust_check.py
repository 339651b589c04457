"""Whether those who are to trust the authority do: in a real verification with their own tools."""

from __future__ import annotations

import datetime as dt
import shlex
import ssl
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rpx.certificates.authority import Authority, load_authority
from rpx.certificates.authority_files import authority_folder, home
from rpx.certificates.leaves import Leaf, Leaves
from rpx.certificates.nss import PACKAGES, can_edit, chromium_is_here, databases
from rpx.certificates.policies import firefox_is_here
from rpx.certificates.stores import holds, system_store
from rpx.certificates.trusted import firefox_policies, has_profile, stores
from rpx.certificates.windows import COMMAND, WINDOWS, under_windows
from rpx.doctor.findings import Finding, Status
from rpx.errors import RpxError
from rpx.programs import found, said

HOST = "localhost"  # the leaf that is shown to them
SOON = dt.timedelta(days=90)
TELL_THEM = "`rpx trust` puts it on the list"


def trust(folder: Path | None = None, *, hosts: Sequence[str] | None = None) -> Iterator[Finding]:
    """Look at the user's authority, at its key, and at who accepts what it has certified.

    `hosts` are those of a project that need certificates of it; None: there is no project.
    """
    try:
        authority = load_authority(folder or authority_folder())
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
    if authority.is_early():
        what = f"it is from the future: no program accepts it before {authority.begins:%-d %B %Y}"
        hint = "set the clock; if it is right, `rpx trust` makes a new one"
        return _finding("authority", Status.PROBLEM, what, hint)
    if not authority.is_limited:
        what = "an earlier rpx has made it, with a key that is worth every site there is to Java"
        return _finding(
            "authority", Status.WARNING, what, "`rpx trust` puts a limited one in its place"
        )
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
    hint = f"install {PACKAGES}, then `rpx trust`"
    for database in databases(home()):
        if not can_edit() and database.exists:
            what = "keeps a list of its own, which only `certutil` can look at"
            yield _finding(database.name, Status.WARNING, what, hint)
        elif can_edit() and database.trusts(authority):
            yield _finding(database.name, Status.OK, "has the authority")
        elif not database.exists and not chromium_is_here(home()):
            yield _finding(database.name, Status.OK, "no such browser is found, and no list yet")
        elif not can_edit():
            yield _finding(database.name, Status.WARNING, "there is no list yet", hint)
        else:
            yield _finding(database.name, Status.PROBLEM, "does not have the authority", TELL_THEM)
    yield from _firefox(authority)
    if under_windows():
        yield _finding("Windows", Status.WARNING, WINDOWS.removesuffix(":"), f"`{COMMAND}`")


def _firefox(authority: Authority) -> Iterator[Finding]:
    """A Firefox that has no profile, of which nothing was said yet."""
    if not firefox_is_here() or has_profile():
        return
    policies = firefox_policies(system_store())
    if policies is not None and policies.trusts(authority):
        yield _finding(policies.name, Status.OK, "the first one gets the authority")
        return
    hint = f"{TELL_THEM} that it gets; or start it once, then `rpx trust`"
    yield _finding("Firefox", Status.WARNING, "is here, and has no profile yet", hint)


def _forgotten(authority: Authority | None) -> Iterator[Finding]:
    """Authorities of this user on any list whose keys are no longer here."""
    for store in stores():
        left = [
            entry.label
            for entry in store.entries()
            if authority is None
            or not (
                entry.label == authority.label or holds(entry.pem, authority.pem.decode("ascii"))
            )
        ]
        if left:
            what = f"has {', '.join(left)}: of yours, and the key is no longer here"
            hint = "`rpx untrust` takes all of them away, `rpx trust` puts back what is in use"
            yield _finding(store.name, Status.WARNING, what, hint)


def _finding(subject: str, status: Status, detail: str, hint: str = "") -> Finding:
    return Finding("trust", subject, status, detail, hint)
