"""`restart`: when a process that has ended is started again.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, get_args

from pydantic import BeforeValidator, Field

from rpx.config.duration import written_duration
from rpx.config.settings.forms import NO, any_of, choice
from rpx.config.settings.values import Seconds, Whole
from rpx.config.settings.written import Kind, Maybe, Written, setting
from rpx.config.wording import shown, wrong
from rpx.model.config import Backoff, Policy, Restart
from rpx.model.suggest import choices

_LIMITED = re.compile(r"on-failure:([1-9][0-9]{0,5})")


def restart(value: object) -> object:
    """A policy without its details. YAML reads a bare `no` as false, Compose has `on-failure:5`."""
    if isinstance(value, str) and (limited := _LIMITED.fullmatch(value)):
        return {"policy": "on-failure", "max_restarts": int(limited[1])}
    return value if isinstance(value, dict) else {"policy": policy(value)}


def policy(value: object) -> object:
    """One of the restart policies."""
    if value is False:
        return "no"
    if value == "unless-stopped":  # compose's: here what was stopped stays so in any case
        return "always"
    if value not in get_args(Policy):
        hint = f"write {choices(get_args(Policy))}"
        if isinstance(value, str) and (limited := _LIMITED.fullmatch(value)):
            hint = f"write {{policy: on-failure, max_restarts: {limited[1]}}}"
        raise wrong(f"is not a restart policy: {shown(value)}", hint)
    return value


def written_restart(found: Restart) -> object:
    """What may be written for a policy with its details."""
    if found == Restart(policy=found.policy):
        return found.policy
    backoff = {name: each for name, each in found.backoff if name != "factor"}
    return {
        "policy": found.policy,
        "max_restarts": found.max_restarts,
        "window": written_duration(found.window),
        "backoff": {
            "factor": found.backoff.factor,
            **{name: written_duration(each) for name, each in backoff.items()},
        },
    }


POLICIES: Final = any_of(choice(*get_args(Policy), also="^unless-stopped$"), NO)
PolicyWord = Annotated[
    Policy, BeforeValidator(policy), Kind("`no`, `on-failure`, `always`", POLICIES)
]


class BackoffWritten(Written):
    """`restart.backoff`."""

    nouns = (Backoff,)

    initial: Maybe[Seconds] = setting("after the first crash")
    factor: Maybe[Annotated[float, Field(strict=True, ge=1, le=1000), Kind("1 to 1000")]] = setting(
        "times this after each further one"
    )
    max: Maybe[Seconds] = setting("and never more than this; ±10 % at random")


class RestartWritten(Written):
    """`restart`."""

    nouns = (Restart,)

    policy: Maybe[PolicyWord] = setting("`on-failure`: not after an exit that is a success")
    max_restarts: Maybe[Whole] = setting(
        "within `window`; one more crash and the backend is `failed`"
    )
    window: Maybe[Annotated[Seconds, Field(gt=0)]] = setting("how far back restarts count")
    backoff: Maybe[BackoffWritten] = setting("the wait before each restart")


RestartField = Annotated[
    RestartWritten,
    BeforeValidator(restart),
    Kind(
        "policy, `on-failure:5`, or mapping",
        any_of(
            choice(*get_args(Policy), also=rf"^(unless-stopped|{_LIMITED.pattern})$"),
            NO,
            RestartWritten,
        ),
        written_restart,
    ),
]
