"""What holds in a block of nginx's: its own directives, and those of the blocks around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rpx.moving.draft import Draft
from rpx.moving.remarks import Origin
from rpx.moving.sources.nginx.directives import Directive

_Say = Callable[[str, str, str, Origin, str], None]


@dataclass(frozen=True, slots=True)
class Scope:
    """The blocks from the outermost one inward, the draft that is made, and the service's name."""

    blocks: tuple[Directive, ...]
    draft: Draft
    service: str

    @property
    def inner(self) -> Directive:
        """The innermost block."""
        return self.blocks[-1]

    def within(self, block: Directive) -> Scope:
        """The scope of a block in this one."""
        return Scope((*self.blocks, block), self.draft, self.service)

    def own(self, name: str) -> Directive | None:
        """The last directive of this block alone; it counts as said."""
        found = None
        for each in self.inner.all(name):
            each.said, found = True, each
        return found

    def last(self, name: str) -> Directive | None:
        """The one that holds: of the nearest block that has one. It counts as said."""
        for block in reversed(self.blocks):
            if found := block.last(name):
                for each in block.all(name):
                    each.said = True
                return found
        return None

    def nearest(self, name: str) -> list[Directive]:
        """All of the nearest block that has any, for nginx takes none from further out then."""
        for block in reversed(self.blocks):
            if found := block.all(name):
                for each in found:
                    each.said = True
                return found
        return []

    def on(self, name: str) -> bool:
        """Whether it is `on`."""
        found = self.last(name)
        return found is not None and found.args[:1] == ["on"]

    def carried(self, each: Directive, why: str, hint: str = "") -> None:
        """Say how a directive came over."""
        self._say(self.draft.carried, each, why, hint)

    def guessed(self, each: Directive, why: str, hint: str = "") -> None:
        """Say what was made of a directive, and is to be looked at."""
        self._say(self.draft.guessed, each, why, hint)

    def lost(self, each: Directive, why: str, hint: str = "") -> None:
        """Say why a directive isn't in rpx.yaml."""
        self._say(self.draft.lost, each, why, hint)

    def _say(self, say: _Say, each: Directive, why: str, hint: str) -> None:
        each.said = True
        if (self.service, why) not in each.told:
            each.told.add((self.service, why))
            say(self.service, each.text, why, each.origin, hint)
