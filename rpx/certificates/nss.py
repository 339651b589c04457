"""The lists that browsers keep for themselves on Linux (Firefox everywhere): NSS databases.

Chromium and its kin share one in the user's home, each Firefox profile has its own. They belong to
the user, so no step needs root.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rpx.certificates.authority import Authority
from rpx.certificates.authority_files import is_entry
from rpx.certificates.making import OWNER
from rpx.certificates.stores import StoreEntry, holds, ours_in
from rpx.programs import Step, found, said

# Since 146, Chromium uses that below $XDG_DATA_HOME unless the one in the home is there.
_CHROMIUM: Final = (
    ".pki/nssdb",
    "snap/*/current/.pki/nssdb",
    "snap/*/current/.local/share/pki/nssdb",
    ".var/app/*/.pki/nssdb",
    ".var/app/*/data/pki/nssdb",
)
# Where a file `profiles.ini` says which profiles there are.
_FIREFOX: Final = (
    ".mozilla/firefox",
    ".librewolf",
    ".waterfox",
    ".zen",
    "snap/firefox/common/.mozilla/firefox",
    "snap/firefox/common/.config/mozilla/firefox",
    ".var/app/*/.mozilla/firefox",
    ".var/app/*/config/mozilla/firefox",
    ".var/app/*/.librewolf",
    "Library/Application Support/Firefox",
)
_BROWSERS: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "brave-browser",
    "microsoft-edge",
    "vivaldi",
)
_TOOLS: Final = (".cache/ms-playwright/chromium*", ".cache/puppeteer/chrome*")
PACKAGES: Final = "libnss3-tools (Debian, Ubuntu), nss-tools (Fedora), nss (Arch, Homebrew)"
# A password that is asked for would be asked of a terminal: an empty one is given instead.
_NO_PASSWORD: Final = ("-f", "/dev/null")
_MARK: Final = ".made-by-rpx"
_LINE: Final = re.compile(r"(.*\S)\s+([a-zA-Z]*),[a-zA-Z]*,[a-zA-Z]*\s*")


@dataclass(frozen=True, slots=True)
class Database:
    """One NSS database, existing or not."""

    browser: str
    folder: Path

    @property
    def name(self) -> str:
        """As messages call it."""
        return f"{self.browser} ({self.folder})"

    def trusts(self, authority: Authority) -> bool:
        """Whether the authority is in there, under whatever name, and for servers."""
        pem = authority.pem.decode("ascii")
        for name in self._trusted():
            # -V says it on stdout: "certificate is valid", or why it isn't.
            if holds(self._stored(name), pem):
                verdict = said((*self._certutil("-V"), "-u", "L", "-n", name))
                return "is valid" in verdict
        return False

    def adding(self, authority: Authority) -> list[Step]:
        """Put the certificate in, trusted for servers and nothing else."""
        steps = []
        if not self.exists:
            make = ("certutil", "-N", "-d", self._place, "--empty-password")
            steps = [
                Step("there is no list yet", ("mkdir", "-p", "-m", "700", str(self.folder))),
                Step("an empty one is made", make),
            ]
            if self.browser == "Chromium":
                steps.append(Step("and marked as rpx's", ("touch", str(self.folder / _MARK))))
        details = ("-t", "C,,", "-n", authority.label, "-i", str(authority.path))
        why = f"the certificate goes to the list that {self.browser} has of its own"
        return [*steps, Step(why, (*self._certutil("-A"), *details))]

    def entries(self) -> list[StoreEntry]:
        """Those with the name that rpx or Firefox gives, and those trusted under any other."""
        found = []
        for name, flags in self._names().items():
            # An older certutil sees no flags that a newer Firefox has written.
            if is_entry(name):
                found.append(StoreEntry(name, self._stored(name)))
            elif "C" in flags or name.startswith(OWNER):
                found += [StoreEntry(name, each.pem) for each in ours_in(self._stored(name))]
        return found

    def removing(self, entries: Sequence[StoreEntry]) -> list[Step]:
        """Take the certificates out, and the list away if rpx has made it and nothing is left."""
        why = "the certificate is taken away"
        steps = [Step(why, (*self._certutil("-D"), "-n", entry.label)) for entry in entries]
        mark = self.folder / _MARK
        if steps and os.path.exists(mark) and self._has_only(entries):
            files = (str(self.folder / each) for each in ("cert9.db", "key4.db", "pkcs11.txt"))
            why = "the list, which rpx has made, is empty and goes, too"
            steps.append(Step(why, ("rm", "-f", *files, str(mark))))
            away = ("rmdir", "--ignore-fail-on-non-empty", str(self.folder))
            steps.append(Step("with its folders", (*away, str(self.folder.parent))))
        return steps

    @property
    def exists(self) -> bool:
        """Whether it is there."""
        return os.path.isfile(self.folder / "cert9.db")

    def is_readable(self) -> bool:
        """Whether certutil can tell what is in it, if only that it is empty."""
        return bool(said(self._certutil("-L")))

    @property
    def _place(self) -> str:
        return f"sql:{self.folder}"

    def _certutil(self, verb: str) -> tuple[str, ...]:
        return ("certutil", verb, "-d", self._place, *_NO_PASSWORD)

    def _stored(self, name: str) -> str:
        return said((*self._certutil("-L"), "-a", "-n", name))

    def _names(self) -> dict[str, str]:
        """What is in there, each with what it is trusted for with servers."""
        if not self.exists:
            return {}
        lines = map(_LINE.fullmatch, said(self._certutil("-L")).splitlines())
        return {line[1]: line[2] for line in lines if line}

    def _trusted(self) -> list[str]:
        return [name for name, flags in self._names().items() if "C" in flags]

    def _has_only(self, entries: Sequence[StoreEntry]) -> bool:
        keys = said(self._certutil("-K"))  # -K fails, and says nothing, where there are none
        return not keys and set(self._names()) == {entry.label for entry in entries}


def databases(home: Path) -> list[Database]:
    """Every database in a user's home, and Chromium's also where there is none yet.

    A browser that came without a package, as Playwright's, is in no place that could be looked at.
    """
    data, config = _base("XDG_DATA_HOME", ".local/share"), _base("XDG_CONFIG_HOME", ".config")
    chromium = [*_existing("Chromium", _expanded(home, *_CHROMIUM, f"{data}/pki/nssdb"))]
    ours = {home / ".pki/nssdb", home / data / "pki/nssdb"}
    if sys.platform != "darwin" and not ours & {each.folder for each in chromium}:
        chromium.insert(0, Database("Chromium", home / ".pki/nssdb"))
    bases = _expanded(home, *_FIREFOX, f"{config}/mozilla/firefox")
    return [*chromium, *_existing("Firefox", [each for base in bases for each in _profiles(base)])]


def chromium_is_here(home: Path) -> bool:
    """Whether one of its kin is found: a package's, or one that a tool has brought along."""
    return any(map(found, _BROWSERS)) or any(True for tool in _TOOLS for _ in home.glob(tool))


