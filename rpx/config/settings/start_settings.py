"""`start`: what runs, where, and how; a process has the same settings and a few more.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Final, get_args

from pydantic import BaseModel, BeforeValidator, Field, StrictBool, StrictInt, model_validator

from rpx.config.settings.changing import Patterns
from rpx.config.settings.container_settings import ONLY_INSIDE, ContainerWritten, words
from rpx.config.settings.depends import DependsOn
from rpx.config.settings.env import Env, EnvFiles
from rpx.config.settings.forms import COMMAND, any_of, choice, number, one_or_more
from rpx.config.settings.health_check import HealthCheckField
from rpx.config.settings.more_ports import Ports
from rpx.config.settings.on_disk import Folder
from rpx.config.settings.readiness import ReadyWritten
from rpx.config.settings.restart_policy import RestartField
from rpx.config.settings.stop_settings import Addressee, Signal
from rpx.config.settings.values import Command, Names, Seconds
from rpx.config.settings.written import (
    Kind,
    Maybe,
    Needed,
    Written,
    given,
    needed,
    setting,
    several,
)
from rpx.config.wording import shown, wrong
from rpx.model.config import ProcessEntry, Start, Stdin
from rpx.model.container import Container

_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.$-]*(?::[A-Za-z0-9_][A-Za-z0-9_.$-]*)?")


def start(value: object) -> object:
    """A text or a list is the command."""
    return {"command": value} if isinstance(value, str | list) else given(value)


def instances(value: object) -> object:
    """One process for all addresses; more than one have addresses of their own."""
    if value != 1 or isinstance(value, bool):
        hint = "list one address for each copy in `from`; each gets a process of its own"
        raise wrong(f"can only be 1: {shown(value)}", hint)
    return value


def stdin(value: object) -> object:
    """What a process reads: YAML's `null`, or the word, is /dev/null."""
    if value is None:
        return "null"
    if value not in get_args(Stdin):
        raise wrong(
            f"is not what a process can read: {shown(value)}",
            "write `open`, a pipe that stays open, or `null`, which is /dev/null",
        )
    return value


