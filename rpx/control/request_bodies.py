"""What the control API is told, beside the path."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def whole(value: object) -> object:
    """`2.0` is a whole number, says JSON Schema."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(whole)]


class NamesBody(BaseModel):
    """The body of restart, start and stop: what each name means is in policy.naming."""

    model_config = ConfigDict(extra="forbid", strict=True)
    names: list[str] = Field(min_length=1)


class KillBackendBody(BaseModel):
    """The body of kill-backend. `down_for` is seconds; `restart` false: it stays down."""

    model_config = ConfigDict(extra="forbid", strict=True)
    target: str
    signal: str | int = "KILL"
    down_for: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    restart: bool = True


class DownBody(BaseModel):
    """The body of down. `now`: wait for nobody, as at a second Ctrl-C."""

    model_config = ConfigDict(extra="forbid", strict=True)
    now: bool = False


class ReloadBody(BaseModel):
    """The body of reload. `dry_run`: only say what would be done."""

    model_config = ConfigDict(extra="forbid", strict=True)
    dry_run: bool = False


class ScaleBody(ReloadBody):
    """The body of scale: copies by service."""

    services: dict[str, Whole] = Field(min_length=1)


class ReplayBody(BaseModel):
    """The body of replay. `to`: one backend, instead of through the proxy; `yes`: also what may
    change something.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    to: str = ""
    times: Whole = Field(default=1, ge=1, le=100)
    yes: bool = False


class DrillBody(BaseModel):
    """The body of a drill: what `rpx drill` takes. Durations are seconds; null: as usual.

    `backend` empty: the last one that others can stand in for. `grpc`: calls of grpc.health.v1, of
    the server (empty) or one service.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    service: str = Field(pattern=r"^[^-\s]")  # no option
    damage: Literal["kill", "stop", "hang", "slow"] = "kill"
    backend: str = Field(default="", pattern=r"^([^-]|$)")
    rate: Whole = Field(default=200, ge=1, le=20_000)
    duration: float = Field(default=10.0, gt=0, le=3600)
    at: float | None = Field(default=None, ge=0, le=3600)
    down_for: float | None = Field(default=None, ge=0, le=3600)
    path: str = Field(default="/", pattern="^/")
    grpc: str | None = Field(default=None, pattern=r"^([^-]|$)")
    allow_errors: Whole = Field(default=0, ge=0)


class OtherProjectBody(BaseModel):
    """Which project of this user is meant: the path of its file."""

    model_config = ConfigDict(extra="forbid", strict=True)
    file: str


class Stopping(BaseModel):
    """What down answers."""

    stopping: bool
