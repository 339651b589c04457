"""What may be written about a process: `start`, `processes`, and what stands in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, model_validator

from rpx.config import on_disk, shorthand
from rpx.config.values import (
    Addressee,
    Command,
    Condition,
    Env,
    ExitCodes,
    Input,
    Instances,
    Located,
    Maybe,
    Needed,
    Pattern,
    Patterns,
    Policy,
    Profiles,
    Seconds,
    Signal,
    Wait,
    Written,
)
from rpx.config.wording import wrong
from rpx.model.config import Web


class BackoffWritten(Written):
    """`restart.backoff`."""

    initial: Maybe[Seconds] = None
    factor: Maybe[Annotated[float, Field(strict=True, ge=1, le=1000)]] = None
    max: Maybe[Seconds] = None


class RestartWritten(Written):
    """`restart`."""

    policy: Maybe[Policy] = None
    max_restarts: Maybe[Annotated[StrictInt, Field(ge=0)]] = None
    window: Maybe[Annotated[Seconds, Field(gt=0)]] = None
    backoff: Maybe[BackoffWritten] = None


RestartField = Annotated[RestartWritten, BeforeValidator(shorthand.restart)]


class EnvFileWritten(Written):
    """One of `env_file`."""

    path: Needed[Annotated[str, Field(min_length=1)]]
    required: Maybe[StrictBool] = None


EnvFileField = Annotated[EnvFileWritten, BeforeValidator(shorthand.env_file)]
EnvFilesField = Annotated[list[EnvFileField], BeforeValidator(shorthand.listed)]


class ReadyWritten(Written):
    """`ready`."""

    log: Maybe[Pattern] = None
    tcp: Maybe[Located] = None
    http: Maybe[Annotated[Web, BeforeValidator(shorthand.web)]] = None
    command: Maybe[Command] = None
    delay: Maybe[Seconds] = None
    timeout: Maybe[Wait] = None

    @model_validator(mode="after")
    def _one_sign(self) -> ReadyWritten:
        signs = [name for name in self.model_fields_set if name != "timeout"]
        if len(signs) > 1:
            raise wrong("waits for several things", "keep one of log, tcp, http, command and delay")
        if not self.model_fields_set:
            raise wrong("waits for nothing", "give it one of log, tcp, http, command and delay")
        return self


class StartWritten(Written):
    """`start`."""

    command: Needed[Command]
    instances: Maybe[Instances] = None
    cwd: Maybe[Annotated[Path, BeforeValidator(on_disk.folder)]] = None
    env: Maybe[Env] = None
    env_file: Maybe[EnvFilesField] = None
    restart: Maybe[RestartField] = None
    restart_on_unhealthy: Maybe[StrictBool] = None
    success_exit_codes: Maybe[ExitCodes] = None
    stdin: Input = "open"
    ready: Maybe[ReadyWritten] = None
    stop_command: Maybe[Command] = None
    stop_signal: Maybe[Signal] = None
    stop_signal_to: Maybe[Addressee] = None
    stop_grace_period: Maybe[Seconds] = None
    watch: Maybe[Patterns] = None


StartField = Annotated[StartWritten, BeforeValidator(shorthand.start)]


class DependencyWritten(Written):
    """An entry of `depends_on`."""

    condition: Maybe[Condition] = None


DependencyField = Annotated[DependencyWritten, BeforeValidator(shorthand.dependency)]
DependsOn = Annotated[dict[str, DependencyField], BeforeValidator(shorthand.depends_on)]


class ProcessWritten(StartWritten):
    """One of `processes`."""

    oneshot: Maybe[StrictBool] = None
    depends_on: Maybe[DependsOn] = None
    profiles: Maybe[Profiles] = None

    @model_validator(mode="after")
    def _ends(self) -> ProcessWritten:
        if self.oneshot and self.restart is not None and self.restart.policy == "always":
            raise wrong("is a oneshot that is always restarted", "leave out one of the two")
        if self.oneshot and self.ready is not None:
            raise wrong("is a oneshot with `ready`", "leave that out: it is done when it has ended")
        return self


ProcessField = Annotated[ProcessWritten, BeforeValidator(shorthand.start)]
