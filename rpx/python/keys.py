"""The keys of rpx.yaml as Python types, so that an editor and mypy know them.

They say what is written, as the models of rpx.config.settings do; what it means stands there and in
docs/configuration.md. At run time the camelCase spelling is accepted, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from rpx.model.config import Strategy
from rpx.model.container import EngineName
from rpx.python.service_keys import (
    Command,
    DependsOn,
    Duration,
    EnvFile,
    Folder,
    From,
    HealthCheckKeys,
    ProcessKeys,
    RestartKeys,
    Restarts,
    Size,
    StartKeys,
    StickyKeys,
    Texts,
)


class HttpsKeys(TypedDict, total=False):
    """`https`."""

    enabled: bool
    cert: str
    key: str
    redirect: bool


class FieldRulesKeys(TypedDict, total=False):
    """`headers.request`, `headers.response`."""

    set: Texts
    add: Mapping[str, str | int | float | Sequence[str | int | float]]
    remove: str | Sequence[str]


class HeadersKeys(TypedDict, total=False):
    """`headers` of a proxy, and of `defaults`."""

    request: FieldRulesKeys
    response: FieldRulesKeys


class CorsKeys(TypedDict, total=False):
    """`cors`."""

    enabled: bool
    origins: str | Sequence[str]
    methods: str | Sequence[str]
    headers: str | Sequence[str]
    credentials: bool
    max_age: Duration


class AuthKeys(TypedDict, total=False):
    """`auth`."""

    enabled: bool
    basic: Texts


class TreatmentKeys(TypedDict, total=False):
    """What is done to requests and answers on the way."""

    headers: HeadersKeys
    cors: bool | CorsKeys
    auth: bool | AuthKeys


class StaticKeys(TypedDict, total=False):
    """`static`."""

    dir: Folder
    index: str
    spa: bool
    max_age: Duration
    listing: bool


class RedirectKeys(TypedDict, total=False):
    """`redirect`."""

    to: str
    status: int


class RespondKeys(TypedDict, total=False):
    """`respond`."""

    status: int
    body: str
    json: object
    headers: Texts


class AnswersKeys(TypedDict, total=False):
    """What answers without a backend."""

    static: Folder | StaticKeys
    redirect: str | RedirectKeys
    respond: str | int | RespondKeys


class PoolKeys(TypedDict, total=False):
    """What the backends of one `to` have together."""

    strategy: Strategy
    sticky: bool | StickyKeys
    health_check: bool | HealthCheckKeys
    hold: Duration


# In a call's form, because `from` is a word of Python's.
FromKeys = TypedDict("FromKeys", {"from": From}, total=False)


class RouteKeys(FromKeys, AnswersKeys, PoolKeys, total=False):
    """An entry of `routes`."""

    path: str | Sequence[str]
    method: str | Sequence[str]
    headers: Mapping[str, str | int | float | FieldRulesKeys]
    query: Texts
    strip_prefix: str
    rewrite: str
    from_: From
    name: str
    protocol: Literal["http", "h2c"]
    start: Command | StartKeys
    replicas: int
    instances: Literal[1]
    proxy: str
    cors: bool | CorsKeys
    auth: bool | AuthKeys
    change_origin: bool
    depends_on: DependsOn


class AloneKeys(TreatmentKeys, AnswersKeys, PoolKeys, total=False):
    """What one proxy has, whether it is the only one or not."""

    from_: From
    routes: Sequence[RouteKeys]
    to: str | Sequence[str]
    protocol: Literal["http", "h2c"]
    start: Command | StartKeys
    replicas: int
    instances: Literal[1]
    change_origin: bool
    depends_on: DependsOn
    profiles: str | Sequence[str]
    autostart: bool


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


class RequestsKeys(TypedDict, total=False):
    """`requests`."""

    keep: int
    bodies: Size
    redact: str | Sequence[str]


class DefaultsKeys(TreatmentKeys, PoolKeys, total=False):
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
    dashboard: bool
    requests: bool | RequestsKeys
    logs: LogsKeys
    defaults: DefaultsKeys
    proxies: Sequence[ProxyKeys]
    processes: Mapping[str, Command | ProcessKeys]
