"""The directives of nginx's files, with their files and lines; `include` is followed."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rpx.config.variables.env_files import label_of
from rpx.errors import Exit, RpxError
from rpx.moving.draft import Draft
from rpx.moving.given import origin, text_of_file
from rpx.moving.remarks import Origin

_MOST = 200  # files, with all that are included
_TABLES = ("mime.types", "_params", "fastcgi.conf")  # of nginx itself: nothing that is for us


@dataclass(slots=True)
class Directive:
    """`name args… { block }`. `said`: somebody has dealt with it, or told the user about it;
    `told` is what was told, `named` the block by names, once somebody has asked.
    """

    name: str
    args: list[str]
    block: list[Directive]
    origin: Origin
    said: bool = field(default=False, compare=False)
    told: set[tuple[str, str]] = field(default_factory=set, compare=False)
    named: dict[str, list[Directive]] = field(default_factory=dict, compare=False)

    @property
    def text(self) -> str:
        """As it stands there, without what is in its block."""
        return " ".join([self.name, *self.args])

    def all(self, *names: str) -> list[Directive]:
        """Those of its block that are called so, in their order."""
        if len(names) > 1:
            return [each for each in self.block if each.name in names]
        if not self.named:  # for a block of thousands of servers, which each location asks
            for each in self.block:
                self.named.setdefault(each.name, []).append(each)
        return self.named.get(names[0], [])

    def last(self, name: str) -> Directive | None:
        """The last one of its block that is called so."""
        found = self.all(name)
        return found[-1] if found else None


def read_tree(path: Path, draft: Draft) -> Directive:
    """All directives of a file below one that has no name. Raises: RpxError for broken ones."""
    reader = _Following(path.parent, draft)
    return Directive("", [], list(reader.file(path, ())), origin(path, 1))


class _Following:
    def __init__(self, folder: Path, draft: Draft) -> None:
        self._folder = folder
        self._draft = draft
        self._read = 0

    def file(self, path: Path, within: tuple[Path, ...]) -> Iterator[Directive]:
        self._read += 1
        if self._read > _MOST:
            raise _refused(path, None, f"more than {_MOST} files are included")
        for each in _parsed(path):
            yield from self._directive(each, path, (*within, path))

    def _directive(
        self, each: dict[str, Any], path: Path, within: tuple[Path, ...]
    ) -> Iterator[Directive]:
        here = origin(path, each["line"])
        if each["directive"] == "include" and each["args"]:
            yield from self._include(each["args"][0], here, within)
            return
        block = [
            inner
            for written in each.get("block", ())
            for inner in self._directive(written, path, within)
        ]
        yield Directive(each["directive"], each["args"], block, here)

    def _include(self, pattern: str, here: Origin, within: tuple[Path, ...]) -> Iterable[Directive]:
        found = [Path(each) for each in sorted(glob.glob(os.path.join(self._folder, pattern)))]
        if not found:
            name = os.path.basename(pattern)
            if any(table in name for table in _TABLES) or glob.has_magic(pattern):
                why = "isn't here, and rpx needs nothing of it"
                self._draft.carried("", f"include {pattern}", why, here)
            else:
                hint = "import it where it lies, if it says what is served"
                self._draft.lost("", f"include {pattern}", "that file isn't here", here, hint)
        for file in found:
            if file in within:
                raise RpxError(
                    f"{label_of(file)} includes itself", where=str(here), exit_code=Exit.USAGE
                )
            yield from self.file(file, within)


def _parsed(path: Path) -> list[dict[str, Any]]:
    """What crossplane reads in a file.

    It counts arguments and looks for `;` only where it knows the context. A file that is included
    by others, or by the image of nginx, has none, so it is read once more in one.
    """
    text = text_of_file(path)
    parsed = _statements(path, text)
    if any(each["directive"] == "http" for each in parsed):
        return parsed
    inner = "http {" if any(each["directive"] == "server" for each in parsed) else "http { server {"
    whole = _statements(path, f"{inner} {text}\n{'}' * inner.count('{')}")
    for _ in range(inner.count("{")):
        whole = whole[0]["block"]
    return whole


def _statements(path: Path, text: str) -> list[dict[str, Any]]:
    import crossplane  # noqa: PLC0415  # for one command, and not for `rpx --help`

    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".conf") as file:
        file.write(text)
        file.flush()
        try:
            found = crossplane.parse(file.name, single=True, check_ctx=False)
        except RecursionError:
            raise _refused(path, None, "its blocks are nested too deeply") from None
        for error in found["errors"]:
            why = str(error["error"]).partition(f" in {file.name}")[0]
            raise _refused(path, error["line"], why or "a quote or a block has no end")
    parsed: list[dict[str, Any]] = found["config"][0]["parsed"]
    return parsed


def _refused(path: Path, line: int | None, why: str) -> RpxError:
    label = label_of(path)
    where = f"{label}:{line}" if line else label
    hint = "`nginx -t -c FILE` says more, where nginx is installed"
    return RpxError(f"{label}: {why}", where=where, hint=hint, exit_code=Exit.USAGE)