def user(value: object) -> object:
    """Who a process is: a name or a number, with a group behind a colon."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not _USER.fullmatch(text):
        raise wrong(f"is not a user: {shown(value)}", "write postgres, 1000 or postgres:staff")
    return text


UserName = Annotated[
    str,
    BeforeValidator(user),
    Kind("`name`, number, or `user:group`", number(pattern=rf"^{_USER.pattern}$")),
]
Instances = Annotated[StrictInt, BeforeValidator(instances), Kind("1", choice(1))]
Input = Annotated[
    Stdin, BeforeValidator(stdin), Kind("`open`, `null`", choice("open", "null", None))
]
ExitCodes = Annotated[
    tuple[Annotated[StrictInt, Field(ge=0, le=255)], ...],
    BeforeValidator(several),
    Kind("0 to 255, or a list", one_or_more(number(minimum=0, maximum=255)), list),
]


# What means something to a process of this machine alone, and what to do about it.
ONLY_OUTSIDE = {
    "cwd": "write `workdir`, a folder inside it",
    "stop_signal_to": "leave it out: the engine asks its first process",
    "instances": "leave it out: each address has a container of its own",
}


class ProgramWritten(Written):
    """What a process of this machine has, and a container as well."""

    command: Needed[Command] = needed(
        "what to run. In it `$PORT` and other variables belong to the shell",
        "say what to run, for example `command: python app.py`",
    )
    instances: Maybe[Instances] = setting(
        "one process for [all addresses](#from)", "a process for each address"
    )
    cwd: Maybe[Folder] = setting(
        "must exist [when it starts](#what-a-oneshot-makes)", "that of rpx.yaml"
    )
    env: Maybe[Env] = setting(
        "takes precedence over all that is listed below; `null` takes a variable away"
    )
    env_file: Maybe[EnvFiles] = setting("[files of variables](#env_file)")
    restart: Maybe[RestartField] = setting("[when it is started again](#restart)")
    restart_on_unhealthy: Maybe[StrictBool] = setting(
        "replace a process that [stays unhealthy](supervision.md#health)",
        "true, unless `restart` is `no`",
    )
    success_exit_codes: Maybe[ExitCodes] = setting(
        "the exit codes that are no crash. 128 and a signal's number stands for an end by that"
        " signal: 143 for SIGTERM"
    )
    stdin: Input = Field(
        "open",
        description="[what it reads](supervision.md#what-a-process-reads): a pipe that stays open,"
        " or /dev/null",
    )
    tty: Maybe[StrictBool] = setting(
        "a [terminal of its own](supervision.md#a-terminal), for programs that insist on one"
    )
    user: Maybe[UserName] = setting(
        "[who it runs as](supervision.md#as-somebody-else), if rpx is root; in a container, in"
        " that",
        "that of rpx",
    )
    ports: Maybe[Ports] = setting(
        "[where else it listens](#ports); other services are told by variables"
    )
    ready: Maybe[ReadyWritten] = setting(
        "[the sign by which the process shows that it is ready](#ready)"
    )
    stop_command: Maybe[Command] = setting(
        "run to stop the process [instead of the signal](supervision.md#stop); it has the service's"
        " folder and environment, and `RPX_PID`"
    )
    stop_signal: Maybe[Signal] = setting("asks the process to go")
    stop_signal_to: Maybe[Addressee] = setting(
        "who gets it: the whole process group, or"
        " [the first process](supervision.md#whom-the-stop-signal-reaches), and only later whom it"
        " leaves behind"
    )
    stop_grace_period: Maybe[Seconds] = setting("then SIGKILL")
    watch: Maybe[Patterns] = setting(
        "files whose changes [restart it](reload.md#watch), relative to `cwd`"
    )


class StartWritten(ContainerWritten, ProgramWritten):
    """`start`. Messages list its settings from the last of its bases to its own."""

    nouns: ClassVar[tuple[type[BaseModel], ...]] = (Start, Container)
    needs = ("command", "image", "build")

    @model_validator(mode="before")
    @classmethod
    def _of_the_image(cls, value: object) -> object:
        """A container needs no command: its image has one."""
        if isinstance(value, dict) and {"image", "build"} & value.keys():
            return {"command": (), **value}
        return value

    @model_validator(mode="after")
    def _container_or_not(self) -> StartWritten:
        there = [name for name in (*ONLY_INSIDE, *ONLY_OUTSIDE) if getattr(self, name) is not None]
        if not self.is_container and (name := next(iter({*there} & {*ONLY_INSIDE}), "")):
            hint = "say which image it runs, as `image: redis:7`, or leave it out"
            if name == "port":
                hint = "rpx tells it its PORT; where it listens is `from` of the proxy"
            raise wrong(f"has `{name}`, but neither `image` nor `build`", hint)
        if self.is_container and (name := next(iter({*there} & {*ONLY_OUTSIDE}), "")):
            raise wrong(f"is a container, and has `{name}`", ONLY_OUTSIDE[name])
        if self.is_container and isinstance(self.command, str):
            words(self.command)
        return self


StartField = Annotated[
    StartWritten,
    BeforeValidator(start),
    Kind("command, or mapping", any_of(COMMAND, StartWritten)),
]


class ProcessWritten(StartWritten):
    """One of `processes`."""

    nouns = (Start, ProcessEntry)

    oneshot: Maybe[StrictBool] = setting(
        "the process is meant to end: it is `starting` while it runs, then `completed` or `failed`."
        " `restart` is `no` unless written; `always` is an error"
    )
    health_check: Maybe[HealthCheckField] = setting(
        "[an active check](#health_check) that goes on while it runs"
    )
    depends_on: Maybe[DependsOn] = setting("[what must be there](#depends_on) before it is started")
    profiles: Maybe[Names] = setting("it belongs to a run only [with one of these](#profiles)")
    autostart: Maybe[StrictBool] = setting(
        "`false`: it is started [when somebody asks for it](#autostart)"
    )

    @model_validator(mode="after")
    def _ends(self) -> ProcessWritten:
        if self.oneshot and self.restart is not None and self.restart.policy == "always":
            raise wrong("is a oneshot that is always restarted", "leave out one of the two")
        for name, sign in (("ready", self.ready), ("health_check", self.health_check)):
            if self.oneshot and sign is not None:
                hint = "leave that out: it is done when it has ended"
                raise wrong(f"is a oneshot with `{name}`", hint)
        if self.port is not None:
            raise wrong("has a `port`, but no address", "a proxy has one, in its `from`")
        return self


PROCESS: Final = any_of(COMMAND, ProcessWritten)
ProcessField = Annotated[ProcessWritten, BeforeValidator(start)]
