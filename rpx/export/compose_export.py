"""A project as a compose file, with a Caddy before it that balances."""

from __future__ import annotations

from typing import Final

from rpx.export.block_yaml import Anchored, block_yaml
from rpx.export.caddy_answers import OUTSIDE, Mounts
from rpx.export.caddy_sites import Caddyfile
from rpx.export.compose_services import ComposeServices, left_out
from rpx.export.meeting import Meeting
from rpx.export.project_parts import Parts
from rpx.export.said import Remarked
from rpx.export.service_env import Environment, relative

BALANCER_IMAGE: Final = "caddy:2"


def compose_files(parts: Parts, said: Remarked) -> dict[str, str]:
    """Return the compose file of a project."""
    return {"compose.yaml": _Writer(parts, said).text()}


class _Writer:
    def __init__(self, parts: Parts, said: Remarked) -> None:
        self._parts = parts
        self._said = said
        self._names = {service.name for service in parts.services}
        self._balancer = self._free("balancer")
        self._aliases = self._aliases_of_proxies()
        self._env = Environment(parts, self._meeting(), said)
        waited = {
            dependency.name
            for service in parts.services
            for dependency in service.depends_on
            if dependency.condition == "healthy"
        }
        self._services = ComposeServices(parts, self._env, waited, said)

    def text(self) -> str:
        """The file, with a word at its head on what it is."""
        services = {each.name: self._services.service(each) for each in self._parts.services}
        caddy = Caddyfile(self._parts, self._env.told, self._aliases, self._said)
        top: dict[str, object] = {"name": self._parts.config.name.lower()}
        if self._env.told and any(not each.is_image for each in self._parts.services):
            top["x-told"] = Anchored("told", dict(self._env.told))
        if any(proxy.reached for proxy in self._parts.config.proxies):
            content = caddy.text().replace("$", "$$")
            services[self._balancer] = self._balancer_service(caddy.mounts)
            top["services"] = services
            top["configs"] = {"caddyfile": {"content": content}}
            self._services.volumes["caddy"] = None
        else:
            top["services"] = services
        if self._services.volumes:
            top["volumes"] = dict.fromkeys(self._services.volumes)
        head = (
            "# Written by `rpx export compose`: a start, to be looked through. What says TODO\n"
            "# does not run yet. Needs Docker Compose 2.23 and Caddy 2.10 (caddy:2 is), or later.\n"
        )
        return head + block_yaml(top, apart=2)

    def _free(self, name: str) -> str:
        while name in self._names:
            name = f"rpx-{name}"
        return name

    def _aliases_of_proxies(self) -> dict[str, str]:
        """The names by which services reach what the balancer has to do with, by `to`: pools of
        several, and whatever has routes or no backend.
        """
        found: dict[str, str] = {}
        for proxy in self._parts.config.proxies:
            if not proxy.reached or "*" in proxy.host or proxy.to in found:
                continue
            members = self._parts.pools[proxy.to]
            own = len(members) == 1 and members[0].service is not None
            if proxy.routes or proxy.answerer or not own:
                taken = proxy.name in self._names
                found[proxy.to] = f"{proxy.name}-balanced" if taken else proxy.name
        return found

    def _meeting(self) -> Meeting:
        config = self._parts.config
        places: dict[str, tuple[str, int]] = {}
        for proxy in config.proxies:
            members = self._parts.pools[proxy.to]
            if proxy.to in self._aliases:
                port = config.listen.http_port or 80
                places.setdefault(proxy.name, (self._aliases[proxy.to], port))
            elif members and members[0].service is not None:
                places.setdefault(proxy.name, (members[0].service.name, members[0].port))
        for service in self._parts.services:
            ports = [inside for _, inside in service.ports]
            if ports:
                places.setdefault(service.family, (service.name, ports[0]))
        own = {each.name: each.ports[0][1] for each in self._parts.services if each.ports}
        return Meeting(places, own, "0.0.0.0")  # noqa: S104 - in a network of its own

    # ---- the balancer

    def _balancer_service(self, mounts: Mounts) -> dict[str, object]:
        config = self._parts.config
        host = "127.0.0.1:" if config.listen.host in {"localhost", "127.0.0.1", "::1"} else ""
        listening = [config.listen.http_port or 80]
        if config.secured:
            listening.append(config.listen.https_port or 443)
        volumes = [
            f"{relative(path, self._parts.root)}:{place}:ro" for path, place in mounts.found.items()
        ]
        found: dict[str, object] = {
            "image": BALANCER_IMAGE,
            "ports": [f"{host}{port}:{port}" for port in listening],
            "configs": [{"source": "caddyfile", "target": "/etc/caddy/Caddyfile"}],
            "volumes": [*volumes, "caddy:/data"],
        }
        behind = [
            member.service.name
            for members in self._parts.pools.values()
            for member in members
            if member.service is not None and not left_out(member.service)
        ]
        if behind:
            found["depends_on"] = list(dict.fromkeys(behind))
        if mounts.outside:
            found["extra_hosts"] = [f"{OUTSIDE}:host-gateway"]
        if self._aliases:
            found["networks"] = {
                "default": {"aliases": list(dict.fromkeys(self._aliases.values()))}
            }
        found["restart"] = "on-failure"
        if config.secured and any(not each.cert for each in config.secured.values()):
            why = "Caddy has an authority of its own, which browsers don't trust yet"
            hint = "its root is in the volume `caddy`, pki/authorities/local/root.crt"
            self._said.carried("", "https", why, ("https",), hint)
        return found
