"""`upstream` and `proxy_pass`: which backends, and what becomes of the path."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rpx.moving.sites.here import Resolve, place_of
from rpx.moving.sites.web_sites import BackendPool, Upstream
from rpx.moving.sources.nginx.directive_scope import Scope
from rpx.moving.sources.nginx.directives import Directive
from rpx.moving.sources.nginx.sizes_and_times import seconds

_TARGET = re.compile(
    r"(https?|grpcs?)://(unix:[^:]+:?|\[[^\]]+\](?::\d+)?|[^/?]+)(.*)\Z", re.DOTALL
)
_SCHEMES = {"grpc": "h2c", "grpcs": "https"}  # of nginx: ours
_NO_MEANING = {
    "max_fails": "rpx takes a backend out at the first failure, and asks until it is back",
    "fail_timeout": "rpx takes a backend out at the first failure, and asks until it is back",
    "max_conns": "`limits: {requests_per_backend: …}` is for the whole project",
    "slow_start": "rpx gives a backend its share at once",
    "resolve": "rpx asks for names each time",
}


@dataclass(frozen=True, slots=True)
class PassedTo:
    """What `proxy_pass` names: backends, the URI ("" for none), whether they are not of this
    machine, so that they want their own name, and whether it had variables.
    """

    pool: BackendPool
    uri: str
    foreign: bool
    variable: bool


@dataclass(frozen=True, slots=True)
class UpstreamBlocks:
    """All `upstream` blocks of a file, by name, and who knows where names of hosts lead."""

    blocks: dict[str, Directive]
    resolve: Resolve | None

    def target(self, each: Directive, scope: Scope) -> PassedTo | None:
        """What a `proxy_pass` or `grpc_pass` means; None, and it is said why, where that can't be
        told.
        """
        written = each.args[0] if each.args else ""
        text = _variables(written, scope)
        if each.name == "grpc_pass" and "://" not in text:
            text = f"grpc://{text}"
        found = _TARGET.match(text)
        if found is None or "$" in found[2]:
            hint = "write its address instead of the variable, and import again"
            scope.lost(each, "which backend that is can't be told", hint)
            return None
        scheme, host, uri = _SCHEMES.get(found[1], found[1]), found[2], found[3]
        each.said = True
        if host in self.blocks:
            return self._of_block(self.blocks[host], scheme, uri, "$" in written, scope)
        if host.startswith("unix:"):
            pool = BackendPool(
                (Upstream(f"unix:{host[5:].rstrip(':')}"),),
                settings=(("protocol", "h2c"),) if scheme == "h2c" else (),
            )
            return PassedTo(pool, uri, foreign=False, variable="$" in written)
        place = place_of(host, 443 if scheme == "https" else 80, self.resolve)
        if place is None:
            scope.lost(each, "is no address")
            return None
        if place.guess:
            scope.guessed(each, _of_container(place.guess, place.address))
        pool = BackendPool((_upstream(place.address, scheme, scope),))
        foreign = not place.is_local or scheme == "https"
        return PassedTo(pool, uri, foreign, "$" in written)

    def _of_block(
        self, block: Directive, scheme: str, uri: str, variable: bool, scope: Scope
    ) -> PassedTo:
        inner = scope.within(block)
        block.said = True
        found: dict[str, Upstream] = {}
        foreign = scheme == "https"
        for server in block.all("server"):
            server.said = True
            one = self._server(server, scheme, inner)
            if one is None:
                continue
            if one.address in found:
                why = f"has the address of another one here, {one.address}"
                inner.lost(server, why, "give each a port of its own")
                continue
            found[one.address] = one
        if not found:
            inner.lost(block, "has no backend that is in use")
            found["localhost:1"] = Upstream("localhost:1")
        pool = BackendPool(tuple(found.values()), block.args[0], tuple(_strategy(inner).items()))
        return PassedTo(pool, uri, foreign, variable)

    def _server(self, server: Directive, scheme: str, scope: Scope) -> Upstream | None:
        address, options = server.args[0], server.args[1:]
        if "down" in options:
            scope.carried(server, "is out of use: left out")
            return None
        if "backup" in options:
            hint = "start it when the others fail, or let it take its turn: `from`"
            scope.lost(server, "rpx has no backends for emergencies", hint)
            return None
        weight = _weight(server, scope)
        if address.startswith("unix:"):
            return Upstream(address, weight)
        place = place_of(address, 443 if scheme == "https" else 80, self.resolve)
        if place is None:
            scope.lost(server, "is no address")
            return None
        if place.guess:
            scope.guessed(server, _of_container(place.guess, place.address))
        return _upstream(place.address, scheme, scope, weight)


def _weight(server: Directive, scope: Scope) -> int | None:
    """Its weight, None for the usual one. Of its other options it is said what becomes of them."""
    weight = None
    for option in server.args[1:]:
        word, _, value = option.partition("=")
        if word == "weight" and value.isdigit():
            weight = int(value) if int(value) != 1 else None
        elif word in _NO_MEANING:
            scope.carried(server, f"{word}: {_NO_MEANING[word]}")
        else:
            scope.lost(server, f"rpx has nothing for `{option}`")
    return weight


def _of_container(name: str, address: str) -> str:
    return f"`{name}` is the name of a container or host: taken for {address}"


def _upstream(address: str, scheme: str, scope: Scope, weight: int | None = None) -> Upstream:
    if scheme == "http":
        return Upstream(address, weight)
    if scheme == "h2c":
        return Upstream(f"h2c://{address}", weight)
    return Upstream(f"https://{address}", weight, verify=scope.on("proxy_ssl_verify"))


def _strategy(scope: Scope) -> dict[str, object]:
    """How turns are taken."""
    settings: dict[str, object] = {}
    for each in scope.inner.block:
        match each.name, each.args:
            case "least_conn", _:
                settings["strategy"] = "least-connections"
            case ("ip_hash", _) | ("hash", ["$remote_addr" | "$binary_remote_addr", *_]):
                settings["strategy"] = "ip-hash"
            case "random", _:
                settings["strategy"] = "random"
            case "hash", _:
                scope.lost(each, "rpx chooses by the address of clients only", "`sticky: true`")
                continue
            case "sticky", ["cookie", cookie, *options]:
                settings["sticky"] = _sticky(cookie, options)
            case _:
                continue
        each.said = True
    return settings


def _sticky(cookie: str, options: list[str]) -> object:
    expires = next((o.partition("=")[2] for o in options if o.startswith("expires=")), "")
    ttl = seconds(expires) if expires else None
    return {"cookie": cookie, "ttl": f"{ttl:.0f}s"} if ttl else {"cookie": cookie}


def _variables(text: str, scope: Scope) -> str:
    """A text with what `set` has put into its variables."""
    for block in scope.blocks:
        for each in block.all("set"):
            if len(each.args) == 2 and each.args[0] in text:
                name = each.args[0].removeprefix("$")
                value = each.args[1].replace("\\", r"\\")
                text = re.sub(rf"\$(?:{name}\b|\{{{name}\}})", value, text)
                each.said = True
    return text
