"""The keys of what runs and of its addresses as Python types: `start`, `processes`, `from`.

`rpx.python.keys` has all others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Literal, TypedDict

from rpx.model.config import Condition, Policy, Stdin, Whom

Duration = str | float  # "500ms", "10s", "1m30s"; a number is ms where the file has ms, else s
Size = str | int  # bytes, or "64kb", "10mb"
Command = str | Sequence[str]  # a text goes to the shell, a list does not
Folder = str | PathLike[str]
Texts = Mapping[str, str | int | float]
Restarts = Policy | Literal["unless-stopped", False]
OfCompose = Literal["service_started", "service_healthy", "service_completed_successfully"]


class DependencyKeys(TypedDict, total=False):
    """One of `depends_on`."""

    condition: Condition | OfCompose
    required: bool


DependsOn = str | Sequence[str] | Mapping[str, str | DependencyKeys]


class StickyKeys(TypedDict, total=False):
    """`sticky`."""

    enabled: bool
    cookie: str
    ttl: Duration


class HealthCheckKeys(TypedDict, total=False):
    """`health_check`."""

    enabled: bool
    path: str
    tcp: str | int
    grpc: bool | str
    command: Command
    host: str
    headers: Mapping[str, str | int | float]
    interval: Duration
    timeout: Duration
    healthy_threshold: int
    unhealthy_threshold: int
    expect: str | int | Sequence[str | int]
    start_period: Duration


class BackoffKeys(TypedDict, total=False):
    """`restart.backoff`."""

    initial: Duration
    factor: float
    max: Duration


class RestartKeys(TypedDict, total=False):
    """`restart`."""

    policy: Restarts
    max_restarts: int
    window: Duration
    backoff: BackoffKeys


class EnvFileKeys(TypedDict, total=False):
    """One of `env_file`."""

    path: str
    required: bool


EnvFile = str | EnvFileKeys | Sequence[str | EnvFileKeys]


class ReadyKeys(TypedDict, total=False):
    """`ready`: at most one of the first five."""

    log: str
    tcp: str | int
    http: str
    command: Command
    delay: Duration
    timeout: Duration


class BuildKeys(TypedDict, total=False):
    """`build`."""

    context: Folder
    dockerfile: str
    target: str
    args: Mapping[str, str | int | float | None] | Sequence[str]


class ContainerKeys(TypedDict, total=False):
    """What stands beside `image` or `build`."""

    image: str
    build: Folder | BuildKeys
    port: int
    volumes: str | Sequence[str]
    entrypoint: Command
    workdir: str
    shm_size: Size
    platform: str
    tmpfs: str | Sequence[str]
    extra_hosts: str | Sequence[str] | Mapping[str, str]
    container_options: str | Sequence[str]


class StartKeys(ContainerKeys, total=False):
    """`start`."""

    command: Command
    instances: Literal[1]
    cwd: Folder
    env: Mapping[str, str | int | float | None] | Sequence[str]
    env_file: EnvFile
    restart: Restarts | str | RestartKeys
    restart_on_unhealthy: bool
    success_exit_codes: int | Sequence[int]
    stdin: Stdin | None
    tty: bool
    user: str | int
    ports: str | int | Sequence[str | int]
    ready: ReadyKeys
    stop_command: Command
    stop_signal: str | int
    stop_signal_to: Whom
    stop_grace_period: Duration
    watch: str | Sequence[str]


class ProcessKeys(StartKeys, total=False):
    """One of `processes`."""

    health_check: bool | HealthCheckKeys
    oneshot: bool
    depends_on: DependsOn
    profiles: str | Sequence[str]
    autostart: bool


class SourceKeys(TypedDict, total=False):
    """An entry of `from`: `address` or `url`."""

    address: str | int
    url: str
    verify: bool
    ca: str
    weight: int
    start: Command | StartKeys


From = str | int | SourceKeys | Sequence[str | int | SourceKeys]
