"""A folder of sources, which is read and never run: texts, lines, and the files that match."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rpx.config.variables.env_files import label_of
from rpx.errors import Exit, RpxError
from rpx.moving.remarks import Origin

LARGEST = 512 * 1024  # bytes of a file that is read; sources that people write are smaller
MOST = 400  # files that are looked at: a guess is not worth a walk through a whole disk
DEEPEST = 5  # folders below one another
# What tools make, and tests, which start servers of their own.
_SKIPPED = frozenset({
    "node_modules", "bower_components", "vendor", "venv", "env", "virtualenv", "site-packages",
    "__pycache__", "dist", "build", "target", "out", "coverage", "tests", "test", "__tests__",
    "spec", "migrations", "deps", "_build", "tmp", "log",
})  # fmt: skip

# What makes a folder a part of its own, which those around it have no word in.
MANIFESTS = (
    "package.json", "pyproject.toml", "requirements.txt", "setup.py", "Pipfile", "uv.lock",
    "poetry.lock", "manage.py", ".venv", "venv", "Gemfile", "config.ru", "composer.json", "artisan",
    "go.mod", "Cargo.toml", "mix.exs",
)  # fmt: skip
# And these names do, where neither they nor the folder around them have such a file.
_BARE = frozenset(("backend", "back", "server", "api", "frontend", "front", "client", "web"))


class FoundIn(NamedTuple):
    """A match, where it stands, and the file by its path in the folder."""

    match: re.Match[str]
    origin: Origin
    name: str


@dataclass(frozen=True, slots=True)
class SourceFolder:
    """One folder. `root` is that of rpx.yaml."""

    path: Path
    root: Path

    @property
    def below(self) -> str:
        """Where it lies below the root, as `web/admin`; "" for the root itself."""
        return "" if self.path == self.root else self.path.relative_to(self.root).as_posix()

    @property
    def parent(self) -> SourceFolder:
        """The one that it lies in; of the root, itself."""
        return self if self.path == self.root else SourceFolder(self.path.parent, self.root)

    def folder(self, name: str) -> SourceFolder:
        """One in it."""
        return SourceFolder(self.path / name, self.root)

    @property
    def is_part(self) -> bool:
        """Whether it is a part of the project with programs of its own."""
        if self.has(*MANIFESTS):
            return True
        on_top = self.path.parent == self.root
        bare = on_top and self.path.name in _BARE and not self.has("__init__.py")
        return bare and not self.parent.has(*MANIFESTS)

    def has(self, *names: str) -> str:
        """The first of these files or folders that is there, else ""."""
        return next((name for name in names if (self.path / name).exists()), "")

    def text(self, name: str) -> str:
        """What a file says; "" where there is none that can be read."""
        try:
            file = self.path / name
            if not file.is_file() or file.stat().st_size > LARGEST:
                return ""
            return file.read_text("utf-8", "replace").removeprefix("\ufeff")
        except OSError:
            return ""

    def broken(self, name: str, language: str, why: str) -> RpxError:
        """The error that a manifest is not in its language. `why` may say `line N`."""
        line = re.search(r"line ([0-9]+)", why)
        return RpxError(
            f"{label_of(self.path / name)} is no {language}: {why}",
            where=str(self.at(name, int(line[1]) if line else 0)),
            hint="mend it, for it says what to run; `rpx import FILE` reads other files alone",
            exit_code=Exit.USAGE,
        )

    def at(self, name: str, line: int = 0) -> Origin:
        """A place in a file of this folder."""
        return Origin(label_of(self.path / name), line)

    def find(self, name: str, pattern: str) -> FoundIn | None:
        """The first match in a file, over several lines as the pattern says."""
        text = self.text(name)
        found = re.search(pattern, text, re.MULTILINE)
        if not found:
            return None
        return FoundIn(found, self.at(name, text.count("\n", 0, found.start()) + 1), name)

    def find_in(self, names: Iterable[str], pattern: str) -> FoundIn | None:
        """The first match in the first of these files that has one."""
        return next(filter(None, (self.find(name, pattern) for name in names)), None)

    def line_of(self, name: str, text: str) -> Origin:
        """The first line that has a text; the file where none has."""
        found = self.find(name, re.escape(text))
        return found.origin if found else self.at(name)

    def files(self, *suffixes: str) -> list[str]:
        """Sources with these suffixes, those on top first; neither hidden nor made by tools, nor
        those of parts below.
        """
        return sorted(self._walk(suffixes), key=lambda name: (name.count("/"), name))

    def folders(self) -> list[SourceFolder]:
        """The folders in it that may have sources, by name."""
        try:
            names = sorted(entry.name for entry in os.scandir(self.path) if _is_folder(entry))
        except OSError:
            return []
        return [self.folder(name) for name in names if _may_have_sources(name)]

    def _walk(self, suffixes: tuple[str, ...]) -> Iterator[str]:
        left = MOST
        for folder, folders, files in os.walk(self.path):
            here = SourceFolder(Path(folder), self.root)
            below = here.path.relative_to(self.path)
            deep = len(below.parts) >= DEEPEST
            own = (name for name in sorted(folders) if _may_have_sources(name))
            folders[:] = [name for name in own if not deep and not here.folder(name).is_part]
            for name in sorted(files):
                if name.endswith(suffixes) and not name.startswith(".") and left:
                    left -= 1
                    yield (below / name).as_posix()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # A link may lead out of the project, or round in a circle.
    return entry.is_dir(follow_symlinks=False)


def _may_have_sources(name: str) -> bool:
    return name not in _SKIPPED and not name.startswith(".")
