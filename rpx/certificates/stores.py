"""The system's list of trusted authorities: where each system has it, and how it is changed.

Nothing here changes anything: a store says which steps would, and somebody takes them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives import serialization

from rpx.certificates.authority import Authority
from rpx.certificates.files import entry_prefix

SYSTEM_PATH: Final = "/usr/sbin:/sbin:/usr/bin:/bin"  # of root: a user's often lacks sbin
PATIENCE: Final = 60.0  # seconds for a tool that only reads


@dataclass(frozen=True, slots=True)
class Step:
    """A command and why it is run. `root`: it needs to be root; else it is run as the user."""

    why: str
    command: tuple[str, ...]
    root: bool = False


class Store(Protocol):
    """A list of authorities that programs trust."""

    @property
    def name(self) -> str:
        """As messages call it."""

    def trusts(self, authority: Authority) -> bool:
        """Whether the authority is on the list."""

    def adding(self, authority: Authority) -> list[Step]:
        """What puts it there."""

    def removing(self, authority: Authority) -> list[Step]:
        """What takes it, and nothing else, away."""


@dataclass(frozen=True, slots=True)
class SystemStore:
    """A folder of certificates, from which a command makes the bundle that programs read."""

    family: str
    anchors: Path
    suffix: str
    bundle: Path
    update: tuple[str, ...]
    afresh: tuple[str, ...]  # the update after something has been taken away

    @property
    def name(self) -> str:
        """As messages call it."""
        return f"system store ({self.family})"

    def trusts(self, authority: Authority) -> bool:
        """Whether the bundle has it."""
        try:
            return holds(self.bundle.read_text("ascii", "replace"), authority)
        except OSError:
            return False

    def adding(self, authority: Authority) -> list[Step]:
        """Put the certificate into the folder, and make the bundle."""
        copy = ("install", "-m", "644", str(authority.path), str(self._file(authority)))
        return [
            Step(
                "the certificate goes to those that this machine adds to the usual ones", copy, True
            ),
            Step("the list that curl, Python and others read is made anew", self.update, True),
        ]

    def removing(self, authority: Authority) -> list[Step]:
        """Take the certificate out of the folder, and make the bundle."""
        file = self._file(authority)
        if not file.exists() and not self.trusts(authority):
            return []
        return [
            Step("the certificate is taken away", ("rm", "-f", str(file)), True),
            Step("the list that curl, Python and others read is made anew", self.afresh, True),
        ]

    def forgotten(self, authority: Authority | None) -> list[Path]:
        """Certificates of this user that are not (any more) the authority's."""
        ours = self._file(authority) if authority else None
        entries = sorted(self.anchors.glob(f"{entry_prefix()}*{self.suffix}"))
        return [path for path in entries if path != ours]

    def _file(self, authority: Authority) -> Path:
        return self.anchors / f"{authority.label}{self.suffix}"


@dataclass(frozen=True, slots=True)
class Keychain:
    """The system keychain of macOS."""

    path: Path = Path("/Library/Keychains/System.keychain")

    @property
    def name(self) -> str:
        """As messages call it."""
        return "system keychain"

    def trusts(self, authority: Authority) -> bool:
        """Whether it is in there; it is only ever put there as trusted."""
        return holds(said(("security", "find-certificate", "-a", "-p", str(self.path))), authority)

    def adding(self, authority: Authority) -> list[Step]:
        """Put the certificate in, as one to be trusted."""
        command = ("security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", str(self.path))
        why = "Safari, Chrome, curl and others look there"
        return [Step(why, (*command, str(authority.path)), True)]

    def removing(self, authority: Authority) -> list[Step]:
        """Take the certificate out, with what was said about its trust."""
        if not self.trusts(authority):
            return []
        der = authority.certificate.public_bytes(serialization.Encoding.DER)
        digest = hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()
        command = ("security", "delete-certificate", "-Z", digest, "-t", str(self.path))
        return [Step("the certificate is taken away", command, True)]


# folder, suffix, bundle, update, update after something was removed. Debian's leaves a removed
# certificate's links behind unless all of them are made anew.
_FAMILIES: Final = {
    "Debian, Ubuntu": (
        "usr/local/share/ca-certificates",
        ".crt",
        "etc/ssl/certs/ca-certificates.crt",
        ("update-ca-certificates",),
        ("update-ca-certificates", "--fresh"),
    ),
    "Fedora": (
        "etc/pki/ca-trust/source/anchors",
        ".pem",
        "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        ("update-ca-trust", "extract"),
        ("update-ca-trust", "extract"),
    ),
    "Arch": (
        "etc/ca-certificates/trust-source/anchors",
        ".crt",
        "etc/ca-certificates/extracted/tls-ca-bundle.pem",
        ("trust", "extract-compat"),
        ("trust", "extract-compat"),
    ),
    "openSUSE": (
        "etc/pki/trust/anchors",
        ".pem",
        "var/lib/ca-certificates/ca-bundle.pem",
        ("update-ca-certificates",),
        ("update-ca-certificates",),
    ),
}


def system_store(root: Path = Path("/")) -> SystemStore | Keychain | None:
    """The store of this system (of the one below `root`), None if it has none that we know."""
    if sys.platform == "darwin":
        return Keychain()
    for family, (anchors, suffix, bundle, update, afresh) in _FAMILIES.items():
        if (root / anchors).is_dir() and found(update[0]):
            return SystemStore(family, root / anchors, suffix, root / bundle, update, afresh)
    return None


def holds(pem: str, authority: Authority) -> bool:
    """Whether a text with certificates has this one, however its lines are broken."""
    ours = "".join(authority.pem.decode("ascii").split()[2:-2])
    return ours in "".join(pem.split())


def found(program: str) -> str | None:
    """Where a program is, looked for as root would, too."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}")


def said(command: Sequence[str]) -> str:
    """What a reading command prints; nothing if it fails."""
    try:
        done = subprocess.run(
            (found(command[0]) or command[0], *command[1:]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")
