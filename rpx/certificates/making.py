"""How an authority is made: a root whose key signs one certificate and is gone.

What a root's certificate says of its limits, verifiers may leave unread: it is trusted as it is
(RFC 5280 §6.1.1 d), and Java and Erlang do. What stands in a certificate below it is read by all.
"""

from __future__ import annotations

import datetime as dt
import socket
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rpx.certificates.authority_files import caller
from rpx.certificates.scope import constraints

YEARS: Final = 10
# Clocks are hours off where they are in local time, or stood still with their virtual machine.
SKEW: Final = dt.timedelta(hours=24)
OWNER: Final = "rpx authority of "  # how the common name of a root begins


def make(allowed: tuple[str, ...], now: dt.datetime) -> bytes:
    """A new key that may certify these names, its certificate, and the root's; in PEM.

    Both certificates end on the same day: nobody could sign another one.
    """
    end = now + dt.timedelta(days=365.25 * YEARS)
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    owner = f"{caller().pw_name}@{socket.gethostname()}"
    root_name = _name(f"{OWNER}{owner}", root_key)
    root = _draft(root_name, root_key, allowed, depth=1, now=now, end=end)
    below = _draft(_name(f"rpx issuer of {owner}", key), key, allowed, depth=0, now=now, end=end)
    below = below.add_extension(issued_by(root_key.public_key()), critical=False)
    certificates = (
        below.issuer_name(root_name).sign(root_key, hashes.SHA256()),
        root.issuer_name(root_name).sign(root_key, hashes.SHA256()),
    )
    pem = serialization.Encoding.PEM
    return b"".join(each.public_bytes(pem) for each in certificates) + in_pem(key)


def signs(*, certificates: bool) -> x509.KeyUsage:
    """What a key is for: certificates, or else handshakes."""
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def issued_by(key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    """What a certificate says about whose key has signed it."""
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def in_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key as it is stored: not encrypted, since nobody would be there to type a password."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _name(common: str, key: ec.EllipticCurvePrivateKey) -> x509.Name:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "rpx"),
            x509.NameAttribute(NameOID.COMMON_NAME, common[:64]),
            # NSS takes two certificates of the same subject for one with two keys.
            x509.NameAttribute(NameOID.SERIAL_NUMBER, identifier.digest.hex()[:16]),
        ]
    )


def _draft(
    name: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    allowed: tuple[str, ...],
    *,
    depth: int,
    now: dt.datetime,
    end: dt.datetime,
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
        .add_extension(signs(certificates=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(constraints(allowed), critical=True)
        .add_extension(identifier, critical=False)
    )
