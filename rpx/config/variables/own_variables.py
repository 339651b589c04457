"""Variables of rpx's own: the realm, and what is filled in only when a process starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from rpx.config.settings.host_names import default_name
from rpx.config.settings.top_level import only_proxy
from rpx.config.yaml.document import Steps, is_env
from rpx.model.late import REALM, is_of_a_realm, mark, public_url_variable, url_variable
from rpx.model.suggest import nearest

_OWN = ("RPX_NAME", "RPX_REPLICA")
_OF_AN_ADDRESS = ("RPX_URL", "RPX_SOCKET")
_WHERE_NOT_GIVEN = ("PORT", "HOST")  # rpx itself may have been given one
_MENTIONED = ("realm", "RPX_", "env_file", "envFile", "env_files")


def needs_a_first_look(text: str) -> bool:
    """Whether a file can have a realm, or have to do with the URLs of proxies at all."""
    return any(word in text for word in _MENTIONED)


def without_realm(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment but for the realm of another project, whose service we may be."""
    return {name: text for name, text in environ.items() if not is_of_a_realm(name)}


def with_realm(environ: Mapping[str, str], realm: str) -> Mapping[str, str]:
    """The environment with this project's realm, if it has one."""
    return {**environ, REALM: realm} if realm else environ


def urls_of(values: Mapping[str, object]) -> dict[str, str]:
    """A mark for the URLs of each proxy that is written, by their variables."""
    names = _names(values)
    variables = [*map(url_variable, names), *map(public_url_variable, names)]
    return {name: mark(name) for name in variables}


def variables_at(
    steps: Steps, given: Mapping[str, str], urls: Mapping[str, str]
) -> Mapping[str, str]:
    """The variables for a text at `steps`: in an `env` also those of the process to come."""
    if not is_env(steps[:-1]):
        return given
    own = list(_OWN)
    if steps[0] != "processes":
        own += _OF_AN_ADDRESS
        if steps[-1] not in _WHERE_NOT_GIVEN:
            own += [name for name in _WHERE_NOT_GIVEN if name not in given]
    return {**given, **urls, **{name: mark(name) for name in own}}


def about_unset(name: str, urls: Collection[str]) -> str:
    """What else there is to say of a variable that is not set, after a colon."""
    if name in urls:
        return "it is known when a process starts: use it in `env`, in env files, or in a command"
    if not (name.startswith("RPX_") and name.endswith("_URL")):
        return ""
    near = nearest(name, urls)
    return f"no proxy has that name; did you mean `{near}`?" if near else "no proxy has that name"


def _names(values: Mapping[str, object]) -> list[str]:
    """The names of the proxies as they are written; those of wildcard hosts have no URL."""
    entries = values.get("proxies")
    if not isinstance(entries, list):
        entries = [only_proxy(values)]
    proxies = [
        (_first(entry.get("to", "")), entry.get("name"))
        for entry in entries
        if isinstance(entry, dict)
    ]
    hosts = Counter(to.partition("/")[0] for to in {to for to, _ in proxies})
    shared = frozenset(host for host, routes in hosts.items() if routes > 1)
    return [str(name or default_name(to, shared)) for to, name in proxies if "*" not in to]


def _first(to: object) -> str:
    return str(to[0] if isinstance(to, list) and to else to)
