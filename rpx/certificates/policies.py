"""Firefox without a profile: a file of policies tells each one that it makes whom to trust.

Firefox reads no list of the system's on Linux. The policy is used only where there is no profile to
be changed, since a Firefox with policies says that somebody manages it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rpx.certificates.authority import Authority
from rpx.certificates.authority_files import is_entry
from rpx.certificates.stores import StoreEntry, SystemStore, holds
from rpx.programs import Step, found

FILE: Final = Path("/etc/firefox/policies/policies.json")
_PLACES: Final = ("/opt/firefox", "/snap/firefox", "/usr/lib/firefox", "/usr/lib/firefox-esr")
_PROGRAMS: Final = ("firefox", "firefox-esr")


@dataclass(frozen=True, slots=True)
class Policies:
    """The file that every Firefox of this machine reads at its start.

    It names the certificate that lies in the folder of the system's store.
    """

    system: SystemStore
    path: Path = field(default_factory=lambda: FILE)

    @property
    def name(self) -> str:
        """As messages call it."""
        return f"Firefox without a profile ({self.path})"

    def trusts(self, authority: Authority) -> bool:
        """Whether a profile that is made now gets the authority."""
        file = self.system.file(authority.label)
        pem = authority.pem.decode("ascii")
        return str(file) in _listed(self._content()) and _is_there(file, pem)

    def adding(self, authority: Authority) -> list[Step]:
        """Name the certificate, beside what is in the file."""
        content = self._content()
        if content is None:
            return []
        names = [*_listed(content), str(self.system.file(authority.label))]
        folder = ("mkdir", "-p", "-m", "755", str(self.path.parent))
        return [
            Step(
                "Firefox has no profile yet, and looks for policies when it makes one", folder, True
            ),
            self._written(content, list(dict.fromkeys(names))),
        ]

    def entries(self) -> list[StoreEntry]:
        """Those named in the file."""
        labels = (Path(name).name.removesuffix(self.system.suffix) for name in self._names())
        return [StoreEntry(label) for label in labels if is_entry(label)]

    def removing(self, entries: Sequence[StoreEntry]) -> list[Step]:
        """Name them no more; the file goes if nothing else is in it."""
        content = self._content()
        if not entries or content is None:
            return []
        gone = {str(self.system.file(entry.label)) for entry in entries}
        names = [name for name in _listed(content) if name not in gone]
        if names or content != _with(content, _listed(content), alone=True):
            return [self._written(content, names)]
        away = ("rmdir", "--ignore-fail-on-non-empty", str(self.path.parent))
        return [
            Step("nothing else is in the file", ("rm", "-f", str(self.path)), True),
            Step("nor in its folder", (*away, str(self.path.parent.parent)), True),
        ]

    def is_odd(self) -> bool:
        """Whether there is a file that nobody can read as policies."""
        return self._content() is None

    def _names(self) -> list[str]:
        return _listed(self._content())

    def _content(self) -> dict[str, Any] | None:
        try:
            content = json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            return None
        return content if _is_sane(content) else None

    def _written(self, content: dict[str, Any], names: list[str]) -> Step:
        indent = 2 if content else None  # a line of its own can be typed
        text = json.dumps(_with(content, names), indent=indent, ensure_ascii=False) + "\n"
        why = "the policies are written, with all that was in them"
        return Step(why, ("tee", str(self.path)), True, text)


def firefox_is_here() -> bool:
    """Whether a Firefox is installed, in PATH or not."""
    return any(map(found, _PROGRAMS)) or any(Path(place).is_dir() for place in _PLACES)


def _is_sane(content: Any) -> bool:  # noqa: ANN401 - JSON
    certificates: Any = {}
    if isinstance(content, dict) and isinstance(policies := content.get("policies", {}), dict):
        certificates = policies.get("Certificates", {})
    else:
        return False
    return isinstance(certificates, dict) and isinstance(certificates.get("Install", []), list)


def _listed(content: dict[str, Any] | None) -> list[str]:
    if content is None:
        return []
    return [*content.get("policies", {}).get("Certificates", {}).get("Install", [])]


def _with(content: dict[str, Any], names: list[str], *, alone: bool = False) -> dict[str, Any]:
    """The same policies with another list of certificates; `alone`: with nothing else."""
    policies = {} if alone else dict(content.get("policies", {}))
    certificates = {} if alone else dict(policies.get("Certificates", {}))
    certificates["Install"] = names
    if not names:
        del certificates["Install"]
    policies["Certificates"] = certificates
    if not certificates:
        del policies["Certificates"]
    return {"policies": policies} if alone else {**content, "policies": policies}


def _is_there(file: Path, pem: str) -> bool:
    try:
        return holds(file.read_text("ascii", "replace"), pem)
    except OSError:
        return False
