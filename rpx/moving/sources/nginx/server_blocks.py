"""`server` blocks: their hosts, ports and certificates, and which of them are one site."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from rpx.moving.draft import Written
from rpx.moving.given import Given
from rpx.moving.sites.site_ports import SitePorts
from rpx.moving.sources.nginx.directive_scope import Scope
from rpx.moving.sources.nginx.directives import Directive

_PORT = re.compile(r"(?:.*:)?(\d+)\Z")
_TO_HTTPS = re.compile(
    r"https://(?:\$host|\$http_host|\$server_name|[\w.-]+)(?::\d+)?(?:\$request_uri|\$uri.*)?\Z"
)
_FLAGS = {"ssl", "http2", "default_server", "default", "http3", "quic"}


@dataclass(slots=True)
class Listens:
    """Where a server listens, and whom it is for."""

    block: Directive
    plain: list[int] = field(default_factory=list)
    tls: list[int] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    default: bool = False

    @property
    def site_ports(self) -> SitePorts:
        """Its ports, and where it stands."""
        return SitePorts(self.plain, self.tls, self.block.origin)

    @property
    def ports(self) -> list[int]:
        """All its ports, each once."""
        return list(dict.fromkeys([*self.plain, *self.tls]))


def listens(scope: Scope) -> Listens:
    """What `listen` and `server_name` of a server say."""
    found = Listens(scope.inner)
    switched = scope.on("ssl")
    for each in scope.inner.all("listen"):
        each.said = True
        if each.args and each.args[0].startswith("unix:"):
            scope.lost(each, "rpx listens at ports of this machine")
            continue
        number = _PORT.match(each.args[0]) if each.args else None
        port = int(number[1]) if number else 80
        ports = found.tls if switched or {"ssl", "quic"} & set(each.args) else found.plain
        if port not in ports:
            ports.append(port)
        found.default = found.default or bool({"default_server", "default"} & set(each.args))
    if not found.ports:
        found.plain.append(80)
    found.hosts = _hosts(scope)
    if found.default and "*" not in found.hosts:
        found.hosts.append("*")
    return found


def _hosts(scope: Scope) -> list[str]:
    names = scope.own("server_name")
    if names is None:
        return ["*"]
    hosts: list[str] = []
    for name in names.args:
        if name in {"_", "", "*"} or name == '""':
            hosts.append("*")
        elif name.startswith("~") or "$" in name:
            hint = 'name the hosts, or write `"*.shop.localhost"`'
            scope.lost(names, f"`{name}`: rpx has no expressions for hosts", hint)
        elif name.endswith(".*"):
            hint = "name the hosts"
            scope.lost(names, f"`{name}`: only the first label can be a `*`", hint)
        elif name.startswith("."):
            hosts += [name[1:], f"*{name}"]
        else:
            hosts.append(name)
            if name.startswith("*."):
                scope.carried(names, "`*` is one label in rpx, and any number in nginx")
    return hosts or ["*"]


def sends_to_https(scope: Scope) -> Directive | None:
    """The directive by which a server sends everybody to https, if it does nothing else."""
    candidates = [scope.inner, *scope.inner.all("if")]
    candidates += [each for each in scope.inner.all("location") if each.args == ["/"]]
    for block in candidates:
        if block.name == "if" and not re.match(r"\$(?:scheme|https|host)\b", " ".join(block.args)):
            continue
        for each in block.all("return", "rewrite"):
            if any(_TO_HTTPS.match(arg) for arg in each.args) or (
                each.name == "rewrite" and each.args[1:2] and each.args[1].startswith("https://$")
            ):
                return each
    return None


def https_of(scope: Scope, found: Listens, beside: Path, given: Given) -> object:
    """What `https` of the proxy says; None where it has no TLS."""
    if not found.tls:
        return None
    files: Written = {}
    for word, name in (("cert", "ssl_certificate"), ("key", "ssl_certificate_key")):
        each = scope.last(name)
        if each is None or not each.args:
            continue
        path = beside / each.args[0]
        if path.is_file():
            files[word] = given.below_root(path.resolve())
            each.said = True
        else:
            why = "isn't on this machine: rpx makes a certificate of its own"
            scope.guessed(each, why, "`rpx trust` lets browsers take it")
    return files if len(files) == 2 else True
