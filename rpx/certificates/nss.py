"""The lists that browsers keep for themselves on Linux (Firefox everywhere): NSS databases.

Chromium and its kin share one in the user's home, each Firefox profile has its own. They belong to
the user, so no step needs root.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rpx.certificates.authority import Authority
from rpx.certificates.stores import Step, found, holds, said

_CHROMIUM: Final = (
    ".pki/nssdb",
    ".local/share/pki/nssdb",
    "snap/*/current/.pki/nssdb",
    ".var/app/*/.pki/nssdb",
)
_FIREFOX: Final = (
    ".mozilla/firefox/*",
    ".config/mozilla/firefox/*",
    ".librewolf/*",
    "snap/firefox/common/.mozilla/firefox/*",
    ".var/app/org.mozilla.firefox/.mozilla/firefox/*",
    "Library/Application Support/Firefox/Profiles/*",
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
# A password that is asked for would be asked of a terminal: an empty one is given instead.
_NO_PASSWORD: Final = ("-f", "/dev/null")


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
        """Whether the authority is in there, and for servers."""
        stored = said((*self._certutil("-L"), "-a", "-n", authority.label))
        # -V says it on stdout: "certificate is valid", or why it isn't.
        verdict = said((*self._certutil("-V"), "-u", "L", "-n", authority.label))
        return holds(stored, authority) and "is valid" in verdict

    def adding(self, authority: Authority) -> list[Step]:
        """Put the certificate in, trusted for servers and nothing else."""
        steps = []
        if not self.exists:
            make = ("certutil", "-N", "-d", self._place, "--empty-password")
            steps = [
                Step("there is no list yet", ("mkdir", "-p", "-m", "700", str(self.folder))),
                Step("an empty one is made", make),
            ]
        details = ("-t", "C,,", "-n", authority.label, "-i", str(authority.path))
        why = f"the certificate goes to the list that {self.browser} has of its own"
        return [*steps, Step(why, (*self._certutil("-A"), *details))]

    def removing(self, authority: Authority) -> list[Step]:
        """Take the certificate out."""
        if not self.exists or not said((*self._certutil("-L"), "-n", authority.label)):
            return []
        command = (*self._certutil("-D"), "-n", authority.label)
        return [Step("the certificate is taken away", command)]

    @property
    def exists(self) -> bool:
        """Whether it is there."""
        return (self.folder / "cert9.db").is_file()

    @property
    def _place(self) -> str:
        return f"sql:{self.folder}"

    def _certutil(self, verb: str) -> tuple[str, ...]:
        return ("certutil", verb, "-d", self._place, *_NO_PASSWORD)


def databases(home: Path) -> list[Database]:
    """Every database in a user's home; Chromium's also where that is installed but has none."""
    chromium = [*_existing(home, "Chromium", _CHROMIUM)]
    if not chromium and sys.platform != "darwin" and any(map(found, _BROWSERS)):
        chromium = [Database("Chromium", home / ".pki/nssdb")]
    return [*chromium, *_existing(home, "Firefox", _FIREFOX)]


def can_edit() -> bool:
    """Whether certutil, which edits them, is here."""
    # macOS has another program of this name only where somebody has installed one.
    return found("certutil") is not None


def _existing(home: Path, browser: str, patterns: tuple[str, ...]) -> Iterator[Database]:
    seen: set[Path] = set()
    for pattern in patterns:
        for folder in sorted(home.glob(pattern)):
            database, real = Database(browser, folder), folder.resolve()
            if database.exists and real not in seen:
                seen.add(real)
                yield database
