"""Caddyfiles, and Caddy's own JSON, as proxies with routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rpx import programs
from rpx.errors import Exit, RpxError
from rpx.moving.draft import Draft, Written
from rpx.moving.given import ForeignSource, Given, origin
from rpx.moving.remarks import Origin
from rpx.moving.service_names import fresh, name_of
from rpx.moving.sites.assembling import Assembling
from rpx.moving.sites.here import Resolve
from rpx.moving.sites.site_ports import SitePorts, ports_on_top
from rpx.moving.sites.web_sites import WebSite
from rpx.moving.sources.caddy.adapting import Adapted, Json, adapted, is_adapted
from rpx.moving.sources.caddy.caddy_files import Folders
from rpx.moving.sources.caddy.caddy_routes import CaddyWalk

_LIKE = re.compile(
    r"^\s*(?:reverse_proxy|file_server|handle|handle_path|php_fastcgi|encode|respond|tls internal)"
    r"\b",
    re.MULTILINE,
)
_NAMES = ("Caddyfile", "Caddyfile.dev", "caddy.json")
_OWN = "is about how Caddy itself works"
_OF_CADDY = {
    "admin": _OWN,
    "storage": _OWN,
    "logging": "`rpx up` and `rpx logs` show what happens",
    "pki": "rpx has an authority of its own: `rpx trust`",
}


@dataclass(slots=True)
class CaddyServer:
    """One server of Caddy's JSON: its ports, and whether it has TLS."""

    json: Json
    ports: list[int]
    tls: bool
    http_port: int
    sites: list[tuple[list[str], list[Json]]] = field(default_factory=list)

    def tls_of(self, hosts: list[str]) -> bool:
        """Whether requests for these hosts come by TLS."""
        automatic = self.json.get("automatic_https") or {}
        if self.tls:
            return True
        if automatic.get("disable") or self.ports == [self.http_port]:
            return False
        skipped = set(automatic.get("skip") or ())
        return hosts != ["*"] and not set(hosts) <= skipped


def read(given: Given) -> Draft:
    """The draft of one Caddyfile. Raises: RpxError."""
    return read_caddyfile(given.files[0], given)


def read_caddyfile(
    path: Path,
    given: Given,
    resolve: Resolve | None = None,
    beside: Draft | None = None,
    within: str | None = None,
) -> Draft:
    """The same. `resolve` knows where names of hosts lead, as those of services of compose, and
    `beside` has these. `within` is as `adapted` has it.

    Raises: RpxError for a file that caddy refuses, or without caddy.
    """
    draft = Draft()
    file = adapted(path, given.environ, within)
    _of_all(file, draft)
    http = (file.json.get("apps") or {}).get("http") or {}
    listeners = [_listener(each, http) for each in (http.get("servers") or {}).values()]
    listeners.sort(key=lambda each: all(hosts == ["*"] for hosts, _ in each.sites))
    if not any(each.sites for each in listeners):
        raise RpxError(
            f"{path.name} has no site",
            where=str(path),
            hint="a site is written `shop.localhost { reverse_proxy localhost:3000 }`",
            exit_code=Exit.USAGE,
        )
    ports = [
        SitePorts(
            [] if tls else listener.ports,
            listener.ports if tls else [],
            _place(file, hosts),
        )
        for listener in listeners
        for hosts, _ in listener.sites
        for tls in (listener.tls_of(hosts),)
    ]
    kept = {port for port in ports_on_top(draft, ports) if port is not None}
    folders = Folders(path.parent, given)
    sites = list(_sites(listeners, kept, file, draft, folders=folders, resolve=resolve))
    Assembling(draft, beside).add(sorted(sites, key=lambda site: site.origin.line))
    return draft


def _listener(server: Json, http: Json) -> CaddyServer:
    ports = [int(found[1]) for each in server.get("listen") or ()
             if (found := re.search(r":(\d+)", each))]  # fmt: skip
    listener = CaddyServer(
        server, ports or [443], bool(server.get("tls_connection_policies")),
        http.get("http_port") or 80,
    )  # fmt: skip
    merged: dict[tuple[str, ...], list[Json]] = {}
    for route in server.get("routes") or ():
        for matcher in route.get("match") or [{}]:
            hosts = tuple(matcher.get("host") or ["*"])
            rest = {word: said for word, said in matcher.items() if word != "host"}
            merged.setdefault(hosts, []).append({**route, "match": [rest]})
    for hosts, routes in merged.items():
        listener.sites += [([host], routes) for host in _inner_hosts(routes, hosts)]
        listener.sites.append((list(hosts), routes))
    return listener


def _inner_hosts(routes: list[Json], outer: tuple[str, ...]) -> list[str]:
    """Hosts that matchers within a site name, beside its own."""
    found: dict[str, None] = {}
    for route in routes:
        for matcher in route.get("match") or ():
            found |= dict.fromkeys(matcher.get("host") or ())
        for handler in route.get("handle") or ():
            found |= dict.fromkeys(_inner_hosts(handler.get("routes") or [], ()))
    return [host for host in found if host not in outer]


