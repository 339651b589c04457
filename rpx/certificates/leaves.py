"""Certificates for single hosts: issued when they are first asked for, kept, renewed in place."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import os
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rpx.certificates.authority import Authority
from rpx.certificates.authority_files import make_folder, unusable, write
from rpx.certificates.making import SKEW, in_pem, issued_by, signs
from rpx.certificates.scope import is_address, permits
from rpx.errors import RpxError

DAYS: Final = 90
RENEW: Final = dt.timedelta(days=30)  # before its end
MOST: Final = 1000  # kept on disk: under a wildcard anybody here can ask for any number of names

_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?")  # browsers take a _ for a letter


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate for a host.

    `path` has it, what is between it and the root, and its key in PEM, for `load_cert_chain`.
    """

    host: str
    path: Path
    begins: dt.datetime
    ends: dt.datetime
    names: frozenset[str]


class Leaves:
    """The certificates of one authority, for all threads. They lie in its folder."""

    def __init__(
        self,
        authority: Authority,
        *,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        """`clock` gives the time of day; nothing is read or written yet."""
        self._authority = authority
        self._folder = authority.folder / "leaves"
        self._clock = clock
        self._known: dict[str, Leaf] = {}
        self._lock = threading.Lock()

    @property
    def signer(self) -> str:
        """The fingerprint of the authority."""
        return self._authority.fingerprint

    def known(self, host: str) -> Leaf | None:
        """The certificate for `host` if it is at hand and good: one look at a dict, no waiting."""
        leaf = self._known.get(host)
        return leaf if leaf is not None and self.is_good(leaf) else None

    def is_good(self, leaf: Leaf) -> bool:
        """Whether it is valid, and will be for a while: one look at the clock, no waiting."""
        # One that ends together with the authority would be followed by the same.
        early = RENEW if leaf.ends < self._authority.ends else dt.timedelta()
        return leaf.begins <= self._clock() < leaf.ends - early

    def get(self, host: str, *, beside: Iterable[str] = ()) -> Leaf:
        """The certificate for `host`, issued or renewed where needed: milliseconds, in a worker.

        `host` is a name in lower case, or an address (an IPv6 one with or without brackets).
        It has exactly that name and those `beside`. Raises: RpxError: the authority may not certify
        that host, or can't be used.
        """
        names = frozenset(map(_plain, (host, *beside)))
        with self._lock:
            leaf = self.known(host)
            if leaf is None or names != leaf.names:
                path = self._path(host, names)
                leaf = self._stored(host, path, names) or self._issue(host, path, names)
                if len(self._known) >= MOST:
                    del self._known[next(iter(self._known))]
                self._known[host] = leaf
            return leaf

    def _path(self, host: str, names: frozenset[str]) -> Path:
        check_hosts([host], self._authority.allowed)
        plain = _plain(host)
        # A file's name has 255 bytes at most, and a host's 253 characters.
        stem = plain if len(plain) <= 150 else hashlib.sha256(plain.encode()).hexdigest()
        if len(names) > 1:  # what is beside it differs by project, and each keeps its own
            stem += f"+{hashlib.sha256(' '.join(sorted(names)).encode()).hexdigest()[:16]}"
        return self._folder / f"{stem}.pem"

    def check(self, *hosts: str) -> None:
        """Raise RpxError if there are any for which no certificate can be made."""
        check_hosts(hosts, self._authority.allowed)

    def _stored(self, host: str, path: Path, names: frozenset[str]) -> Leaf | None:
        """What an earlier run has left, if it is whole, of this authority, and good for a while."""
        try:
            data = path.read_bytes()
            certificate = x509.load_pem_x509_certificate(data)
            certificate.verify_directly_issued_by(self._authority.issuer)
            key = serialization.load_pem_private_key(data, None)
            has = _names(certificate)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, a new one takes its place
            return None
        whole = key.public_key() == certificate.public_key() and self._authority.between in data
        leaf = _leaf(host, path, certificate, has)
        return leaf if whole and names == has and self.is_good(leaf) else None

    def _issue(self, host: str, path: Path, names: frozenset[str]) -> Leaf:
        if self._clock() >= self._authority.ends:
            raise RpxError(
                f"the local authority has ended, on {self._authority.ends:%-d %B %Y}",
                hint="`rpx trust` makes a new one; then start what is running again",
            )
        key = ec.generate_private_key(ec.SECP256R1())
        plain = _plain(host)
        ordered = (plain, *sorted(names - {plain}))
        certificate = certify(self._authority, key, ordered, self._clock())
        try:
            make_folder(self._folder, 0o700)
            self._make_room()
            pem = certificate.public_bytes(serialization.Encoding.PEM) + self._authority.between
            write(path, pem + in_pem(key), 0o600)
        except OSError as error:
            raise unusable(self._folder, error) from None
        return _leaf(host, path, certificate, names)

    def _make_room(self) -> None:
        """Let the oldest go where there are too many."""
        files = [entry for entry in os.scandir(self._folder) if entry.name.endswith(".pem")]
        if len(files) >= MOST:
            for entry in sorted(files, key=lambda e: e.stat().st_mtime)[: len(files) - MOST + 1]:
                Path(entry.path).unlink(missing_ok=True)


def check_hosts(hosts: Iterable[str], allowed: Sequence[str]) -> None:
    """Ask whether an authority for the names `allowed` can certify all of these.

    Raises: RpxError that names those it can't.
    """
    hosts = tuple(hosts)
    for host in hosts:
        if not _is_host(_plain(host)):
            raise RpxError(f"no certificate can be made for `{host}`: it is no single host")
    denied = [host for host in hosts if not permits(allowed, _plain(host))]
    if denied:
        options = " ".join(f"--allow {_plain(host)}" for host in denied)
        raise RpxError(
            f"the local authority may not certify {', '.join(f'`{host}`' for host in denied)},"
            f" only {', '.join(allowed)}",
            hint=f"`rpx trust {options}` makes one that may",
        )


def certify(
    authority: Authority, key: ec.EllipticCurvePrivateKey, names: Sequence[str], now: dt.datetime
) -> x509.Certificate:
    """A certificate for these names, the host first, whatever the authority may certify."""
    # For people only, and not where it has no place: 64 characters are the most, and OpenSSL holds
    # an address for a name here, which the authority may not certify.
    subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "rpx")]
    if len(names[0]) <= 64 and not is_address(names[0]):
        subject.append(x509.NameAttribute(NameOID.COMMON_NAME, names[0]))
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(authority.issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(min(now + dt.timedelta(days=DAYS), authority.ends))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(signs(certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([*map(_name, names)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(issued_by(authority.key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )


def _leaf(host: str, path: Path, certificate: x509.Certificate, names: frozenset[str]) -> Leaf:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return Leaf(host, path, begins, ends, names)


def _name(text: str) -> x509.GeneralName:
    if is_address(text):
        return x509.IPAddress(ipaddress.ip_address(text))
    return x509.DNSName(text)


def _names(certificate: x509.Certificate) -> frozenset[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return frozenset(str(name.value) for name in found)


def _plain(host: str) -> str:
    """A host as certificates have it: no brackets, an address in its usual form."""
    text = host[1:-1] if host.startswith("[") else host
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def _is_host(text: str) -> bool:
    return is_address(text) or (_NAME.fullmatch(text) is not None and ".." not in text)
