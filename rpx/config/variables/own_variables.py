"""Variables of rpx's own: the realm, and what is filled in only when a process starts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

from rpx.config.settings.host_names import default_name
from rpx.config.settings.route_entry import default_route_name
from rpx.config.settings.top_level import only_proxy
from rpx.config.variables.interpolate import interpolate
from rpx.config.yaml.document import Steps, is_env, is_rule, is_template
from rpx.model.late import (
    REALM,
    address_variable,
    host_variable,
    is_of_a_realm,
    mark,
    port_of_variable,
    public_url_variable,
    url_variable,
)
from rpx.model.suggest import nearest

_OWN = ("RPX_NAME", "RPX_REPLICA")
_OF_AN_ADDRESS = ("RPX_URL", "RPX_SOCKET")
_WHERE_NOT_GIVEN = ("PORT", "HOST")  # rpx itself may have been given one
_TOLD = ("_URL", "_PORT", "_HOST", "_ADDRESS")
_OF_REQUESTS = ("host", "path", "method", "client", "scheme", "subdomain", "request_id")
_WORD = re.compile(r"\$(?:\$|([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})")
_KEPT = re.compile("\0([A-Za-z0-9_]*)\0(?=([A-Za-z0-9_])?)")
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
    """A mark for the URLs and addresses of each proxy that is written, and for those of each
    process with `ports`, by their variables.
    """
    proxies = [name for name, _ in _named(values)]
    variables = [*map(url_variable, proxies), *map(public_url_variable, proxies)]
    for name, numbers in [*((name, []) for name in proxies), *_with_ports(values)]:
        variables += [port_of_variable(name), host_variable(name), address_variable(name)]
        variables += [port_of_variable(name, number) for number in numbers]
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


def filled_at(
    text: str,
    steps: Steps,
    given: Mapping[str, str],
    urls: Mapping[str, str],
    unset: Callable[[str], None] | None = None,
) -> str:
    """A text at `steps` with its variables put in. `unset` hears of names that became empty texts.

    In what is filled in anew for each request, a name of the request's stays, and `$$`.
    Those are, in values of `headers`, the words of rpx (`$host`) and the URLs of proxies; in
    `rewrite` and `redirect`, the parts of a path: every name but one in capitals that is set.

    Raises: Uninterpolable.
    """
    if not is_template(steps):
        return interpolate(text, variables_at(steps, given, urls), unset)
    of_path = not is_rule(steps[:-1]) and not is_rule(steps[:-2])

    def kept(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name is None:  # $$
            return "\0\0"
        if of_path:
            stays = not (name.isupper() and name in given)
        else:
            stays = name in _OF_REQUESTS or name in urls
        return mark(name) if stays else found[0]

    def back(found: re.Match[str]) -> str:
        if not found[1]:
            return "$$"
        return f"${{{found[1]}}}" if found[2] else f"${found[1]}"

    literal = {name: value.replace("$", "$$") for name, value in given.items()}
    return _KEPT.sub(back, interpolate(_WORD.sub(kept, text), literal, unset))


def about_unset(name: str, urls: Collection[str]) -> str:
    """What else there is to say of a variable that is not set, after a colon."""
    if name in urls:
        return "it is known when a process starts: use it in `env`, in env files, or in a command"
    if not (name.startswith("RPX_") and name.endswith(_TOLD)):
        return ""
    who = "proxy" if name.endswith("_URL") else "proxy, and no process with `ports`,"
    near = nearest(name, urls)
    return f"no {who} has that name{f'; did you mean `{near}`?' if near else ''}"


def _with_ports(values: Mapping[str, object]) -> list[tuple[str, list[int]]]:
    """The names of services with `ports` as they are written, and by which ports each is known."""
    processes = values.get("processes")
    found = list(processes.items()) if isinstance(processes, dict) else []
    for name, entry in _named(values):
        sources = entry.get("from")
        owners = [entry, *(sources if isinstance(sources, list) else [sources])]
        found += [(name, owner.get("start")) for owner in owners if isinstance(owner, dict)]
    return [
        (str(name), _numbers(value["ports"]))
        for name, value in found
        if isinstance(value, dict) and "ports" in value
    ]


def _numbers(written: object) -> list[int]:
    texts = [str(each) for each in (written if isinstance(written, list) else [written])]
    return [int(end) for text in texts if (end := text.rpartition(":")[2]).isdecimal()]


def _named(values: Mapping[str, object]) -> list[tuple[str, dict[str, object]]]:
    """The proxies as they are written, and routes with backends of their own, by name; those of
    wildcard hosts have no URL.
    """
    written = values.get("proxies")
    entries = [
        entry
        for entry in (written if isinstance(written, list) else [only_proxy(values)])
        if isinstance(entry, dict)
    ]
    routes = [_first(entry.get("to", "")) for entry in entries]
    hosts = Counter(to.partition("/")[0] for to in set(routes))
    shared = frozenset(host for host, routes in hosts.items() if routes > 1)
    proxies = [
        (str(entry.get("name") or default_name(to, shared)), entry)
        for to, entry in zip(routes, entries, strict=True)
        if "*" not in to
    ]
    return proxies + [named for name, entry in proxies for named in _routes_named(name, entry)]


def _routes_named(proxy: str, entry: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    routes = entry.get("routes")
    for number, route in enumerate(routes if isinstance(routes, list) else [], 1):
        if isinstance(route, dict) and route.keys() & {"from", "start"}:
            yield str(route.get("name") or default_route_name(proxy, route, number)), route


def _first(to: object) -> str:
    return str(to[0] if isinstance(to, list) and to else to)
