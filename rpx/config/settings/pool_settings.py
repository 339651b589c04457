"""What the backends of one `to` have together, in a proxy or in `defaults`.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import BeforeValidator

from rpx.config.settings.health_check import HealthCheckField
from rpx.config.settings.on_the_way import TreatmentWritten
from rpx.config.settings.restart_policy import RestartField
from rpx.config.settings.sticky import StickyField
from rpx.config.settings.values import Seconds
from rpx.config.settings.written import Kind, Maybe, Switched, Written, setting, switched
from rpx.config.wording import shown, wrong
from rpx.model.config import PoolSpec, Strategy
from rpx.model.suggest import choices


def strategy(value: object) -> object:
    """One of the ways to choose a backend."""
    if value not in get_args(Strategy):
        raise wrong(f"is not a strategy: {shown(value)}", f"write {choices(get_args(Strategy))}")
    return value


StrategyWord = Annotated[Strategy, BeforeValidator(strategy), Kind("[see below](#strategy)")]


class PoolWritten(Written):
    """The settings of a pool. What a proxy doesn't say of them, `defaults` may."""

    strategy: Maybe[StrategyWord] = setting("whose turn it is")
    sticky: Maybe[StickyField] = setting("[clients keep their backend](#sticky)")
    health_check: Maybe[HealthCheckField] = setting("[an active check](#health_check)")
    hold: Maybe[Seconds] = setting(
        "how long a request waits when no backend is up but one is being (re)started"
    )

    def over(self, defaults: PoolWritten) -> dict[str, Any]:
        """These settings, by name, where they or the `defaults` say something, but for the health
        check, which isn't the pool's.
        """
        found: dict[str, Any] = {}
        for name in PoolWritten.model_fields.keys() - {"health_check"}:
            below, own = getattr(defaults, name), getattr(self, name)
            if isinstance(below, Switched) or isinstance(own, Switched):
                found[name] = switched(below and below.written(), own and own.written())
            elif below is not None or own is not None:
                found[name] = below if own is None else own
        return found


class DefaultsWritten(TreatmentWritten, PoolWritten):
    """`defaults`: merged into every proxy, `restart` also into every process."""

    nouns = (PoolSpec,)

    restart: Maybe[RestartField] = setting(
        "every `start` and every process that says nothing about `restart`. Not merged"
    )