def _sites(
    listeners: list[CaddyServer],
    kept: set[int],
    file: Adapted,
    draft: Draft,
    *,
    folders: Folders,
    resolve: Resolve | None,
) -> Iterator[WebSite]:
    taken: set[str] = set()
    names: set[str] = set()
    for listener in listeners:
        for hosts, routes in listener.sites:
            where = _place(file, hosts, listener.ports)
            free = _free(hosts, listener, taken, kept, draft=draft, where=where)
            if not free:
                continue
            taken |= set(free)
            name = fresh(_name(free, listener.ports), names)
            names.add(name)
            walk = CaddyWalk(
                file, draft, name, hosts=hosts, line=where.line, folders=folders, resolve=resolve
            )
            site = WebSite(where, free, name=name)
            site.rules = list(walk.rules(routes))
            if listener.tls_of(hosts):
                site.https = _https(listener, file, folders)
            if listener.json.get("errors"):
                why = "rpx's own page says why, and comes back by itself"
                draft.lost(name, "handle_errors", why, file.line_of("handle_errors"))
            yield site


def _free(
    hosts: list[str],
    listener: CaddyServer,
    taken: set[str],
    kept: set[int],
    *,
    draft: Draft,
    where: Origin,
) -> list[str]:
    """The hosts that no other site has; one at another port gets a name by that."""
    free = [host for host in hosts if host not in taken]
    ports = ", ".join(map(str, listener.ports))
    if not kept & set(listener.ports) and free:
        why = f"port {ports} is not kept: rpx has one port, and chooses by host"
        draft.lost("", f"port {ports}", why, where, "ask for it by its host")
    if free or not hosts:
        return free
    if hosts == ["*"]:
        host = f"port-{listener.ports[0]}.localhost"
        why = f"any host at port {ports}: rpx chooses by host, and this is {host}"
        draft.guessed("", f"port {ports}", why, where, "give it a better name: `to`")
        return [host]
    draft.lost("", " ".join(hosts), "another site has this host", where)
    return []


def _https(listener: CaddyServer, file: Adapted, folders: Folders) -> object:
    found: Written = {}
    tls: dict[str, Any] = (file.json.get("apps") or {}).get("tls") or {}
    for pair in (tls.get("certificates") or {}).get("load_files") or ():
        cert, key = (folders.beside / pair[word] for word in ("certificate", "key"))
        if cert.is_file() and key.is_file():
            given = folders.given
            found = {
                "cert": given.below_root(cert.resolve()),
                "key": given.below_root(key.resolve()),
            }
    automatic = listener.json.get("automatic_https") or {}
    if automatic.get("disable_redirects") or automatic.get("disable"):
        found["redirect"] = False
    return found or True


def _of_all(file: Adapted, draft: Draft) -> None:
    """What is said of the whole of Caddy."""
    apps = file.json.get("apps") or {}
    for word, said in {**file.json, **apps}.items():
        key = "log" if word == "logging" else word
        if word in _OF_CADDY and said:
            draft.carried("", key, _OF_CADDY[word], file.line_of(key))
        elif word not in {"apps", "http", "tls"}:
            draft.lost("", word, "rpx has nothing for it", file.line_of(word))
    if ((apps.get("tls") or {}).get("automation") or {}).get("policies"):
        why = "certificates are of rpx's own authority: `rpx trust` lets browsers take them"
        draft.carried("", "tls", why, file.line_of("tls"))
    for number in file.unknown:
        why = "the caddy that is installed here is too old to know it"
        hint = "install a newer one and import again, or write it by hand"
        draft.lost("", file.lines[number - 1].strip(), why, origin(file.path, number), hint)
    for number, line in enumerate(file.lines, 1):
        if "{$" in line and not line.lstrip().startswith("#"):
            why = "was filled in from the environment of this import"
            draft.guessed("", line.strip(), why, origin(file.path, number))


def _place(file: Adapted, hosts: list[str], ports: list[int] | None = None) -> Origin:
    if hosts != ["*"]:
        return file.line_of_host(hosts[0])
    for port in ports or ():
        if (found := file.line_of(f":{port}")).line:
            return found
    return origin(file.path)


def _name(hosts: list[str], ports: list[int]) -> str:
    label = hosts[0].split(".")[0]
    if label == "*":
        label = hosts[0].split(".")[1] if "." in hosts[0] else "any"
    return name_of(label, f"port-{ports[0] if ports else 80}")


def _is_like(text: str) -> bool:
    if is_adapted(text):
        return True
    first = next((line for line in text.split("\n") if line.strip()[:1] not in {"", "#"}), "")
    return first.rstrip().endswith("{") and ";" not in text[:2000] and bool(_LIKE.search(text))


def _found(folder: Path) -> tuple[Path, ...]:
    """The Caddyfile of a folder, where there is a caddy that can read it."""
    file = folder / _NAMES[0]
    return (file,) if file.is_file() and programs.found("caddy") else ()


CADDY = ForeignSource("a Caddyfile", _NAMES, read, _is_like, found=_found)
