"""What `rpx up` was asked for beside the configuration. Small: the guardian keeps it in memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wishes:
    """`colour`: services may print in colours.

    `names`: start only these and what they depend on; none: all. `profiles`: which belong to the
    run. `realm` is that of the hosts, None: as usual. `detached`: in the background. `scale` is how
    many copies of a service.
    `abort_on_exit`: end with the first process that does; `exit_code_from`: likewise, with the exit
    code of this service.
    """

    colour: bool
    names: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    realm: str | None = None
    detached: bool = False
    scale: tuple[tuple[str, int], ...] = ()
    abort_on_exit: bool = False
    exit_code_from: str | None = None
