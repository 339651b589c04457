"""The system's list of trusted authorities: where each system has it, and how it is changed.

Nothing here changes anything: a store says which steps would, and somebody takes them.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from rpx.certificates.authority import Authority
from rpx.certificates.authority_files import caller, entry_prefix, is_entry
from rpx.certificates.making import OWNER
from rpx.programs import Step, found, said

_BLOCK: Final = re.compile("-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")


@dataclass(frozen=True, slots=True)
class StoreEntry:
    """An authority of this user's that is on a list, by what it is called there.

    `pem` is "" where only the name is known.
    """

    label: str
    pem: str = ""

    @classmethod
    def of(cls, authority: Authority) -> StoreEntry:
        """As rpx puts it on a list."""
        return cls(authority.label, authority.pem.decode("ascii"))


class Store(Protocol):
    """A list of authorities that programs trust."""

    @property
    def name(self) -> str:
        """As messages call it."""

    def trusts(self, authority: Authority) -> bool:
        """Whether the authority is on the list."""

    def adding(self, authority: Authority) -> list[Step]:
        """What puts it there."""

    def entries(self) -> list[StoreEntry]:
        """Every authority of this user's that is there, by its mark, whoever has its key now."""

    def removing(self, entries: Sequence[StoreEntry]) -> list[Step]:
        """What takes these, and nothing else, away."""


@dataclass(frozen=True, slots=True)
class SystemStore:
    """A folder of certificates, from which a command makes the bundle that programs read.

    `java` is a list that `hooks` make of it. They are told by name what has come and gone.
    """

    family: str
    anchors: Path
    suffix: str
    bundle: Path
    update: tuple[str, ...]
    afresh: tuple[str, ...]  # the update after something has been taken away
    java: Path | None = None
    hooks: Path | None = None

    @property
    def name(self) -> str:
        """As messages call it."""
        return f"system store ({self.family})"

    def trusts(self, authority: Authority) -> bool:
        """Whether the bundle has it."""
        return holds(self._bundled(), authority.pem.decode("ascii"))

    def adding(self, authority: Authority) -> list[Step]:
        """Put the certificate into the folder, and make the bundle."""
        copy = ("install", "-m", "644", str(authority.path), str(self.file(authority.label)))
        return [
            Step(
                "the certificate goes to those that this machine adds to the usual ones", copy, True
            ),
            Step("the list that curl, Python and others read is made anew", self.update, True),
        ]

    def entries(self) -> list[StoreEntry]:
        """Those in the folder, in the bundle, and in Java's list."""
        found = {entry.label: entry for entry in ours_in(self._bundled())}
        for path in sorted(self.anchors.glob(f"{entry_prefix()}*{self.suffix}")):
            if is_entry(path.name.removesuffix(self.suffix)):
                entry = StoreEntry(path.name.removesuffix(self.suffix), _text(path))
                found.setdefault(entry.label, entry)
        for label in self._javas():
            found.setdefault(label, StoreEntry(label))
        return list(found.values())

    def removing(self, entries: Sequence[StoreEntry]) -> list[Step]:
        """Take the certificates out of the folder, and make the bundle and Java's list."""
        if not entries:
            return []
        files = [str(self.file(entry.label)) for entry in entries]
        return [
            Step("the certificate is taken away", ("rm", "-f", *files), True),
            Step("the list that curl, Python and others read is made anew", self.afresh, True),
            *self._telling(entries),
        ]

    def file(self, label: str) -> Path:
        """Where the certificate of an entry lies."""
        return self.anchors / f"{label}{self.suffix}"

    def _telling(self, entries: Sequence[StoreEntry]) -> list[Step]:
        """Debian's update tells its hooks of nothing that has gone by the removal of its file."""
        if self.hooks is None or not self.hooks.is_dir():
            return []
        gone = "".join(f"-{self.bundle.parent / entry.label}.pem\n" for entry in entries)
        hooks = [each for each in sorted(self.hooks.iterdir()) if os.access(each, os.X_OK)]
        why = "what makes other lists of that one, such as Java's, is told"
        return [Step(why, (str(hook),), True, gone) for hook in hooks]

    def _bundled(self) -> str:
        return _text(self.bundle)

    def _javas(self) -> list[str]:
        """What Java's list has, as Debian names it there."""
        try:
            data = self.java.read_bytes() if self.java else b""
        except OSError:
            return []
        names = re.findall(rb"debian:([\w.-]+)\.pem", data)
        return [name for name in map(bytes.decode, names) if is_entry(name)]


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
        return holds(self._all(), authority.pem.decode("ascii"))

    def adding(self, authority: Authority) -> list[Step]:
        """Put the certificate in, as one to be trusted."""
        command = ("security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", str(self.path))
        why = "Safari, Chrome, curl and others look there"
        return [Step(why, (*command, str(authority.path)), True)]

    def entries(self) -> list[StoreEntry]:
        """Those in there, by what stands in them."""
        return ours_in(self._all())

    def removing(self, entries: Sequence[StoreEntry]) -> list[Step]:
        """Take the certificates out, with what was said about their trust."""
        return [
            Step(
                "the certificate is taken away",
                ("security", "delete-certificate", "-Z", _sha1(entry), "-t", str(self.path)),
                True,
            )
            for entry in entries
        ]

    def _all(self) -> str:
        return said(("security", "find-certificate", "-a", "-p", str(self.path)))


# folder, suffix, bundle, update, update after something was removed. Debian's leaves a removed
# certificate's links behind unless all of them are made anew.
_JAVA: Final = {"Debian, Ubuntu": ("etc/ssl/certs/java/cacerts", "etc/ca-certificates/update.d")}
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
            java, hooks = [root / each for each in _JAVA.get(family, ())] or (None, None)
            return SystemStore(
                family, root / anchors, suffix, root / bundle, update, afresh, java, hooks
            )
    return None


def unmanaged(root: Path = Path("/")) -> list[Path]:
    """Lists of a system that have authorities of this user's, whether its tool is here or not."""
    bundles = dict.fromkeys(root / bundle for _, _, bundle, _, _ in _FAMILIES.values())
    return [bundle for bundle in bundles if ours_in(_text(bundle))]


def holds(text: str, pem: str) -> bool:
    """Whether a text with certificates has this one, however its lines are broken."""
    return bool(pem) and _base64(pem) in "".join(text.split())


def ours_in(text: str) -> list[StoreEntry]:
    """The authorities of this user's in a text with certificates, by what stands in them."""
    mark, found = f"{OWNER}{caller().pw_name}@".encode(), []
    for block in _BLOCK.findall(text):
        try:
            der = base64.b64decode(_base64(block))
        except ValueError:
            continue
        if mark in der:
            label = f"{entry_prefix()}{hashlib.sha256(der).hexdigest()[:8]}"
            found.append(StoreEntry(label, block))
    return found


def _base64(pem: str) -> str:
    return "".join(pem.split()[2:-2])


def _sha1(entry: StoreEntry) -> str:
    der = base64.b64decode(_base64(entry.pem))
    return hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""
