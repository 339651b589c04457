"""The keys of rpx.yaml as Python types, so that an editor and mypy know them.

They say what is written, as rpx.config.schema does; what it means stands in docs/configuration.md.
At run time the camelCase spelling is accepted, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Literal, TypedDict

Duration = str | float  # "500ms", "10s", "1m30s"; a number is ms where the file has ms, else s
Size = str | int  # bytes, or "64kb", "10mb"
Command = str | Sequence[str]  # a text goes to the shell, a list does not
Folder = str | PathLike[str]
Policy = Literal["no", "on-failure", "always", "unless-stopped", False]
Strategy = Literal["round-robin", "weighted-round-robin", "least-connections", "random", "ip-hash"]


class DependencyKeys(TypedDict, total=False):
    """One of `depends_on`."""

    condition: Literal["started", "healthy", "completed"]


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

    policy: Policy
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


class StartKeys(TypedDict, total=False):
    """`start`."""

    command: Command
    instances: Literal[1]
    cwd: Folder
    env: Mapping[str, str | int | float | None] | Sequence[str]
    env_file: EnvFile
    restart: Policy | RestartKeys
    restart_on_unhealthy: bool
    success_exit_codes: int | Sequence[int]
    stdin: Literal["open", "null"] | None
    ready: ReadyKeys
    stop_command: Command
    stop_signal: str | int
    stop_signal_to: Literal["group", "leader"]
    stop_grace_period: Duration
    watch: str | Sequence[str]


class ProcessKeys(StartKeys, total=False):
    """One of `processes`."""

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


# In a call's form, because `from` is a word of Python's.
ProxyKeys = TypedDict(
    "ProxyKeys",
    {
        "from": From,
        "from_": From,
        "to": str,
        "name": str,
        "start": Command | StartKeys,
        "replicas": int,
        "instances": Literal[1],
        "strategy": Strategy,
        "sticky": bool | StickyKeys,
        "https": bool | HttpsKeys,
        "health_check": bool | HealthCheckKeys,
        "hold": Duration,
        "change_origin": bool,
        "depends_on": DependsOn,
        "profiles": str | Sequence[str],
    },
    total=False,
)


class ListenKeys(TypedDict, total=False):
    """`listen`."""

    host: str
    http_port: int
    https_port: int
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


class DefaultsKeys(TypedDict, total=False):
    """`defaults`."""

    health_check: bool | HealthCheckKeys
    restart: Policy | RestartKeys
    hold: Duration
    strategy: Strategy
    sticky: bool | StickyKeys


class ProjectKeys(TypedDict, total=False):
    """The top level: `proxies` and `processes`, or `from_`, `to` and the rest of one proxy."""

    name: str
    https: bool | HttpsKeys
    listen: ListenKeys
    verbose: bool
    reload: Literal["manual"]
    env_file: EnvFile
    timeouts: TimeoutsKeys
    limits: LimitsKeys
    metrics: MetricsKeys
    logs: LogsKeys
    defaults: DefaultsKeys
    proxies: Sequence[ProxyKeys]
    processes: Mapping[str, Command | ProcessKeys]
    from_: From
    to: str
    start: Command | StartKeys
    replicas: int
    instances: Literal[1]
    strategy: Strategy
    sticky: bool | StickyKeys
    health_check: bool | HealthCheckKeys
    hold: Duration
    change_origin: bool
    depends_on: DependsOn
    profiles: str | Sequence[str]
