"""The local certificate authority: one for each user, good for names of this machine only.

Key and certificate are one file, made and replaced in one step, so that two rpx that begin at the
same time have the same authority. The certificate alone lies beside it for others to read.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import os
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rpx.certificates.files import caller, entry_prefix, make_folder, unusable, write, write_new
from rpx.errors import RpxError

# A name stands for itself and all below it (RFC 5280 §4.2.1.10).
DEFAULT: Final = ("localhost", "test", "local", "internal")
LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
PRIVATE: Final = frozenset({"corp", "home", "intranet", "lan", "localdomain", "private"})
YEARS: Final = 10
# Clocks are hours off where they are in local time, or stood still with their virtual machine.
SKEW: Final = dt.timedelta(hours=24)

EXPOSED: Final = (
    "others could read the key of your certificate authority until now; if they may have:"
    " `rpx untrust`, remove its folder, `rpx trust`"
)

_SECRET: Final = "authority.pem"  # noqa: S105 - a file's name
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that lies in `folder`."""

    folder: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    exposed: bool = False  # others could read the key when it was found

    @property
    def path(self) -> Path:
        """Its certificate in PEM, for programs that are to trust it."""
        return self.folder / "rpx-ca.pem"

    @property
    def secret(self) -> Path:
        """The file with its key."""
        return self.folder / _SECRET

    @property
    def pem(self) -> bytes:
        """Its certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def name(self) -> str:
        """What browsers and stores call it."""
        value = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        return value if isinstance(value, str) else value.decode()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its certificate, in hex."""
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        return hashlib.sha256(der).hexdigest()

    @property
    def label(self) -> str:
        """What its entry in a store is called: nothing else has this name."""
        return f"{entry_prefix()}{self.fingerprint[:8]}"

    @property
    def ends(self) -> dt.datetime:
        """When it does."""
        return self.certificate.not_valid_after_utc

    @property
    def allowed(self) -> tuple[str, ...]:
        """The names it may certify, each with all below it, and the networks."""
        constraints = self.certificate.extensions.get_extension_for_class(x509.NameConstraints)
        permitted = constraints.value.permitted_subtrees or []
        return tuple(str(subtree.value) for subtree in permitted)

    def permits(self, host: str) -> bool:
        """Whether it may certify `host`: a name in lower case, or an address without brackets."""
        return permits(self.allowed, host)


def permits(allowed: Iterable[str], host: str) -> bool:
    """Whether `host` belongs to these names, each with all below it, and networks."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return any(host == name or host.endswith(f".{name}") for name in allowed)
    return any(address in network for network in map(_network, allowed) if network)


def open_authority(folder: Path, *, now: dt.datetime | None = None) -> Authority:
    """The user's authority; it is made the first time, and anew when it has ended.

    From now on only its owner can read the key, whatever was before: then it is `exposed`. Raises
    RpxError when its files are damaged or the folder can't be used.
    """
    now = now or dt.datetime.now(dt.UTC)
    found = load_authority(folder)
    if found is None:
        secret = _make((*DEFAULT, *LOOPBACK), now)
        try:
            make_folder(folder, 0o755)
            write_new(folder / _SECRET, secret, 0o600)  # somebody else may have been faster
        except OSError as error:
            raise unusable(folder, error) from None
        found = load_authority(folder)
    if found is None:
        raise RpxError(f"the local authority in {folder} has just been removed", hint="try again")
    if now >= found.ends:
        return replace_authority(found, found.allowed, now=now)
    try:
        if found.exposed:
            found.secret.chmod(0o600)
        _publish(found)
    except OSError as error:
        raise unusable(folder, error) from None
    return found


def replace_authority(
    old: Authority, allowed: Iterable[str], *, now: dt.datetime | None = None
) -> Authority:
    """A new authority in the place of `old`, whose key is gone with this. Raises RpxError."""
    secret = _make(tuple(dict.fromkeys(allowed)), now or dt.datetime.now(dt.UTC))
    try:
        write(old.secret, secret, 0o600)
        found = load_authority(old.folder)
        assert found is not None  # noqa: S101 - it has just been written
        _publish(found)
    except OSError as error:
        raise unusable(old.folder, error) from None
    return found


def load_authority(folder: Path) -> Authority | None:
    """The authority that is there, None without one; nothing is written.

    Raises RpxError when it is damaged.
    """
    try:
        with (folder / _SECRET).open("rb") as file:
            data, mode = file.read(), os.fstat(file.fileno()).st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(folder, error) from None
    try:
        return _parse(folder, data, exposed=bool(mode & 0o077))
    except (ValueError, TypeError, x509.ExtensionNotFound):
        raise RpxError(
            f"the local authority is damaged: {folder / _SECRET} is not what rpx has written",
            hint="remove that file; the next use makes a new one, to be trusted with `rpx trust`",
        ) from None


def allowed_in(folder: Path) -> tuple[str, ...]:
    """The names that the authority there may certify, or will once it is made.

    Nothing is written. Raises RpxError when it is damaged.
    """
    found = load_authority(folder)
    return (*DEFAULT, *LOOPBACK) if found is None else found.allowed


def check_allowed(text: str) -> str:
    """A name or address that a user wants the authority to certify, in its usual form.

    Raises RpxError for what it isn't, or what would be far too much.
    """
    name = text.lower().removeprefix("*.").removesuffix(".")  # a name has all below it anyway
    if network := _network(name.strip("[]")):
        if network.num_addresses > 1 and not network.is_private:
            raise _too_much(f"`{network}`", "a single address, or a private network")
        return str(network)
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        hint = "write a name, with all below it, or an address: `rpx trust --allow shop.dev`"
        raise RpxError(f"not a host name: `{text}`", hint=hint, exit_code=2)
    if "." not in name and name not in PRIVATE and name not in DEFAULT:
        raise _too_much(f"`.{name}`", f"your own name: `rpx trust --allow shop.{name}`")
    return name


def _too_much(what: str, instead: str) -> RpxError:
    told = f"an authority for all of {what} could pose as every site there"
    return RpxError(told, hint=f"allow {instead}", exit_code=2)


def _parse(folder: Path, data: bytes, *, exposed: bool) -> Authority:
    key = serialization.load_pem_private_key(data, None)
    certificate = x509.load_pem_x509_certificate(data)
    certificate.extensions.get_extension_for_class(x509.NameConstraints)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError
    if key.public_key() != certificate.public_key():
        raise ValueError
    return Authority(folder, certificate, key, exposed)


def _publish(authority: Authority) -> None:
    """Let the certificate lie beside the key: after a crash it may be missing, or an old one."""
    try:
        if authority.path.read_bytes() == authority.pem:
            return
    except OSError:
        pass
    write(authority.path, authority.pem, 0o644)


def _make(allowed: tuple[str, ...], now: dt.datetime) -> bytes:
    """A new key with its certificate, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    owner = f"{caller().pw_name}@{socket.gethostname()}"
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "rpx"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"rpx authority of {owner}"[:64]),
            # NSS takes two certificates of the same subject for one with two keys.
            x509.NameAttribute(NameOID.SERIAL_NUMBER, identifier.digest.hex()[:16]),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + dt.timedelta(days=365.25 * YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signs(certificates=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.NameConstraints([*map(_subtree, allowed)], None), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + in_pem(key)


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


def in_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key as it is stored: not encrypted, since nobody would be there to type a password."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _subtree(name: str) -> x509.GeneralName:
    network = _network(name)
    return x509.IPAddress(network) if network else x509.DNSName(name)


def _network(name: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(name)
    except ValueError:
        return None
