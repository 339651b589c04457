"""A configuration as a file again, with nothing left to fill in: `rpx config`.

Loaded anew, from wherever, it means the same. What was written shorter, came from variables, env
files, anchors or `defaults`, or holds unless somebody says otherwise, is written out; paths are
absolute. Only what a starting process knows stays a variable: `${RPX_API_URL}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel

from rpx.config.json_schema import written_by
from rpx.config.settings.addresses import written_location
from rpx.config.settings.container_settings import ContainerWritten
from rpx.config.settings.header_fields import HeadersWritten
from rpx.config.settings.health_check import WAYS
from rpx.config.settings.on_the_way import CorsWritten
from rpx.config.settings.places import MODELS
from rpx.config.settings.pool_settings import PoolWritten
from rpx.config.settings.start_settings import ProcessWritten, StartWritten
from rpx.config.settings.top_level import ProjectWritten
from rpx.config.settings.written import Written
from rpx.config.yaml.document import Steps, is_template
from rpx.config.yaml.text import is_command
from rpx.model.address import Address
from rpx.model.config import Config, HealthCheck, ProcessEntry, ProxyEntry, Source, Start
from rpx.model.late import with_marks_as
from rpx.model.route import (
    Answerer,
    FixedAnswer,
    HeaderRules,
    Redirect,
    Route,
    StaticFiles,
    ToPool,
    Treatment,
)

_NOTHING: Final[tuple[object, ...]] = (None, "", (), {})
_OF_A_GET: Final = ("path", "host", "headers", "expect")
Settings = dict[str, Any]


def written_out(config: Config, hosts: Iterable[Sequence[str]]) -> Settings:
    """The keys of rpx.yaml. `hosts` are those of each proxy as they are written: in a realm, those
    of `config` have its label.
    """
    outer = _common(config)
    pools = {entry.to: entry for entry in config.proxies if not entry.reached}
    named = {entry.to: entry.name for entry in reversed(config.proxies)}
    proxies = [
        _proxy(entry, [*to], outer, pools, named)
        for entry, to in zip(config.proxies, hosts, strict=True)
        if entry.reached
    ]
    found = _settings(config, ProjectWritten)
    found |= {"name": config.name, "realm": config.realm}
    if outer is not None:
        found["defaults"] = {"headers": _headers(outer)}
    if proxies:
        found["proxies"] = proxies
    if config.processes:
        found["processes"] = {each.name: _process(each) for each in config.processes}
    escaped: Settings = _escaped(found, ())
    return escaped


def read_later(config: Config) -> list[str]:
    """The names of services whose env files may come into being only while the project runs: what
    these say is not in what is written out.
    """
    starts = [
        *((each.name, source.start) for each in config.proxies for source in each.sources),
        *((each.name, each.start) for each in config.proxies),
        *((each.name, each.start) for each in config.processes),
    ]
    later = (name for name, start in starts if start is not None and start.env_later is not None)
    return list(dict.fromkeys(later))


def as_yaml(settings: Mapping[str, object]) -> str:
    """The text of an rpx.yaml."""
    return yaml.dump(
        settings, Dumper=_WithoutAliases, sort_keys=False, allow_unicode=True, width=100
    )


class _WithoutAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


def _settings(noun: BaseModel, model: type[Written]) -> Settings:
    """The settings of a model that its noun has by the same name, in the forms of a file."""
    found: Settings = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        value = getattr(noun, key, None)
        if value in _NOTHING or key in {"proxies", "processes", "name"}:
            continue
        back: Callable[[Any], object] | None = written_by(field.annotation, field.metadata)
        if isinstance(value, BaseModel) and key in MODELS:
            found[key] = _settings(value, MODELS[key])
        elif back is not None:
            found[key] = back(value)
        else:
            found[key] = str(value) if isinstance(value, Path) else value
    return found


def _proxy(
    entry: ProxyEntry,
    to: list[str],
    outer: HeaderRules | None,
    pools: Mapping[str, ProxyEntry],
    named: Mapping[str, str],
) -> Settings:
    found: Settings = {"to": to if len(to) > 1 else to[0], "name": entry.name}
    found |= _backends(entry)
    if entry.answerer is not None:
        found |= _answer(entry.answerer, named)
    https = entry.pool.https
    found["https"] = _settings(https, MODELS["https"]) if https is not None else False
    below = Treatment(headers=(outer,) if outer is not None else ())
    found |= _treated(entry.treatment, below)
    if entry.routes:
        found["routes"] = [_route(each, entry, pools, named) for each in entry.routes]
    if entry.profiles:
        found["profiles"] = list(entry.profiles)
    return {**found, "autostart": entry.autostart}


def _backends(entry: ProxyEntry) -> Settings:
    """What a proxy has, and a route with backends of its own."""
    found: Settings = {}
    owners = {each.served_by for each in entry.sources} - {None}
    for owner in owners:  # one at most: it serves all that have no process of their own
        assert owner is not None  # noqa: S101 - see above
        start = entry.sources[owner].start
        assert start is not None  # noqa: S101 - it serves them
        found["start"] = {**_start(start, StartWritten), "instances": 1}
    if entry.sources:
        found["from"] = [
            _source(each, whole=index not in owners) for index, each in enumerate(entry.sources)
        ]
    elif entry.start is not None:
        found |= {"start": _start(entry.start, StartWritten), "replicas": entry.replicas}
    if found:
        found |= _settings(entry.pool, PoolWritten)
    if entry.health_check is not None:
        found["health_check"] = _health_check(entry.health_check)
    if not found.keys() & {"from", "start"}:
        return found
    if entry.h2c:
        found["protocol"] = "h2c"
    found["change_origin"] = entry.change_origin
    return found | _dependencies(entry)


def _source(source: Source, *, whole: bool) -> Settings:
    where = source.address
    secured = where.tls if isinstance(where, Address) else None
    written = written_location(where)
    found: Settings = {"url" if "://" in written else "address": written}
    if secured is not None:
        found["verify"] = secured.verify
        if secured.ca:
            found = {**found, "ca": secured.ca}
            del found["verify"]
    found["weight"] = source.weight
    if source.start is not None and whole:
        found["start"] = _start(source.start, StartWritten)
    return found


def _start(start: Start, model: type[StartWritten]) -> Settings:
    found = _settings(start, model)
    if start.container is not None:
        found |= _settings(start.container, ContainerWritten)
        if start.container.stop_signal is None:
            del found["stop_signal"]
        for name in ("cwd", "stop_signal_to"):
            del found[name]
    return found


def _process(entry: ProcessEntry) -> Settings:
    found = _start(entry.start, ProcessWritten)
    if entry.health_check is not None:
        found["health_check"] = _health_check(entry.health_check)
    if entry.profiles:
        found["profiles"] = list(entry.profiles)
    return {**found, **_dependencies(entry), "autostart": entry.autostart}


def _dependencies(entry: ProxyEntry | ProcessEntry) -> Settings:
    each = {d.name: {"condition": d.condition, "required": d.required} for d in entry.depends_on}
    return {"depends_on": each} if each else {}


def _health_check(check: HealthCheck) -> Settings:
    found = _settings(check, MODELS["health_check"])
    if found.keys() & (set(WAYS) - {"path"}):
        return {name: each for name, each in found.items() if name not in _OF_A_GET}
    return found


def _route(
    route: Route, above: ProxyEntry, pools: Mapping[str, ProxyEntry], named: Mapping[str, str]
) -> Settings:
    conditions = route.conditions
    found: Settings = {"name": route.name}
    for key, values in (("path", conditions.paths), ("method", conditions.methods)):
        if values:
            found[key] = list(values)
    if conditions.query:
        found["query"] = dict(conditions.query)
    for key, text in (("strip_prefix", route.strip_prefix), ("rewrite", route.rewrite)):
        if text:
            found[key] = text
    own = pools.get(route.answerer.pool) if isinstance(route.answerer, ToPool) else None
    if own is not None and own.name == route.name:
        found |= _backends(own)
    else:
        found |= _answer(route.answerer, named)
    found |= _treated(route.treatment, above.treatment)
    headers = {**dict(conditions.headers), **found.get("headers", {})}
    return {**found, "headers": headers} if headers else found


def _answer(answerer: Answerer, named: Mapping[str, str]) -> Settings:
    match answerer:
        case ToPool(pool=to):
            return {"proxy": named[to]}
        case StaticFiles():
            folder = {"dir": str(answerer.folder)}
            return {"static": folder | _settings(answerer, MODELS["static"])}
        case Redirect():
            return {"redirect": _settings(answerer, MODELS["redirect"])}
        case FixedAnswer():
            body = {"body": answerer.body.decode()} if answerer.body else {}
            return {
                "respond": {"status": answerer.status, **body, "headers": dict(answerer.headers)}
            }


def _treated(treatment: Treatment, below: Treatment) -> Settings:
    """What it says beyond what holds below it anyway."""
    found: Settings = {}
    for rules in treatment.headers[len(below.headers) :]:
        found["headers"] = _headers(rules)
    if treatment.cors != below.cors:
        cors = treatment.cors
        found["cors"] = _settings(cors, CorsWritten) | {"enabled": True} if cors else False
    if treatment.auth != below.auth:
        auth = treatment.auth
        found["auth"] = {"basic": dict(auth.users)} if auth else False
    return found


def _headers(rules: HeaderRules) -> Settings:
    return _settings(rules, HeadersWritten)


def _common(config: Config) -> HeaderRules | None:
    """The rules that hold for all proxies, which are those of `defaults`, or might be."""
    first = {each.treatment.headers[:1] for each in config.proxies if each.reached}
    several = any(len(each.treatment.headers) > 1 for each in config.proxies)
    return next(iter(first.pop()), None) if several and len(first) == 1 else None


def _escaped(value: Any, steps: Steps) -> Any:  # noqa: ANN401 - whatever a file can hold
    """A value whose texts come out of the file as they are here."""
    match value:
        case str():
            if is_command(steps) or is_template(steps):
                return value
            return with_marks_as("${%s}", value.replace("$", "$$"))
        case Mapping():
            return {key: _escaped(each, (*steps, key)) for key, each in value.items()}
        case list() | tuple():
            return [_escaped(each, (*steps, index)) for index, each in enumerate(value)]
        case _:
            return value
