"""What may be written in rpx.yaml: pydantic models of the file, before defaults are filled in.

A setting that is not written is None here (and absent from `model_fields_set`), so that `defaults`
can be told from what a proxy says itself; the defaults of the product stand in rpx.model.config.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    model_validator,
)

from rpx.config import addresses, on_disk, shorthand
from rpx.config.start_schema import (
    DependsOn,
    EnvFilesField,
    RestartField,
    StartField,
)
from rpx.config.values import (
    Count,
    Instances,
    Located,
    LocatedUrl,
    Maybe,
    Milliseconds,
    Name,
    Needed,
    Port,
    Profiles,
    Route,
    Seconds,
    Size,
    Statuses,
    TrustedProxies,
    Wait,
    Way,
    WhenToReload,
    Written,
)
from rpx.config.wording import wrong
from rpx.model.address import Address, Location, Tls


class HealthCheckWritten(Written):
    """`health_check`."""

    enabled: Maybe[StrictBool] = None
    path: Maybe[Annotated[str, BeforeValidator(shorthand.url_path)]] = None
    interval: Maybe[Annotated[Milliseconds, Field(gt=0)]] = None
    timeout: Maybe[Annotated[Milliseconds, Field(gt=0)]] = None
    healthy_threshold: Maybe[Count] = None
    unhealthy_threshold: Maybe[Count] = None
    expect: Maybe[Statuses] = None
    start_period: Maybe[Seconds] = None


class StickyWritten(Written):
    """`sticky`."""

    enabled: Maybe[StrictBool] = None
    cookie: Maybe[Annotated[str, BeforeValidator(shorthand.cookie_name)]] = None
    ttl: Maybe[Annotated[Seconds, Field(ge=1)]] = None


class HttpsWritten(Written):
    """`https`."""

    enabled: Maybe[StrictBool] = None
    cert: Maybe[Annotated[Path, BeforeValidator(on_disk.file)]] = None
    key: Maybe[Annotated[Path, BeforeValidator(on_disk.file)]] = None
    redirect: Maybe[StrictBool] = None

    @model_validator(mode="after")
    def _both(self) -> HttpsWritten:
        if (self.cert is None) != (self.key is None):
            has, lacks = ("key", "cert") if self.cert is None else ("cert", "key")
            raise wrong(f"has a `{has}`, but no `{lacks}`", "it may be the same file")
        return self


class ProxyHttpsWritten(HttpsWritten):
    """`https` of a proxy. `cert: null` is no certificate of the user's."""

    cert: Annotated[Path, BeforeValidator(on_disk.file)] | None = None
    key: Annotated[Path, BeforeValidator(on_disk.file)] | None = None

    @property
    def alone(self) -> bool:
        """Whether it doesn't have the certificate of the whole project."""
        return bool(self.enabled) or bool(self.model_fields_set & {"cert", "key"})


HealthCheckField = Annotated[HealthCheckWritten, BeforeValidator(shorthand.switch)]
StickyField = Annotated[StickyWritten, BeforeValidator(shorthand.switch)]
HttpsField = Annotated[HttpsWritten, BeforeValidator(shorthand.switch)]
ProxyHttpsField = Annotated[ProxyHttpsWritten, BeforeValidator(shorthand.switch)]


class SourceWritten(Written):
    """An entry of `from`."""

    address: Maybe[Located] = None
    url: Maybe[LocatedUrl] = None
    verify: Maybe[StrictBool] = None
    ca: Maybe[Annotated[Path, BeforeValidator(on_disk.authorities)]] = None
    weight: Maybe[Annotated[StrictInt, Field(ge=0)]] = None
    start: Maybe[StartField] = None

    @model_validator(mode="after")
    def _one_address(self) -> SourceWritten:
        if (self.address is None) == (self.url is None):
            fault = "has no address" if self.url is None else "has an `address` and a `url`"
            raise wrong(fault, "give it one of `address` and `url`")
        secured = isinstance(self.located, Address) and self.located.tls
        if not secured and (self.ca or self.verify is not None):
            setting = "verify" if self.ca is None else "ca"
            raise wrong(
                f"has `{setting}`, but no https:// address",
                "only TLS needs it: write https:// before the address, or leave it out",
            )
        if self.ca is not None and self.verify is False:
            raise wrong("has a `ca` that `verify: false` never asks", "leave out one of the two")
        return self

    @property
    def located(self) -> Location:
        """Where the backend listens."""
        found = self.address or self.url
        assert found is not None  # noqa: S101  # _one_address has seen to it
        if isinstance(found, Address) and found.tls is not None:
            tls = Tls(verify=self.verify is not False, ca=str(self.ca or ""))
            return replace(found, tls=tls)
        return found


SourceField = Annotated[SourceWritten, BeforeValidator(addresses.source)]


