"""The local certificate authority: one for each user, good for names of this machine only.

Key and certificates are one file, made and replaced in one step, so that two rpx that begin at the
same time have the same authority. What programs are to trust lies beside it for others to read.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rpx.certificates.authority_files import entry_prefix, make_folder, unusable, write, write_new
from rpx.certificates.making import make
from rpx.certificates.scope import DEFAULT, LOOPBACK, allowed_by, permits
from rpx.errors import RpxError

EXPOSED: Final = (
    "other users could read the key of your certificate authority until now; if one of them did:"
    " `rpx untrust`, remove its folder, `rpx trust`"
)

CERTIFICATE: Final = "rpx-ca.pem"
_SECRET: Final = "authority.pem"  # noqa: S105 - a file's name
_BEYOND: Final = ("local", "internal")  # names of other machines: once, all of them were allowed


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that lies in `folder`.

    Programs trust `certificate`, a root. What `key` signs names `issuer`, and that is sent along.
    The two are the same in an authority that an earlier rpx has made.
    """

    folder: Path
    certificate: x509.Certificate
    issuer: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    exposed: bool = False  # others could read the key when it was found

    @property
    def path(self) -> Path:
        """The root's certificate in PEM, for programs that are to trust it."""
        return self.folder / CERTIFICATE

    @property
    def secret(self) -> Path:
        """The file with its key."""
        return self.folder / _SECRET

    @property
    def pem(self) -> bytes:
        """The root's certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def between(self) -> bytes:
        """What a server sends between its certificate and the root's, in PEM."""
        return self.issuer.public_bytes(serialization.Encoding.PEM) if self.is_limited else b""

    @property
    def is_limited(self) -> bool:
        """Whether nobody takes more from its key than it may certify.

        Java and Erlang read no limits in a root, so its key must not be here.
        """
        return self.issuer != self.certificate

    @property
    def name(self) -> str:
        """What browsers and stores call it."""
        value = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        return value if isinstance(value, str) else value.decode()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the root's certificate, in hex."""
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        return hashlib.sha256(der).hexdigest()

    @property
    def label(self) -> str:
        """What its entry in a store is called: nothing else has this name."""
        return f"{entry_prefix()}{self.fingerprint[:8]}"

    @property
    def begins(self) -> dt.datetime:
        """When it becomes valid."""
        return max(each.not_valid_before_utc for each in (self.certificate, self.issuer))

    @property
    def ends(self) -> dt.datetime:
        """When it does."""
        return min(each.not_valid_after_utc for each in (self.certificate, self.issuer))

    @property
    def allowed(self) -> tuple[str, ...]:
        """The names it may certify, each with all below it, and the networks."""
        return allowed_by(self.issuer)

    def is_early(self) -> bool:
        """Whether it isn't valid yet: the clock was ahead when it was made, or is behind now."""
        return dt.datetime.now(dt.UTC) < self.begins

    def permits(self, host: str) -> bool:
        """Whether it may certify `host`: a name in lower case, or an address without brackets."""
        return permits(self.allowed, host)


def open_authority(folder: Path, *, now: dt.datetime | None = None) -> Authority:
    """The user's authority; it is made the first time, and anew when it has ended.

    From now on only its owner can read the key, whatever was before: then it is `exposed`. Raises:
    RpxError when its files are damaged or the folder can't be used.
    """
    now = now or dt.datetime.now(dt.UTC)
    found = load_authority(folder)
    if found is None:
        secret = make((*DEFAULT, *LOOPBACK), now)
        try:
            make_folder(folder, 0o755)
            write_new(folder / _SECRET, secret, 0o600)  # somebody else may have been faster
        except OSError as error:
            raise unusable(folder, error) from None
        found = load_authority(folder)
    if found is None:
        raise RpxError(f"the local authority in {folder} has just been removed", hint="try again")
    if now >= found.ends:
        return replace_authority(found, kept(found), now=now)
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
    """A new authority in the place of `old`, whose key is gone with this. Raises: RpxError."""
    with draft_authority(old, allowed, now=now) as draft:
        return keep(draft, old)


@contextmanager
def draft_authority(
    old: Authority, allowed: Iterable[str], *, now: dt.datetime | None = None
) -> Iterator[Authority]:
    """A new authority beside `old`, which stays as it was unless this one is to be kept.

    Afterwards nothing is left of the draft. Raises: RpxError.
    """
    secret = make(tuple(dict.fromkeys(allowed)), now or dt.datetime.now(dt.UTC))
    folder = old.folder / "next"
    try:
        try:
            make_folder(folder, 0o755)
            write(folder / _SECRET, secret, 0o600)
            draft = _loaded(folder)
        except OSError as error:
            raise unusable(folder, error) from None
        yield draft
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep(draft: Authority, old: Authority) -> Authority:
    """The draft in the place of `old`, whose key is gone with this. Raises: RpxError."""
    try:
        draft.secret.replace(old.secret)
        return _loaded(old.folder)
    except OSError as error:
        raise unusable(old.folder, error) from None


def _loaded(folder: Path) -> Authority:
    """The authority whose key has just been put there; its certificate is made to lie beside."""
    found = load_authority(folder)
    assert found is not None  # noqa: S101 - else a program of the user's has taken it away
    _publish(found)
    return found


def kept(old: Authority) -> tuple[str, ...]:
    """What the successor of `old` is to be allowed.

    All that was, but for names of other machines that nobody has asked for and nobody has used.
    """
    if old.is_limited:
        return old.allowed
    leaves = (path.name.removesuffix(".pem") for path in old.folder.glob("leaves/*.pem"))
    used = [host for host in sorted(leaves) if permits(_BEYOND, host)]
    return (*(name for name in old.allowed if name not in _BEYOND), *used)


def load_authority(folder: Path) -> Authority | None:
    """The authority that is there, None without one; nothing is written.

    Raises: RpxError when it is damaged.
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
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        raise RpxError(
            f"the local authority is damaged: {folder / _SECRET} is not what rpx has written",
            hint="remove that file; the next use makes a new one, to be trusted with `rpx trust`",
        ) from None


def allowed_in(folder: Path) -> tuple[str, ...]:
    """The names that the authority there may certify, or will once it is made.

    Nothing is written. Raises: RpxError when it is damaged.
    """
    found = load_authority(folder)
    return (*DEFAULT, *LOOPBACK) if found is None else found.allowed


def _parse(folder: Path, data: bytes, *, exposed: bool) -> Authority:
    key = serialization.load_pem_private_key(data, None)
    issuer, *above = x509.load_pem_x509_certificates(data)
    root = above[0] if above else issuer
    issuer.extensions.get_extension_for_class(x509.NameConstraints)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError
    if key.public_key() != issuer.public_key():
        raise ValueError
    issuer.verify_directly_issued_by(root)
    return Authority(folder, root, issuer, key, exposed)


def _publish(authority: Authority) -> None:
    """Let the certificate lie beside the key: after a crash it may be missing, or an old one."""
    try:
        if authority.path.read_bytes() == authority.pem:
            return
    except OSError:
        pass
    write(authority.path, authority.pem, 0o644)
