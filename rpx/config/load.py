"""rpx.yaml, or a mapping from Python, to a frozen Config; or all that is wrong with it at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rpx.config.assemble import config_of
from rpx.config.checks.between_routes import never_taken
from rpx.config.checks.endless_redirects import endless_redirects
from rpx.config.checks.open_to_all import open_to_all
from rpx.config.checks.profiles import Selection
from rpx.config.checks.realms import names_of_others
from rpx.config.checks.shell_words import shell_words
from rpx.config.checks.told_ports import told_ports
from rpx.config.checks.urls import one_variable_for_two
from rpx.config.settings.places import all_settings, settings_of
from rpx.config.settings.realm_name import realm_of
from rpx.config.settings.top_level import TopWritten
from rpx.config.variables.env_files import EnvFiles, Unset, label_of, read_dotenv, read_text
from rpx.config.variables.own_variables import (
    filled_at,
    needs_a_first_look,
    urls_of,
    with_realm,
    without_realm,
)
from rpx.config.yaml.document import Document, Spellings, Steps, document_from_mapping, is_env
from rpx.config.yaml.foreign import foreign_by_name
from rpx.config.yaml.text import parse_yaml
from rpx.errors import ConfigError, RpxError
from rpx.model.config import Config
from rpx.model.late import mark, marked, port_variable, without_marks
from rpx.policy.realm_ports import written_ports

NOTHING = Selection()
# What each finds is allowed, but probably not meant.
_CHECKS = (
    shell_words,
    one_variable_for_two,
    names_of_others,
    told_ports,
    never_taken,
    endless_redirects,
    open_to_all,
)
_SPELLINGS = Spellings(all_settings())
_AT_TOP = settings_of(TopWritten)


def load_config(
    path: Path,
    environ: Mapping[str, str],
    warn: Callable[[str], None] | None = None,
    asked: Selection = NOTHING,
    *,
    realm: str | None = None,
    text: str | None = None,
) -> Config:
    """The Config that is written in a file. `environ` and the `.env` beside it fill in variables.

    What belongs to profiles is in it if it is `asked` for. `realm` takes precedence over the file's
    and that of its worktree, "" is none. `text` is what the file is going to say, if it doesn't
    yet. `warn` hears sentences about what is allowed but probably not meant. Raises: ConfigError,
    and UsageError for a profile that does not exist or what can't be a realm.
    """
    path = path.absolute()
    if text is None:
        text = _read(path)
    environ = without_realm(environ)
    seen = _seen(path.parent, text, environ)
    realm = realm_of(realm, seen.get("realm"), path.parent)
    late = urls_of(seen) if seen else {}
    file = _File(path, text, with_realm(environ, realm), asked, realm)
    if realm and seen:
        late |= _late_ports(file, late)
    config = file.config(late, warn)
    if warn is not None:
        for check in _CHECKS:
            for sentence in check(config):
                warn(sentence)
        if path.name == "rpx.yaml" and os.path.isfile(path.with_name("rpx.yml")):
            beside = label_of(path.with_name("rpx.yml"))
            warn(f"{beside} is not read: {label_of(path)} comes first")
    return config


def as_written(path: Path) -> Document:
    """What a file says before variables are put in. Raises: ConfigError for what is no YAML."""
    label = label_of(path)
    return parse_yaml(read_text(path, label), label, _SPELLINGS, _AT_TOP, lambda text, _: text)


def _read(path: Path) -> str:
    """The text of an rpx.yaml. Raises: ConfigError, also for a file of another tool by its name."""
    label = label_of(path)
    if os.path.isfile(path) and (foreign := foreign_by_name(path, label)):
        raise ConfigError(foreign)
    return read_text(path, label)


@dataclass(frozen=True, slots=True)
class _File:
    """What a file says, and what it is read with."""

    path: Path
    text: str
    environ: Mapping[str, str]
    asked: Selection
    realm: str

    def config(self, late: Mapping[str, str], warn: Callable[[str], None] | None) -> Config:
        """The Config, with the `late` marks of variables that only processes have."""
        label = label_of(self.path)
        unset = Unset(warn, late)
        dotenv, problems = read_dotenv(self.path.parent, {**self.environ, **late}, unset)
        variables = {**dotenv, **self.environ}
        places: dict[Steps, list[str]] = {}

        def fill(text: str, steps: Steps) -> str:
            told = places.setdefault(steps, []).append
            text = filled_at(text, steps, variables, late, told)
            if not is_env(steps[:-1]) and (marks := marked(text)):  # it came by way of the `.env`
                places[steps] += marks
                return without_marks(text)
            return text

        document = parse_yaml(self.text, label, _SPELLINGS, _AT_TOP, fill)
        document.report_beside(problems)
        for steps, names in places.items():
            for name in names:
                unset(name, document.where(steps))
        files = EnvFiles(document, self.path.parent, self.environ, dotenv, unset)
        config = config_of(document, files, self.asked, self.realm)
        return config.model_copy(update={"file": self.path})


def _late_ports(file: _File, late: Mapping[str, str]) -> dict[str, str]:
    """Marks for the ports that a realm has in the place of those which are written: only a Config
    knows what is started where.
    """
    try:
        config = file.config(late, None)
    except RpxError:
        return {}  # it will be said when the file is read in earnest
    return {name: mark(name) for name in map(port_variable, written_ports(config))}


def _seen(folder: Path, text: str, environ: Mapping[str, str]) -> Mapping[str, object]:
    """What a first look at the file shows, where that may matter: the names of its proxies, whose
    URLs are variables, and its realm, which is one. Empty where there are mistakes in it.
    """
    if not needs_a_first_look(text) and not os.path.isfile(folder / ".env"):
        return {}
    dotenv, _ = read_dotenv(folder, environ, Unset(None))
    variables = {**dotenv, **environ}
    try:
        document = parse_yaml(
            text, "", _SPELLINGS, _AT_TOP, lambda text, steps: filled_at(text, steps, variables, {})
        )
    except ConfigError:
        return {}  # it will be said when the file is read in earnest
    return document.values


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
    realm = realm_of(None, document.values.get("realm", ""), root)
    environ = with_realm(without_realm(environ), realm)
    urls = urls_of(document.values)
    unset = Unset(None, urls)
    dotenv, problems = read_dotenv(root, {**environ, **urls}, unset)
    document.report_beside(problems)
    config = config_of(document, EnvFiles(document, root, environ, dotenv, unset), NOTHING, realm)
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
