"""Files of nginx as proxies with routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rpx.errors import Exit, RpxError
from rpx.moving.draft import Draft
from rpx.moving.given import ForeignSource, Given
from rpx.moving.service_names import fresh, name_of
from rpx.moving.sites.assembling import Assembling
from rpx.moving.sites.here import Resolve
from rpx.moving.sites.site_ports import ports_on_top
from rpx.moving.sites.web_sites import WebSite
from rpx.moving.sources.nginx.directive_scope import Scope
from rpx.moving.sources.nginx.directives import Directive, read_tree
from rpx.moving.sources.nginx.locations import ServerRules
from rpx.moving.sources.nginx.server_blocks import (
    Listens,
    https_of,
    listens,
    sends_to_https,
)
from rpx.moving.sources.nginx.sizes_and_times import put_on_top
from rpx.moving.sources.nginx.unneeded import say_rest
from rpx.moving.sources.nginx.upstream_blocks import UpstreamBlocks

_LIKE = re.compile(r"^\s*(?:server|http|upstream\s+\S+)\s*\{", re.MULTILINE)
_INSIDE = re.compile(
    r"(?:^|[;{])\s*(?:proxy_pass|server_name|listen|root|return)\s+[^;{]+;", re.MULTILINE
)


def read(given: Given) -> Draft:
    """The draft of one file and of what it includes. Raises: RpxError."""
    return read_nginx(given.files[0], given)


def read_nginx(
    path: Path, given: Given, resolve: Resolve | None = None, beside: Draft | None = None
) -> Draft:
    """The same. `resolve` knows where names of hosts lead, as those of services of compose, and
    `beside` has these.

    Raises: RpxError for a file that is broken, or has no server.
    """
    draft = Draft()
    tree = read_tree(path, draft)
    outer = [tree, *tree.all("http")]
    for each in tree.all("http"):
        each.said = True
    upstreams = UpstreamBlocks(
        {each.args[0]: each for block in outer for each in block.all("upstream") if each.args},
        resolve,
    )
    servers = [_scope(tuple(outer[: 1 + (block is not tree)]), each, draft)
               for block in outer for each in block.all("server")]  # fmt: skip
    if not servers:
        hint = "import the file that has the `server` blocks, or one that includes it"
        raise RpxError(
            f"{path.name} has no `server`", where=str(path), hint=hint, exit_code=Exit.USAGE
        )
    put_on_top(draft, tree)
    Assembling(draft, beside).add(list(_sites(servers, draft, upstreams, path.parent, given)))
    for block in upstreams.blocks.values():
        if not block.said:
            draft.carried("", block.text, "nobody asks it", block.origin)
            block.said = True
            block.block.clear()
    say_rest(draft, tree.block)
    return draft


def _scope(outer: tuple[Directive, ...], server: Directive, draft: Draft) -> Scope:
    server.said = True
    return Scope((*outer, server), draft, "")


def _sites(
    servers: list[Scope], draft: Draft, upstreams: UpstreamBlocks, beside: Path, given: Given
) -> Iterator[WebSite]:
    found = [(scope, listens(scope)) for scope in servers]
    kept = ports_on_top(draft, [each.site_ports for _, each in found])
    taken: dict[str, Listens] = {}
    names: set[str] = set()
    # Those with TLS first: one without it that has the same hosts is the same site.
    found.sort(key=lambda item: not item[1].tls)
    for scope, where in found:
        if not where.tls and _is_door_to_https(scope, where, taken):
            continue
        hosts = _own_hosts(scope, where, taken, kept)
        if not hosts:
            continue
        for host in hosts:
            taken[host] = where
        name = fresh(_name(hosts, where), names)
        names.add(name)
        named = Scope(scope.blocks, draft, name)
        site = WebSite(scope.inner.origin, hosts, name=name)
        site.https = _https(named, where, found, beside, given)
        site.rules = ServerRules(named, upstreams, beside, given).rules()
        yield site


def _is_door_to_https(scope: Scope, where: Listens, taken: dict[str, Listens]) -> bool:
    """Whether a server only sends its clients to another one's https."""
    said = sends_to_https(scope)
    known = [host for host in where.hosts if host in taken and taken[host].tls]
    if said is None or not (known or (where.hosts == ["*"] and taken)):
        return False
    why = "`https` sends clients there by itself"
    scope.carried(said, why)
    for each in scope.inner.block:
        if said is each or said in each.block or each.name == "if":
            each.said = True
    return True


def _own_hosts(
    scope: Scope,
    where: Listens,
    taken: dict[str, Listens],
    kept: tuple[int | None, int | None],
) -> list[str]:
    """The hosts of a server that no other one has. Those at another port get names by it."""
    free = [host for host in where.hosts if host not in taken]
    if free and len(free) == len(where.hosts):
        if not {*where.ports} & {*kept}:
            ports = ", ".join(map(str, where.ports))
            why = f"port {ports} is not kept: rpx has one port, and chooses by host"
            scope.draft.lost("", "listen", why, where.block.origin, "ask for it by its host")
        return free
    there = taken[next(host for host in where.hosts if host in taken)]
    if set(where.ports) == set(there.ports) or there.tls:
        why = f"another server has this host, in {there.block.origin}"
        scope.draft.lost("", "server", why, where.block.origin, "give it a host of its own")
        return free
    host = f"port-{where.ports[0]}.localhost"
    why = f"any host at port {where.ports[0]}: rpx chooses by host, and this is {host}"
    scope.draft.guessed("", "server", why, where.block.origin, "give it a better name: `to`")
    return [*free, host]


def _https(
    scope: Scope,
    where: Listens,
    found: list[tuple[Scope, Listens]],
    beside: Path,
    given: Given,
) -> object:
    https = https_of(scope, where, beside, given)
    if https is None:
        return None
    plain = where.plain or any(
        each.plain and set(each.hosts) & set(where.hosts) and not sends_to_https(other)
        for other, each in found
        if each is not where
    )
    if plain and not sends_to_https(scope):
        return {**(https if isinstance(https, dict) else {}), "redirect": False}
    return https


def _name(hosts: list[str], where: Listens) -> str:
    label = hosts[0].split(".")[0]
    if label == "*":
        label = hosts[0].split(".")[1] if "." in hosts[0] else "any"
    return name_of(label, f"port-{where.ports[0]}")


def _is_like(text: str) -> bool:
    return bool(_LIKE.search(text) and _INSIDE.search(text))


NGINX = ForeignSource(
    "a file of nginx", ("nginx.conf", "nginx.dev.conf", "default.conf"), read, _is_like
)
