"""Who answers, in a Caddyfile: backends, files of a folder, a redirect, a fixed answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rpx.config.yaml.document import Steps
from rpx.export.caddy_words import block, literal, seconds, word
from rpx.export.project_parts import Parts, PoolMember
from rpx.export.said import Remarked
from rpx.model.address import Address, SocketFile, Tls
from rpx.model.config import HealthCheck, PoolSpec, ProxyEntry
from rpx.model.own_settings import Limits, Timeouts
from rpx.model.route import FixedAnswer, StaticFiles

OUTSIDE: Final = "host.docker.internal"  # this machine, from within a container
_POLICIES: Final = {
    "round-robin": "round_robin",
    "weighted-round-robin": "round_robin",
    "least-connections": "least_conn",
    "random": "random",
    "ip-hash": "client_ip_hash",
}


@dataclass(slots=True)
class Mounts:
    """Files and folders of this machine that the balancer needs, with their places in it."""

    found: dict[Path, str] = field(default_factory=dict)
    outside: bool = False  # it asks for something that listens on this machine

    def place(self, path: Path, below: str) -> str:
        """Where it is inside: below that folder, by its own name."""
        if path not in self.found:
            name, number = path.name or "root", 2
            while f"{below}/{name}" in self.found.values():
                name, number = f"{path.name}-{number}", number + 1
            self.found[path] = f"{below}/{name}"
        return self.found[path]


class Answers:
    """Writes directives for those who answer, and says what they can't do."""

    def __init__(self, parts: Parts, mounts: Mounts, said: Remarked) -> None:
        self._parts = parts
        self._mounts = mounts
        self._said = said

    # ---- backends

    def pool(self, to: str, more: list[str]) -> list[str]:
        """A reverse_proxy to the backends of a `to`. `more` are lines for its block."""
        entries = [proxy for proxy in self._parts.config.proxies if proxy.to == to]
        entry, pool = entries[0], entries[0].pool
        at = self._parts.steps.get(id(entry), ())
        members = [each for each in self._parts.pools[to] if self._goes_there(entry, each, at)]
        if not members:
            return [f'respond "{entry.name} has no backend here" 503']
        copies = [each for each in members if each.service is not None and each.service.copies > 1]
        tls = {bool(self._tls(each)) for each in members}
        if len(tls) > 1:
            why = "Caddy asks all backends of a pool with TLS, or none"
            self._said.lost(entry.name, "url", why, (*at, "from"))
        dynamic = len(copies) == len(members) == 1
        lines = self._policy(entry, pool, members, at)
        lines += [f"lb_try_duration {seconds(pool.hold)}", "lb_try_interval 100ms"]
        lines += self._checks(entry, dynamic=dynamic, at=at)
        lines.append("fail_duration 1s")
        limits = self._parts.config.limits
        if limits.requests_per_backend != Limits().requests_per_backend:
            lines.append(f"unhealthy_request_count {limits.requests_per_backend}")
        if entry.change_origin:
            lines += ["header_up Host {upstream_hostport}"]
            scheme = "https" if tls == {True} else "http"
            lines += [f"header_up Origin ^.*$ {scheme}://{{upstream_hostport}}"]
        lines += more
        lines += block("transport http", self._transport(members, tls=True in tls))[:]
        if dynamic:
            service = copies[0].service
            name = service.name if service is not None else ""
            head = "reverse_proxy"
            lines = [*block(f"dynamic a {name} {copies[0].port}", ["refresh 1s"]), *lines]
        else:
            head = f"reverse_proxy {' '.join(dict.fromkeys(map(self._upstream, members)))}"
        return block(head, [line for line in lines if line != "transport http"])

    def _goes_there(self, entry: ProxyEntry, member: PoolMember, at: Steps) -> bool:
        address = member.address
        if member.weight == 0:
            self._said.carried(
                entry.name, "weight", f"{address} gets no new requests: left out", (*at, "from")
            )
            return False
        if member.service is None and isinstance(address, SocketFile):
            why = "a socket of this machine is not in the balancer's container"
            self._said.lost(entry.name, str(address), why, (*at, "from"))
            return False
        if member.service is None and address.loopback:
            why = f"is not started by rpx: asked for at {OUTSIDE}:{member.port}"
            hint = "on Linux it must listen at 0.0.0.0 for that, and not only at 127.0.0.1"
            self._said.guessed(entry.name, str(address), why, (*at, "from"), hint)
        return True

    def _upstream(self, member: PoolMember) -> str:
        if member.service is not None:
            return f"{member.service.name}:{member.port}"
        if member.address.loopback:
            self._mounts.outside = True
            return f"{OUTSIDE}:{member.port}"
        return str(member.address)

    def _policy(
        self, entry: ProxyEntry, pool: PoolSpec, members: list[PoolMember], at: Steps
    ) -> list[str]:
        weights = [each.weight for each in members]
        words = _POLICIES[pool.strategy]
        if len(set(weights)) > 1 or weights[0] > 1:
            if words == "round_robin":
                words = f"weighted_round_robin {' '.join(map(str, weights))}"
            else:
                why = f"Caddy's {words} has no weights"
                self._said.lost(entry.name, "weight", why, (*at, "from"))
        sticky = pool.sticky
        if sticky is None or not sticky.enabled:
            return [f"lb_policy {words}"] if len(members) > 1 or members[0].service else []
        inner = [f"fallback {words}", f"max_age {seconds(sticky.ttl)}"]
        return block(f"lb_policy cookie {word(sticky.cookie)}", inner)

    def _checks(self, entry: ProxyEntry, *, dynamic: bool, at: Steps) -> Iterator[str]:
        check = entry.health_check
        if check is None or not check.by_get:
            return
        if dynamic:
            why = "Caddy doesn't ask copies whose number may change; the container's own check does"
            self._said.carried(entry.name, "health_check", why, (*at, "health_check"))
            return
        yield f"health_uri {check.path}"
        yield f"health_interval {seconds(check.interval)}"
        yield f"health_timeout {seconds(check.timeout)}"
        yield f"health_passes {check.healthy_threshold}"
        yield f"health_fails {check.unhealthy_threshold}"
        yield f"health_status {self._status(entry, check, at)}"
        headers = [*([("Host", check.host)] if check.host else []), *check.headers]
        if headers:
            fields = [f"{name} {word(text)}" for name, text in headers]
            yield from block("health_headers", fields)

    def _status(self, entry: ProxyEntry, check: HealthCheck, at: Steps) -> str:
        if len(check.expect) == 1 and check.expect[0][0] == check.expect[0][1]:
            return str(check.expect[0][0])
        if check.expect not in {((200, 399),), ((200, 299),)}:
            why = "Caddy takes one status or one class: 2xx"
            self._said.lost(entry.name, "expect", why, (*at, "health_check", "expect"))
        elif check.expect == ((200, 399),):
            why = "a backend that answers with a redirect is not well for Caddy, which takes 2xx"
            self._said.carried("", "health_check", why)
        return "2xx"

    def _tls(self, member: PoolMember) -> Tls | None:
        return member.address.tls if isinstance(member.address, Address) else None

    def _transport(self, members: list[PoolMember], *, tls: bool) -> Iterator[str]:
        timeouts, usual = self._parts.config.timeouts, Timeouts()
        if any(member.address.h2c for member in members):
            yield "versions h2c"
        yield f"dial_timeout {seconds(timeouts.connect)}"
        if timeouts.answer is not None:
            yield f"response_header_timeout {seconds(timeouts.answer)}"
        if timeouts.upstream_idle != usual.upstream_idle:
            yield f"keepalive {seconds(timeouts.upstream_idle)}"
        if not tls:
            return
        found = [each for member in members if (each := self._tls(member)) is not None]
        yield "tls"
        if not all(each.verify for each in found):
            yield "tls_insecure_skip_verify"
        for path in dict.fromkeys(each.ca for each in found if each.ca):
            yield f"tls_trust_pool file {self._mounts.place(Path(path), '/etc/caddy')}"

    # ---- without backends

    def static(self, files: StaticFiles, stem: str, named: Callable[[str], str]) -> list[str]:
        """Files of a folder. `stem` is what the paths of a route begin with, which need not be in
        the folder; `named` gives a matcher its name.
        """
        lines = [f"root * {self._mounts.place(files.folder, '/srv')}"]
        hidden = named("hidden")
        lines += block(f"@{hidden}", ["path_regexp (^|/)\\.", "not path /.well-known/*"])
        lines.append(f"respond @{hidden} 404")
        if stem.strip("/"):
            missing = named("missing")
            lines += block(f"@{missing}", ["not file"])
            lines.append(f"uri @{missing} strip_prefix {word(stem)}")
        if files.spa:
            page = named("page")
            lines += block(f"@{page}", ["not file", "not path_regexp \\.[^/]+$"])
            lines.append(f"rewrite @{page} /{files.index}")
        age = "no-cache" if files.max_age is None else f"max-age={files.max_age:g}"
        lines.append(f"header Cache-Control {age}")
        inner = ["precompressed br gzip"]
        if files.index != StaticFiles.model_fields["index"].default:
            inner.append(f"index {word(files.index)}")
        if files.listing:
            inner.append("browse")
        return [*lines, *block("file_server", inner)]

    def fixed(self, answer: FixedAnswer) -> list[str]:
        """The same answer for all."""
        lines = [f"header {name} {word(literal(text))}" for name, text in answer.headers]
        body = answer.body.decode("utf-8", "replace")
        text = re.sub(r"\{(?=[\w.$?-]+\})", r"\\{", body)
        return [
            *lines,
            f"respond {word(text)} {answer.status}" if body else f"respond {answer.status}",
        ]
