"""How the control room learns what processes use: whoever puts rpx together hands it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rpx.model.status import Usage

Measure = Callable[[Mapping[str, int]], dict[str, Usage]]  # pids of leaders by label; may block


def unmeasured(_leaders: Mapping[str, int]) -> dict[str, Usage]:
    """Know nothing."""
    return {}
