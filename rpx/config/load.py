"""rpx.yaml, or a mapping from Python, to a frozen Config; or all that is wrong with it at once."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from rpx.config.build import Builder
from rpx.config.checks.conflicts import Entry, agreed, report_conflicts
from rpx.config.checks.dependencies import report_dependencies, services
from rpx.config.checks.oneshots import after_oneshots, oneshots
from rpx.config.checks.own_certificates import report_certificates
from rpx.config.checks.profiles import Asked, active_profiles, is_active, report_nothing_left
from rpx.config.checks.shell_words import shell_words
from rpx.config.mistakes.explain import check, check_parts
from rpx.config.settings.places import all_settings, settings_of
from rpx.config.settings.pool_settings import DefaultsWritten
from rpx.config.settings.proxy import ProxyWritten
from rpx.config.settings.start import ProcessField, ProcessWritten
from rpx.config.settings.top_level import TopWritten, only_proxy
from rpx.config.variables.env_files import EnvFiles, Unset, label_of, read_dotenv, read_text
from rpx.config.variables.interpolate import interpolate
from rpx.config.variables.own_variables import may_ask_for_urls, urls_of, variables_at
from rpx.config.yaml.document import Document, Spellings, Steps, document_from_mapping, is_env
from rpx.config.yaml.text import parse_yaml
from rpx.errors import ConfigError
from rpx.model.config import Config, Process, Proxy
from rpx.model.late import marked, without_marks

_PROXY = TypeAdapter(ProxyWritten)
_DEFAULTS = TypeAdapter(DefaultsWritten)
_PROCESS: TypeAdapter[ProcessWritten] = TypeAdapter(ProcessField)
NOTHING = Asked()
_SPELLINGS = Spellings(all_settings())
_AT_TOP = settings_of(TopWritten)


def load_config(
    path: Path,
    environ: Mapping[str, str],
    warn: Callable[[str], None] | None = None,
    asked: Asked = NOTHING,
) -> Config:
    """The Config that is written in a file. `environ` and the `.env` beside it fill in variables.

    What belongs to profiles is in it if it is `asked` for. `warn` hears sentences about what is
    allowed but probably not meant. Raises: ConfigError, and UsageError for a profile that does not
    exist.
    """
    path = path.absolute()
    label = label_of(path)
    text = read_text(path, label)
    urls = _urls(path.parent, text, environ)
    unset = Unset(warn, urls)
    dotenv, problems = read_dotenv(path.parent, {**environ, **urls}, unset)
    variables = {**dotenv, **environ}
    places: dict[Steps, list[str]] = {}

    def fill(text: str, steps: Steps) -> str:
        told = places.setdefault(steps, []).append
        text = interpolate(text, variables_at(steps, variables, urls), told)
        if not is_env(steps[:-1]) and (late := marked(text)):  # it came by way of the `.env`
            places[steps] += late
            return without_marks(text)
        return text

    document = parse_yaml(text, label, _SPELLINGS, _AT_TOP, fill)
    document.report_beside(problems)
    for steps, names in places.items():
        for name in names:
            unset(name, document.where(steps))
    files = EnvFiles(document, path.parent, environ, dotenv, unset)
    config = _config(document, files, asked).model_copy(update={"file": path})
    if warn is not None:
        for sentence in shell_words(config):
            warn(sentence)
        if path.name == "rpx.yaml" and os.path.isfile(path.with_name("rpx.yml")):
            warn(f"{label_of(path.with_name('rpx.yml'))} is not read: {label} comes first")
    return config


def _urls(folder: Path, text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of the proxies' URLs: the file is looked through for their names first."""
    if not may_ask_for_urls(text) and not os.path.isfile(folder / ".env"):
        return {}
    dotenv, _ = read_dotenv(folder, environ, Unset(None))
    variables = {**dotenv, **environ}
    try:
        document = parse_yaml(
            text, "", _SPELLINGS, _AT_TOP, lambda text, _: interpolate(text, variables)
        )
    except ConfigError:
        return {}  # it will be said when the file is read in earnest
    return urls_of(document.values)


def config_from_mapping(
    mapping: Mapping[str, object],
    *,
    root: Path,
    environ: Mapping[str, str],
    label: str = "the configuration",
) -> Config:
    """The Config that Python values describe, with the keys of rpx.yaml (`from_` for `from`).

    Strings are taken as they are; relative paths begin at `root`, and the `.env` there is part of
    what processes see. Raises: ConfigError; its places are key paths, `proxies[0].from`, and
    `label` is what messages call the whole.
    """
    root = root.absolute()
    document = document_from_mapping(mapping, _SPELLINGS, label)
    urls = urls_of(document.values)
    unset = Unset(None, urls)
    dotenv, problems = read_dotenv(root, {**environ, **urls}, unset)
    document.report_beside(problems)
    config = _config(document, EnvFiles(document, root, environ, dotenv, unset), NOTHING)
    if config.reload == "auto":
        document.report(
            f"`reload` of {label} is `auto`, but there is no file that could change",
            ("reload",),
            "leave it out; it belongs into an rpx.yaml",
        )
        document.raise_if_wrong()
    return config


