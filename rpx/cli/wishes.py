"""What `rpx up` was asked for beside the configuration. Small: the guardian keeps it in memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wishes:
    """`colour`: services may print in colours.

    `names`: start only these and what they depend on; none: all. `profiles`: which belong to the
    run. `detached`: in the background.
    """

    colour: bool
    names: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    detached: bool = False
