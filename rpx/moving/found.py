"""Which sources a folder has, which one a named file is of, and one draft of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rpx.config.variables.env_files import label_of
from rpx.errors import Exit, RpxError
from rpx.moving.draft import Draft
from rpx.moving.finishing import finish
from rpx.moving.given import ForeignSource, Given, text_of_file
from rpx.moving.sources.all_sources import SOURCES
from rpx.moving.sources_joined import join_all

Piles = list[tuple[ForeignSource, tuple[Path, ...]]]  # which source reads which files


def found_in(folder: Path) -> Piles:
    """What a folder has, in the order in which one source has the word before another."""
    piles = [(source, source.files_in(folder)) for source in SOURCES]
    return [(source, files) for source, files in piles if files]


def sorted_out(files: Sequence[Path]) -> Piles:
    """Files that somebody has named, in the order given. Raises: RpxError (exit code 2)."""
    piles: Piles = []
    for file in files:
        source = source_of(file, text_of_file(file))
        at = next((n for n, (other, _) in enumerate(piles) if other is source), None)
        if at is not None and source.together:
            piles[at] = (source, (*piles[at][1], file))
        else:
            piles.append((source, (file,)))
    return piles


def source_of(path: Path, text: str) -> ForeignSource:
    """Of which tool a file is: by its name, else by what it says. Raises: RpxError."""
    for source in SOURCES:
        if path.name in source.names and (not source.choosy or source.is_like(text)):
            return source
    for source in SOURCES:
        if source.is_like(text):
            return source
    kinds = ", ".join(dict.fromkeys(source.kind for source in SOURCES))
    raise RpxError(
        f"{label_of(path)} is no file that rpx can move in",
        hint=f"it knows {kinds}, by their names or by what they say",
        exit_code=Exit.USAGE,
    )


def draft_of(piles: Piles, root: Path, environ: Mapping[str, str]) -> Draft:
    """One draft of all. Raises: RpxError where one can't be understood, or none runs anything."""
    drafts: list[Draft] = []
    for source, files in piles:
        if not any(set(files) <= draft.also_read for draft in drafts):
            drafts.append(source.read(Given(files, root, environ)))
    if piles and not any(draft.services for draft in drafts):
        named = ", ".join(label_of(file) for _, files in piles for file in files)
        hint = "`rpx init` looks at the whole folder"
        raise RpxError(f"nothing in {named} says what to run", hint=hint, exit_code=Exit.USAGE)
    return finish(join_all(drafts))
