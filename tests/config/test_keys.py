"""The types of rpx.python.keys beside the models of the file: whoever adds a key to one, adds it to
both, with a type that allows what may be written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_type_hints

import pytest

from rpx.config.settings import (
    container_settings,
    depends,
    env,
    header_fields,
    health_check,
    https,
    kept_requests,
    listen,
    log_files,
    on_the_way,
    pool_settings,
    proxy,
    proxy_limits,
    readiness,
    restart_policy,
    route_entry,
    source,
    start_settings,
    sticky,
    timeouts,
    top_level,
    without_backends,
)
from rpx.config.settings.places import MODELS, settings_of
from rpx.config.settings.written import Switched, Written
from rpx.model.config import Condition, Policy
from rpx.python import keys, service_keys
from tests.config.kinds import kind_of, plain_type

KEYS: dict[type[Written], type] = {
    top_level.TopWritten: keys.ProjectKeys,
    proxy.ProxyWritten: keys.ProxyKeys,
    start_settings.ProcessWritten: service_keys.ProcessKeys,
    container_settings.BuildWritten: service_keys.BuildKeys,
    source.SourceWritten: service_keys.SourceKeys,
    route_entry.RouteWritten: keys.RouteKeys,
    header_fields.HeadersWritten: keys.HeadersKeys,
    header_fields.FieldRulesWritten: keys.FieldRulesKeys,
    on_the_way.CorsWritten: keys.CorsKeys,
    on_the_way.AuthWritten: keys.AuthKeys,
    without_backends.StaticWritten: keys.StaticKeys,
    without_backends.RedirectWritten: keys.RedirectKeys,
    without_backends.RespondWritten: keys.RespondKeys,
    start_settings.StartWritten: service_keys.StartKeys,
    env.EnvFileWritten: service_keys.EnvFileKeys,
    readiness.ReadyWritten: service_keys.ReadyKeys,
    restart_policy.RestartWritten: service_keys.RestartKeys,
    restart_policy.BackoffWritten: service_keys.BackoffKeys,
    health_check.HealthCheckWritten: service_keys.HealthCheckKeys,
    sticky.StickyWritten: service_keys.StickyKeys,
    https.HttpsWritten: keys.HttpsKeys,
    https.ProxyHttpsWritten: keys.HttpsKeys,
    listen.ListenWritten: keys.ListenKeys,
    timeouts.TimeoutsWritten: keys.TimeoutsKeys,
    proxy_limits.LimitsWritten: keys.LimitsKeys,
    listen.MetricsWritten: keys.MetricsKeys,
    kept_requests.RequestsWritten: keys.RequestsKeys,
    log_files.LogsWritten: keys.LogsKeys,
    pool_settings.DefaultsWritten: keys.DefaultsKeys,
    depends.DependencyWritten: service_keys.DependencyKeys,
}

# How Python writes what the documents call so; everything else as its own type says.
PYTHON: dict[str, Any] = {
    "boolean, or mapping": bool | keys.RequestsKeys,
    "duration": service_keys.Duration,
    "duration, bare: ms": service_keys.Duration,
    "duration, 1 s or more": service_keys.Duration,
    "size": service_keys.Size,
    "1": Literal[1],
    "file": str,
    "file in PEM": str,
    "folder": service_keys.Folder,
    "path, list, mapping": service_keys.EnvFile,
    "address, or list of them": service_keys.From,
    "`host:port`, `:port`, port, `unix:path`": str | int,
    "`http://host:port`, `https://host:port`, `h2c://host:port`, `unix:///path`": str,
    "`/path`, or `http://` URL": str,
    "addresses, networks as `10.0.0.0/8`, `localhost`": str | Sequence[str],
    "`200`, `200-399`, list": str | int | Sequence[str | int],
    "name, or list": str | Sequence[str],
    "host, host/path, or list of them": str | Sequence[str],
    "name, list, mapping": service_keys.DependsOn,
    "pattern, or list of them": str | Sequence[str],
    "text or list": service_keys.Command,
    "command, or mapping": service_keys.Command | service_keys.StartKeys,
    "mapping, or list of `NAME=value` (`NAME` alone passes on rpx's own)": (
        Mapping[str, str | int | float | None] | Sequence[str]
    ),
    "host, or `host:port`": str,
    "port, `auto:port`, `port:port`, or list": str | int | Sequence[str | int],
    "`true`, or a service": bool | str,
    "mapping of names to texts": service_keys.Texts,
    "mapping of names to texts, or lists": (
        Mapping[str, str | int | float | Sequence[str | int | float]]
    ),
    "mapping of names to texts, `request`, `response`": (
        Mapping[str, str | int | float | keys.FieldRulesKeys]
    ),
    "mapping of names to passwords": service_keys.Texts,
    "pattern of paths, or list": str | Sequence[str],
    "method, or list of them": str | Sequence[str],
    "origin, or list of them": str | Sequence[str],
    "name of a file": str,
    "beginning of a path": str,
    "path, with `$1`, `$name`": str,
    "path or URL, with `$1`, `$name`": str,
    "301, 302, 303, 307, 308": int,
    "200 to 599": int,
    "anything": object,
    "folder of files, or mapping": service_keys.Folder | keys.StaticKeys,
    "where to, or mapping": str | keys.RedirectKeys,
    "text, status, or mapping": str | int | keys.RespondKeys,
    "list of routes": Sequence[keys.RouteKeys],
    "`name`, number, or `user:group`": str | int,
    "0 to 255, or a list": int | Sequence[int],
    "`no`, `on-failure`, `always`": Policy | Literal["unless-stopped", False],
    "policy, `on-failure:5`, or mapping": service_keys.Restarts | str | service_keys.RestartKeys,
    "`started`, `healthy`, `completed`": Condition | service_keys.OfCompose,
    "`open`, `null`": Literal["open", "null"] | None,
    "`manual`, `auto`": Literal["manual"],  # no file could change
    "`SIGTERM`, `TERM`, 15": str | int,
    "folder, or mapping": service_keys.Folder | service_keys.BuildKeys,
    "image": str,
    "1 to 65535": int,
    "text": str,
    "text, or list": str | Sequence[str],
    "`source:place`, or list": str | Sequence[str],
    "`name:address`, or list": str | Sequence[str] | Mapping[str, str],
    "list": Sequence[keys.ProxyKeys],
}


@pytest.mark.parametrize("model", KEYS)
def test_the_types_know_every_key_of_the_configuration(model: type[Written]) -> None:
    known = {key.removesuffix("_") for key in KEYS[model].__annotations__}
    assert known == set(settings_of(model))


def test_no_part_of_the_configuration_is_without_a_type() -> None:
    assert set(MODELS.values()) <= KEYS.keys()


@pytest.mark.parametrize("model", [model for model in KEYS if model is not top_level.TopWritten])
def test_every_key_has_the_type_of_what_may_be_written(model: type[Written]) -> None:
    types = get_type_hints(KEYS[model])
    for name, field in model.model_fields.items():
        known = name if name in types else name.removesuffix("_")
        assert types[known] == python_type(field), f"{KEYS[model].__name__}: {name}"


def test_the_project_and_its_only_proxy_have_the_same_types() -> None:
    types = get_type_hints(keys.ProjectKeys)
    for name, field in top_level.ProjectWritten.model_fields.items():
        if name != "processes":
            assert types[name] == python_type(field), name
    assert types["processes"] == Mapping[str, service_keys.Command | service_keys.ProcessKeys]
    alone = get_type_hints(keys.ProxyKeys)
    for name in {key.replace("from", "from_") for key in top_level.ONE_PROXY}:
        assert types[name] == alone[name]


def python_type(field: Any) -> Any:  # noqa: ANN401 - types of all kinds
    if kind_of(field) in PYTHON:
        return PYTHON[kind_of(field)]
    plain = plain_type(field.annotation)
    if isinstance(plain, type) and issubclass(plain, Switched):
        return bool | KEYS[plain]
    return KEYS.get(plain, plain)
