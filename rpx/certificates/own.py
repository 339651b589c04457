"""What may be wrong with a certificate that a user brings along. It is only ever read."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from rpx.certificates.scope import is_address


@dataclass(frozen=True, slots=True)
class Fault:
    """Of one of the two files, `cert` or `key`; `what` is the end of a sentence about it.

    `about_names`: it would do for other hosts.
    """

    file: str
    what: str
    hint: str
    about_names: bool = False


def faults(
    cert: Path, key: Path, hosts: Iterable[str], *, now: dt.datetime | None = None
) -> Iterator[Fault]:
    """Everything that would keep clients from accepting these files for `hosts` (also wildcards).

    That nobody trusts who has signed it is no fault: somebody may.
    """
    try:
        certificate = x509.load_pem_x509_certificate(cert.read_bytes())
    except (ValueError, OSError):
        yield Fault("cert", "holds no certificate in PEM", "it begins with -----BEGIN CERTIFICATE")
        return
    now = now or dt.datetime.now(dt.UTC)
    if now >= certificate.not_valid_after_utc:
        ended = f"{certificate.not_valid_after_utc:%-d %B %Y}"
        yield Fault("cert", f"has ended, on {ended}", "have it renewed; until then: `https: true`")
    elif now < certificate.not_valid_before_utc:
        begins = f"{certificate.not_valid_before_utc:%-d %B %Y}"
        yield Fault("cert", f"is not valid before {begins}", "is this machine's clock right?")
    names = _names(certificate)
    for host in dict.fromkeys(hosts):
        if not covers(names, host):
            known = f"it is for {', '.join(names)}" if names else "it names no host at all"
            more = "another proxy may have its own"
            if covers(names, host, strictly=False):
                known = "clients take no wildcard right below a top-level name"
                more = "`https: true` makes certificates that they take; or name each host in it"
            yield Fault("cert", f"is not for {host}", f"{known}; {more}", about_names=True)
    yield from _of_key(cert, key, certificate)


def _of_key(cert: Path, key: Path, certificate: x509.Certificate) -> Iterator[Fault]:
    try:
        found = serialization.load_pem_private_key(key.read_bytes(), None)
    except TypeError:
        yield Fault("key", "has a password", "`openssl pkey -in KEY -out NEW` makes one without")
    except (ValueError, OSError, UnsupportedAlgorithm):
        yield Fault("key", "holds no private key in PEM", "it begins with -----BEGIN PRIVATE KEY")
    else:
        if found.public_key() != certificate.public_key():
            hint = "`key` is the file that was made together with `cert`"
            yield Fault("key", "does not belong to the certificate", hint)
            return
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
        except ssl.SSLError as error:
            why = (error.reason or "unknown reason").replace("_", " ").lower()
            yield Fault(
                "cert", f"is refused by OpenSSL: {why}", "P-256, or RSA with 2048 bits, is not"
            )


def covers(names: Iterable[str], host: str, *, strictly: bool = True) -> bool:
    """Whether a certificate with these names is good for `host`.

    As clients see it, who are stricter than RFC 6125: with `*.localhost` they take nothing.
    """
    plain = host.strip("[]")
    domain = plain.partition(".")[2]
    wide = () if is_address(plain) or (strictly and "." not in domain) else (f"*.{domain}",)
    if plain.startswith("*.") and not wide:
        return False
    return any(name in (plain, *wide) for name in names)


def _names(certificate: x509.Certificate) -> list[str]:
    """The names and addresses in it. An address that stands there as a name is none to clients."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    names = (name.lower() for name in found.value.get_values_for_type(x509.DNSName))
    addresses = map(str, found.value.get_values_for_type(x509.IPAddress))
    return [*(name for name in names if not is_address(name)), *addresses]