def overlaid(mapping: Mapping[str, object], keys: Mapping[str, object]) -> dict[str, object]:
    """Both in one, where `keys` win over the same settings in whatever spelling."""
    won = {_SPELLINGS.canonical((), key) for key in keys}
    kept = {key: mapping[key] for key in mapping if _SPELLINGS.canonical((), key) not in won}
    return {**kept, **keys}


def _config(document: Document, files: EnvFiles, asked: Asked) -> Config:
    root = files.root
    named: list[Path] = []
    context: dict[str, Any] = {"root": root, "named": named}
    top, faulty = check_parts(TopWritten, document, context)
    outer = {**files.dotenv, **files.read(top.env_file, ())}
    defaults = top.defaults or DefaultsWritten()
    first = oneshots(document)
    late = after_oneshots(
        [
            *((at, _name(value), value) for at, value in _proxies(document)),
            *((at, name, value) for name, at, value in _processes(document)),
        ],
        first,
    )
    routed = [
        (at, written)
        for at, value in _proxies(document)
        if (written := check(_PROXY, value, at, document, {**context, "late": at in late}))
        is not None
    ]
    hosts = Counter(to.partition("/")[0] for to in {written.to for _, written in routed})
    shared = frozenset(host for host, routes in hosts.items() if routes > 1)
    builder = Builder(document, files, outer, defaults, top.https, first, shared, late)
    entries = [Entry(at, builder.proxy(written, at)) for at, written in routed]
    processes = [
        (at, builder.process(name, process, at))
        for name, at, value in _processes(document)
        if (process := check(_PROCESS, value, at, document, {**context, "late": at in late}))
        is not None
    ]
    own_ports: dict[Steps, int | None] = {
        ("listen", "http_port"): top.listen.http_port if top.listen else None,
        ("listen", "https_port"): top.listen.https_port if top.listen else None,
        ("metrics", "port"): top.metrics.port if top.metrics else None,
    }
    whole: list[Proxy | Process] = [
        *(entry.proxy for entry in entries),
        *(process for _, process in processes),
    ]
    profiles = active_profiles(asked, whole, files.environ)
    left_out = {service.name for service in whole if not is_active(service, profiles)}
    names = _names(document, entries)
    entries = [entry for entry in entries if is_active(entry.proxy, profiles)]
    processes = [(at, process) for at, process in processes if is_active(process, profiles)]
    report_conflicts(document, entries, [p.name for _, p in processes], own_ports)
    report_dependencies(document, services(entries, processes), names, left_out)
    if "defaults" in faulty or document.incomplete:  # what entries have is not known: no word about
        # differences
        proxies = [entry.proxy for entry in entries]
    else:
        proxies = agreed(document, entries)
        report_certificates(document, entries, proxies)
    document.raise_if_wrong()
    if whole and not entries and not processes:
        report_nothing_left(document, whole)
    elif not whole:
        document.report(
            f"{document.label} has no `proxies` and no `processes`: there is nothing to do",
            (),
            "add a proxy, for example `proxies: [{from: localhost:3000, to: api.localhost}]`",
        )
    document.raise_if_wrong()
    settings = {"name": _folder_name(root)} | top.written_for(Config)
    settings |= {
        "root": root,
        "env_files": tuple(dict.fromkeys(files.looked_at)),
        "named": tuple(dict.fromkeys(named)),
        "proxies": tuple(proxies),
        "processes": tuple(process for _, process in processes),
    }
    return Config(**settings)


def _proxies(document: Document) -> list[tuple[Steps, object]]:
    """Each proxy as written, and where: in the list, or the only one at top level."""
    values = document.values
    alone = only_proxy(values)
    if alone and "proxies" in values:
        names = ", ".join(f"`{key}`" for key in alone)
        document.report(
            f"`proxies` stands beside the settings of a single proxy: {names}",
            ("proxies",),
            "move them into an entry of `proxies`; what holds for all belongs in `defaults`",
            key=True,
        )
    elif alone:
        return [((), alone)]
    entries = values.get("proxies")
    if not isinstance(entries, list):
        return []
    return [(("proxies", index), entry) for index, entry in enumerate(entries)]


def _processes(document: Document) -> list[tuple[str, Steps, object]]:
    processes = document.values.get("processes")
    if not isinstance(processes, dict):
        return []
    return [(name, ("processes", name), value) for name, value in processes.items()]


def _names(document: Document, entries: Iterable[Entry]) -> list[str]:
    """What others may depend on, also where something is wrong with it."""
    names = {entry.at: entry.proxy.name for entry in entries}
    for at, value in _proxies(document):
        if isinstance(value, dict):
            names.setdefault(at, _name(value))
    return [*(name for name, _, _ in _processes(document)), *names.values()]


def _name(value: object) -> str:
    """What a proxy is probably called; that its name may be longer is known only later."""
    given = value if isinstance(value, dict) else {}
    return str(given.get("name") or str(given.get("to")).lower().split(".")[0])


def _folder_name(root: Path) -> str:
    """The folder's name as far as it can be a name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", root.name).strip("-_")[:63].strip("-_") or "project"
