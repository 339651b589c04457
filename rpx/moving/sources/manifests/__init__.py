"""Folders of known frameworks, by the files that their generators lay: nothing of them is run."""

from __future__ import annotations

from pathlib import Path

from rpx.moving.draft import Draft
from rpx.moving.given import ForeignSource, Given
from rpx.moving.sources.manifests.framework_draft import framework_draft
from rpx.moving.sources.manifests.framework_folders import Located, all_programs
from rpx.moving.sources.manifests.source_folder import SourceFolder

_NAMES = (
    "package.json", "manage.py", "pyproject.toml", "requirements.txt", "Gemfile", "config.ru",
    "composer.json", "artisan", "index.php", "go.mod", "Cargo.toml", "mix.exs", "Dockerfile",
    "index.html",
)  # fmt: skip


def _found(folder: Path) -> tuple[Path, ...]:
    """The files in which something to run was read, each once."""
    found = all_programs(SourceFolder(folder, folder))
    files = (Path(program.origin.file).absolute() for _, program in found)
    return tuple(dict.fromkeys(files))


def _read(given: Given) -> Draft:
    """What is in the folders of these files, and below; of those that `_found` has, in all."""
    folders = dict.fromkeys(file.parent for file in given.files)
    if given.files == _found(given.root):
        folders = dict.fromkeys([given.root])
    found: list[Located] = []
    for folder in folders:
        inside = folder.is_relative_to(given.root)
        found += all_programs(SourceFolder(folder, given.root if inside else folder))
    return framework_draft(found, given)


FRAMEWORKS = ForeignSource(
    "a package.json, manage.py, Gemfile, go.mod or another file of a framework",
    _NAMES,
    _read,
    found=_found,
    together=True,
)
