"""The keys of rpx.yaml as Python types, so that an editor and mypy know them.

They say what is written, as the models of rpx.config.settings do; what it means stands there and in
docs/configuration.md. At run time the camelCase spelling is accepted, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Literal, TypedDict

from rpx.model.config import Condition, Policy, Stdin, Strategy, Whom
from rpx.model.container import EngineName

Duration = str | float  # "500ms", "10s", "1m30s"; a number is ms where the file has ms, else s
Size = str | int  # bytes, or "64kb", "10mb"
Command = str | Sequence[str]  # a text goes to the shell, a list does not
Folder = str | PathLike[str]
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


class SourceKeys(TypedDict, total=False):
    """An entry of `from`: `address` or `url`."""

    address: str | int
    url: str
    verify: bool
    ca: str
    weight: int
    start: Command | StartKeys


From = str | int | SourceKeys | Sequence[str | int | SourceKeys]


class HttpsKeys(TypedDict, total=False):
    """`https`."""

    enabled: bool
    cert: str
    key: str
    redirect: bool


class PoolKeys(TypedDict, total=False):
    """What the backends of one `to` have together."""

    strategy: Strategy
    sticky: bool | StickyKeys
    health_check: bool | HealthCheckKeys
    hold: Duration


class AloneKeys(PoolKeys, total=False):
    """What one proxy has, whether it is the only one or not."""

    from_: From
    to: str | Sequence[str]
    start: Command | StartKeys
    replicas: int
    instances: Literal[1]
    change_origin: bool
    depends_on: DependsOn
    profiles: str | Sequence[str]


# In a call's form, because `from` is a word of Python's.
FromKeys = TypedDict("FromKeys", {"from": From}, total=False)


class ProxyKeys(FromKeys, AloneKeys, total=False):
    """An entry of `proxies`."""

    name: str
    https: bool | HttpsKeys


class ListenKeys(TypedDict, total=False):
    """`listen`."""

    host: str
    http_port: int
    https_port: int
    door: bool
    trusted_proxies: str | Sequence[str]


class TimeoutsKeys(TypedDict, total=False):
    """`timeouts`."""

    head: Duration
    idle: Duration
    body: Duration
    send: Duration
    connect: Duration
    answer: Duration
    upstream_idle: Duration


class LimitsKeys(TypedDict, total=False):
    """`limits`."""

    head: Size
    head_lines: int
    target: Size
    body: Size
    connections: int
    requests_per_backend: int
    held: int


class MetricsKeys(TypedDict):
    """`metrics`."""

    port: int


class LogsKeys(TypedDict, total=False):
    """`logs`: only `rpx up` writes files."""

    max_size: Size
    keep: int


class DefaultsKeys(PoolKeys, total=False):
    """`defaults`."""

    restart: Restarts | str | RestartKeys


class ProjectKeys(AloneKeys, total=False):
    """The top level: `proxies` and `processes`, or `from_`, `to` and the rest of one proxy."""

    name: str
    realm: str
    https: bool | HttpsKeys
    listen: ListenKeys
    verbose: bool
    reload: Literal["manual"]
    env: Mapping[str, str | int | float | None] | Sequence[str]
    env_file: EnvFile
    timeouts: TimeoutsKeys
    limits: LimitsKeys
    containers: EngineName
    metrics: MetricsKeys
    logs: LogsKeys
    defaults: DefaultsKeys
    proxies: Sequence[ProxyKeys]
    processes: Mapping[str, Command | ProcessKeys]