def can_edit() -> bool:
    """Whether certutil, which edits them, is here."""
    # macOS has another program of this name only where somebody has installed one.
    return found("certutil") is not None


def _base(variable: str, usual: str) -> str:
    """A folder of the user's, in the home or anywhere. sudo hands on only what it is told to."""
    given = os.environ.get(variable, "")
    return given if given.startswith("/") else usual


def _expanded(home: Path, *patterns: str) -> list[Path]:
    """What is there of these, each below `home` unless it is absolute."""
    found = []
    for pattern in patterns:
        found += sorted(home.glob(pattern)) if "*" in pattern else [home / pattern]
    return found


def _profiles(base: Path) -> list[Path]:
    """The folders of profiles: those named in profiles.ini, wherever they are, and those there."""
    listed = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        listed.read(base / "profiles.ini", "utf-8-sig")
    except (configparser.Error, UnicodeDecodeError):
        listed.clear()
    paths = [base / listed[name]["Path"] for name in listed.sections() if "path" in listed[name]]
    return [*paths, *sorted(base.glob("*")), *sorted(base.glob("Profiles/*"))]


def _existing(browser: str, folders: Sequence[Path]) -> Iterator[Database]:
    seen: set[str] = set()
    for folder in folders:
        database = Database(browser, folder)
        if database.exists and (real := os.path.realpath(folder)) not in seen:
            seen.add(real)
            yield database
