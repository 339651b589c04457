"""The documents that come with rpx: pages, and the sections that words of headings lead to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import rpx

INDEX: Final = "README"  # the page that lists the others, each with what it is about

_LISTED: Final = re.compile(r"- \[[^\]]+\]\(([^)]+)\.md\): (.*(?:\n  .*)*)")
_HEADING: Final = re.compile(r"(#+) (.*)")
_FENCE: Final = re.compile(r" *```")
_LINK: Final = re.compile(r"\]\((?:[^)\s]*/)?([\w-]+)\.md(?:#[^)\s]*)?\)")


@dataclass(frozen=True, slots=True)
class Topic:
    """One file. `name` is its own, without folder and ending; `gist` says what it is about."""

    name: str
    gist: str
    path: Path

    def sections(self) -> list[Section]:
        """Its headings with what stands below each; the first is the whole page."""
        lines = self.path.read_text("utf-8").splitlines()
        found = [*_headings(lines)]
        ends = [
            next((later for later, lower, _ in found[place + 1 :] if lower <= level), len(lines))
            for place, (_, level, _) in enumerate(found)
        ]
        return [
            Section(self, title.replace("`", ""), "\n".join(lines[start:end]))
            for (start, _, title), end in zip(found, ends, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, and what stands below it up to the next one that is not lower."""

    page: Topic
    title: str
    text: str

    @property
    def command(self) -> str:
        """What prints it: `rpx help configuration health_check`."""
        words = re.sub(r"[^\w\s./-]", " ", self.title).split()
        return " ".join(["rpx", "help", self.page.name, *words])


def folder() -> Path:
    """Where the documents are: in the package, or beside it in a checkout of the repository."""
    package = Path(rpx.__file__).parent
    installed = package / "docs"
    return installed if installed.is_dir() else package.parent / "docs"


@cache
def topics() -> dict[str, list[Topic]]:
    """The pages, below the headings under which the index has them, in its order.

    There are none where somebody has taken them out of the package.
    """
    found: dict[str, list[Topic]] = {}
    index = Topic(INDEX, "", folder() / f"{INDEX}.md")
    for section in index.sections()[1:] if index.path.is_file() else ():
        found[section.title] = [
            Topic(Path(name).name, " ".join(gist.split()), folder() / f"{name}.md")
            for name, gist in _LISTED.findall(section.text)
        ]
    return found


def all_pages() -> dict[str, Topic]:
    """Every page by its name."""
    return {page.name: page for pages in topics().values() for page in pages}


def page_named(word: str) -> Topic | None:
    """The page that a word means: `https`, `https.md`, `docs/https.md`; None: there is none."""
    return all_pages().get(word.rpartition("/")[2].removesuffix(".md").lower())


def found_sections(words: Sequence[str]) -> list[Section]:
    """The sections that words mean: a page, a page and a heading, or a heading of any page.

    A heading that is just so comes alone; else those in which every word begins one of theirs.
    """
    first, *more = [part for word in words for part in word.split("#") if part]
    page = page_named(first)
    if page is None:
        return _matching([first, *more], [*all_pages().values()])
    return _matching(more, [page]) if more else page.sections()[:1]


def linked(text: str, page: Topic) -> list[str]:
    """The names of the other pages that a text links to, in its order."""
    known = all_pages()
    return [n for n in dict.fromkeys(_LINK.findall(text)) if n in known and n != page.name]


def _matching(words: Sequence[str], pages: Sequence[Topic]) -> list[Section]:
    wanted = _plain(" ".join(words))
    sections = [section for page in pages for section in page.sections()]
    exact = [each for each in sections if _plain(each.title) == wanted]
    return exact or [each for each in sections if _has(_plain(each.title), wanted)]


def _has(title: Sequence[str], words: Sequence[str]) -> bool:
    return bool(words) and all(any(each.startswith(word) for each in title) for word in words)


def _plain(text: str) -> list[str]:
    """Words as they are compared: `health_check` is `health check`, and case is none."""
    return re.findall(r"[^\W_]+", text.lower())


def _headings(lines: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Line, level and title of each heading; `#` in a block of code begins none."""
    code = False
    for number, line in enumerate(lines):
        code ^= bool(_FENCE.match(line))
        if not code and (found := _HEADING.match(line)):
            yield number, len(found[1]), found[2]
