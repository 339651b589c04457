"""Files of other tools, and what comes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rpx.config import load_config
from rpx.config.checks.profiles import Selection
from rpx.model.config import Config, ProcessEntry, ProxyEntry, Start
from rpx.moving.draft import Draft
from rpx.moving.found import draft_of, found_in, sorted_out
from rpx.moving.remarks import Came
from rpx.moving.writing import text_of


@dataclass(frozen=True, slots=True)
class Moved:
    """A draft, what it loads as, and what `rpx check` would warn of."""

    draft: Draft
    text: str
    config: Config
    warnings: list[str]

    def proxy(self, name: str) -> ProxyEntry:
        """An entry of `proxies`."""
        [found] = [proxy for proxy in self.config.proxies if proxy.name == name]
        return found

    def process(self, name: str) -> ProcessEntry:
        """One of `processes`."""
        [found] = [process for process in self.config.processes if process.name == name]
        return found

    def start(self, name: str) -> Start:
        """How a service is started."""
        for process in self.config.processes:
            if process.name == name:
                return process.start
        start = self.proxy(name).start or self.proxy(name).sources[0].start
        assert start is not None
        return start

    def said(self, came: Came) -> dict[tuple[str, str], int]:
        """Services and what is said of them, with the line it stands at."""
        return {
            (remark.service, remark.what): remark.origin.line
            for remark in self.draft.remarks
            if remark.came is came
        }

    def lines(self, came: Came) -> set[tuple[str, int]]:
        """Of whom something is said, and where that stands."""
        return {
            (each.service, each.origin.line) for each in self.draft.remarks if each.came is came
        }


def moved(
    root: Path,
    files: Mapping[str, str],
    named: tuple[str, ...] = (),
    environ: Mapping[str, str] | None = None,
    profiles: tuple[str, ...] = ("*",),
) -> Moved:
    """Write `files` below `root`, and move in from those that are `named`, else as `init` does.

    It is loaded with these `profiles`.
    """
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    given = environ or {}
    piles = sorted_out([root / name for name in named]) if named else found_in(root)
    draft = draft_of(piles, root, given)
    text = text_of(draft)
    warnings: list[str] = []
    config = load_config(root / "rpx.yaml", given, warnings.append, Selection(profiles), text=text)
    return Moved(draft, text, config, warnings)