class ProxyWritten(Written):
    """An entry of `proxies`."""

    from_: Annotated[
        list[SourceField],
        BeforeValidator(addresses.addresses),
        BeforeValidator(shorthand.given),
        Field(alias="from"),
    ]
    to: Needed[Route]
    name: Maybe[Name] = None
    start: Maybe[StartField] = None
    replicas: Maybe[Annotated[StrictInt, Field(ge=1, le=100)]] = None
    instances: Maybe[Instances] = None
    strategy: Maybe[Way] = None
    sticky: Maybe[StickyField] = None
    health_check: Maybe[HealthCheckField] = None
    hold: Maybe[Seconds] = None
    https: Maybe[ProxyHttpsField] = None
    change_origin: Maybe[StrictBool] = None
    depends_on: Maybe[DependsOn] = None
    profiles: Maybe[Profiles] = None

    @model_validator(mode="before")
    @classmethod
    def _free_ports(cls, value: object) -> object:
        """What rpx starts needs no `from`."""
        if isinstance(value, dict) and "start" in value and "from" not in value:
            return {**value, "from": ()}
        return value

    @model_validator(mode="after")
    def _one_way(self) -> ProxyWritten:
        if self.replicas is not None and self.from_:
            raise wrong(
                "has `from` and `replicas`", "keep one: each address of `from` is a copy already"
            )
        if self.instances and self.start is None:
            raise wrong("has `instances`, but nothing to `start`", "add a `start`, or leave it out")
        if self.one_process and (self.replicas or 1) > 1:
            raise wrong("has `replicas` and `instances: 1`", "keep one of them")
        return self

    @property
    def one_process(self) -> bool:
        """One process serves all addresses without a `start` of their own."""
        return bool(self.instances or (self.start and self.start.instances))


class ListenWritten(Written):
    """`listen`."""

    host: Maybe[Annotated[str, Field(min_length=1)]] = None
    http_port: Maybe[Port] = None
    https_port: Maybe[Port] = None
    trusted_proxies: Maybe[TrustedProxies] = None


class TimeoutsWritten(Written):
    """`timeouts`."""

    head: Maybe[Wait] = None
    idle: Maybe[Wait] = None
    body: Maybe[Wait] = None
    send: Maybe[Wait] = None
    connect: Maybe[Wait] = None
    answer: Maybe[Wait] = None
    upstream_idle: Maybe[Seconds] = None


class LimitsWritten(Written):
    """`limits`."""

    head: Maybe[Annotated[Size, Field(ge=1024, le=2**20)]] = None
    head_lines: Maybe[Annotated[StrictInt, Field(ge=10, le=10_000)]] = None
    target: Maybe[Annotated[Size, Field(ge=1024, le=2**20)]] = None
    body: Maybe[Size] = None
    connections: Maybe[Count] = None
    requests_per_backend: Maybe[Count] = None
    held: Maybe[Annotated[StrictInt, Field(ge=0)]] = None


class MetricsWritten(Written):
    """`metrics`."""

    port: Needed[Port]


class LogsWritten(Written):
    """`logs`."""

    max_size: Maybe[Annotated[Size, Field(ge=65536)]] = None
    keep: Maybe[Annotated[StrictInt, Field(ge=0, le=100)]] = None


class DefaultsWritten(Written):
    """`defaults`: merged into every proxy, `restart` also into every process."""

    health_check: Maybe[HealthCheckField] = None
    restart: Maybe[RestartField] = None
    hold: Maybe[Seconds] = None
    strategy: Maybe[Way] = None
    sticky: Maybe[StickyField] = None


class TopWritten(Written):
    """The file. Proxies and processes are `Any` here and validated one by one, so that a mistake
    in one does not hide what is wrong between the others.
    """

    name: Maybe[Name] = None
    https: Maybe[HttpsField] = None
    listen: Maybe[ListenWritten] = None
    verbose: Maybe[StrictBool] = None
    reload: Maybe[WhenToReload] = None
    env_file: Maybe[EnvFilesField] = None
    timeouts: Maybe[TimeoutsWritten] = None
    limits: Maybe[LimitsWritten] = None
    logs: Maybe[LogsWritten] = None
    metrics: Maybe[MetricsWritten] = None
    defaults: Maybe[DefaultsWritten] = None
    proxies: Maybe[list[Any]] = None
    processes: Maybe[dict[Name, Any]] = None
    # One proxy needs no list: its settings stand beside the project's.
    from_: Annotated[Any, Field(alias="from")] = None
    to: Any = None
    start: Any = None
    instances: Any = None
    strategy: Any = None
    sticky: Any = None
    health_check: Any = None
    hold: Any = None
    change_origin: Any = None
    depends_on: Any = None
    replicas: Any = None
    profiles: Any = None


ONE_PROXY = (
    "from",
    "to",
    "start",
    "replicas",
    "profiles",
    "instances",
    "strategy",
    "sticky",
    "health_check",
    "hold",
    "change_origin",
    "depends_on",
)
