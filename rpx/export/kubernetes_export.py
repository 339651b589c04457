"""A project as Kubernetes' objects: workloads, Services, an Ingress, and what they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from rpx.export.block_yaml import Noted, block_yaml
from rpx.export.cluster_env import ClusterEnv, config_map
from rpx.export.cluster_names import safe_name, whole
from rpx.export.cluster_pods import Pods
from rpx.export.cluster_volumes import claim
from rpx.export.meeting import Meeting
from rpx.export.project_parts import ExportService, Parts, PoolMember
from rpx.export.said import Remarked
from rpx.export.service_env import Environment
from rpx.model.address import Address
from rpx.model.config import ANY, Sticky
from rpx.model.route import Route, ToPool
from rpx.policy.path_patterns import read_pattern
from rpx.policy.sites import SiteSpec, plan_sites

Object = Mapping[str, object]
_HEAD = """\
# Written by `rpx export kubernetes`: a start, to be looked through. What says TODO does
# not run yet.
"""


def kubernetes_files(parts: Parts, said: Remarked) -> dict[str, str]:
    """Return one file with all objects of a project."""
    texts = [block_yaml(each, apart=0) for each in _Cluster(parts, said).objects()]
    return {f"{safe_name(parts.config.name)}.yaml": _HEAD + "---\n".join(["", *texts]).lstrip()}


class _Cluster:
    def __init__(self, parts: Parts, said: Remarked) -> None:
        self._parts = parts
        self._said = said
        self._services = [*_workloads(parts, said)]
        self._names = self._safe_names()
        meeting = self._meeting()
        self._env = ClusterEnv(parts, Environment(parts, meeting, said), said)
        self._pods = Pods(parts, self._env, self._names, said)

    def objects(self) -> list[Object]:
        """All of them: what others need comes first."""
        found: list[Object] = []
        for service in self._services:
            found.append(self._pods.workload(service, self._services))
            if service.ports:
                found.append(self._service(service))
        labels = {"app.kubernetes.io/part-of": safe_name(self._parts.config.name)}
        first = self._pods.account() if self._pods.waits_for_jobs else []
        first += [claim(name, labels) for name in self._pods.volumes.claims]
        texts = {**self._env.maps, **self._pods.volumes.files}
        first += [config_map(name, each, labels) for name, each in texts.items()]
        ingress = self._ingress()
        return [*first, *found, *self._external(), *([ingress] if ingress else [])]

    # ---- names

    def _safe_names(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for service in self._services:
            name = safe_name(service.name)
            while name in found.values():
                name = safe_name(f"{name}-2")
            found[service.name] = name
            if name != service.name:
                why = f"{name} in the cluster, where names are lower case without _"
                self._said.carried(service.family, "name", why, service.entry)
        return found

    def _meeting(self) -> Meeting:
        places: dict[str, tuple[str, int]] = {}
        for service in self._services:
            if service.ports:
                places.setdefault(service.family, (self._names[service.name], service.ports[0][1]))
        for proxy in self._parts.config.proxies:
            members = self._parts.pools[proxy.to]
            if proxy.name in places or not members:
                continue
            name, port = self._backend(members[0], proxy.name)
            if name:
                places[proxy.name] = (name, port)
        own = {each.name: each.ports[0][1] for each in self._parts.services if each.ports}
        own |= {each.name: each.ports[0][1] for each in self._services if each.ports}
        return Meeting(places, own, "0.0.0.0")  # noqa: S104 - in a network of its own

    def _backend(self, member: PoolMember, proxy: str) -> tuple[str, int]:
        """The Service that stands for a backend, and its port; "": there is none."""
        if member.service is not None:
            family = [each for each in self._services if each.family == member.service.family]
            same = [each for each in family if each.name == member.service.name]
            service = (same or family)[0]
            own = member.service.port == member.port and service.port is not None
            return self._names[service.name], service.port if own and service.port else member.port
        if isinstance(member.address, Address) and not member.address.loopback:
            return safe_name(proxy), member.port
        return "", member.port

    # ---- Services

    def _service(self, service: ExportService) -> Object:
        name = self._names[service.name]
        spec: dict[str, object] = {
            "selector": {"app.kubernetes.io/name": name},
            "ports": [
                {"name": f"port-{inside}", "port": inside, "targetPort": inside}
                for inside in dict.fromkeys(inside for _, inside in service.ports)
            ],
        }
        if sticky := self._sticky(service):
            most = min(whole(sticky.ttl), 86400)
            spec["sessionAffinity"] = "ClientIP"
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": most}}
            why = "clients keep their backend by their address"
            self._said.carried(service.family, "sticky", why, (*service.entry, "sticky"))
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "labels": self._pods.labels(name)},
            "spec": spec,
        }

    def _sticky(self, service: ExportService) -> Sticky | None:
        for proxy in self._parts.config.proxies:
            sticky = proxy.pool.sticky
            if proxy.name == service.family and sticky is not None and sticky.enabled:
                return sticky
        return None

    def _external(self) -> Iterator[Object]:
        """Backends that somebody else runs, where a cluster can ask for them."""
        for proxy in self._parts.config.proxies:
            for member in self._parts.pools[proxy.to]:
                if member.service is not None:
                    continue
                at = (*self._parts.steps.get(id(proxy), ()), "from")
                name, port = self._backend(member, proxy.name)
                if not name:
                    why = "is of this machine, and not started by rpx: no cluster can ask for it"
                    self._said.lost(proxy.name, str(member.address), why, at)
                    continue
                host = str(member.address).rpartition(":")[0]
                why = f"asked for as the Service {name}, which is another name for {host}"
                self._said.carried(proxy.name, str(member.address), why, at)
                yield {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "metadata": {"name": name, "labels": self._pods.labels(name)},
                    "spec": {
                        "type": "ExternalName",
                        "externalName": host,
                        "ports": [{"name": f"port-{port}", "port": port}],
                    },
                }
                break

    # ---- hosts and paths

    def _ingress(self) -> Object | None:
        rules: list[Object] = []
        secured: list[str] = []
        for site in plan_sites(self._parts.config.proxies, {}).values():
            for to in site.reached:
                host, slash, path = to.partition("/")
                paths = self._paths(site, f"{slash}{path}".rstrip("/"))
                if not paths:
                    continue
                rule: dict[str, object] = {} if host == ANY else {"host": host}
                rules.append({**rule, "http": {"paths": paths}})
                if site.https is not None and host != ANY:
                    secured.append(host)
        if not rules:
            return None
        name = safe_name(self._parts.config.name)
        spec: dict[str, object] = {"ingressClassName": Noted("nginx", "TODO: that of your cluster")}
        if secured:
            secret = f"{name}-tls"
            spec["tls"] = [{"hosts": list(dict.fromkeys(secured)), "secretName": secret}]
            hint = f"kubectl create secret tls {secret} --cert=… --key=…, or cert-manager"
            why = f"the certificate is expected in the Secret {secret}"
            self._said.guessed("", "https", why, ("https",), hint)
        why = "an Ingress is written for a class that is only a guess"
        hint = "kubectl get ingressclass; hosts end with .localhost, too, until you change them"
        self._said.guessed("", "ingressClassName", why, hint=hint)
        labels = {"app.kubernetes.io/part-of": name}
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": name, "labels": labels},
            "spec": {**spec, "rules": rules},
        }

    def _paths(self, site: SiteSpec, below: str) -> list[Object]:
        found: list[Object] = []
        for route in site.routes:
            found += self._of_route(route, site)
        if isinstance(site.answerer, ToPool) and (backend := self._to(site.answerer.pool)):
            found.append({"path": below or "/", "pathType": "Prefix", "backend": backend})
        return found

    def _of_route(self, route: Route, site: SiteSpec) -> Iterator[Object]:
        conditions = route.conditions
        if not isinstance(route.answerer, ToPool):
            return  # what answers instead is named among the lost settings
        at = next((each.entry for each in self._services if each.family == route.name), ())
        what = route.where.rpartition(":")[0] and "routes"
        if conditions.methods or conditions.headers or conditions.query:
            why = f"{route.name} is left out: an Ingress asks for host and path alone"
            self._said.lost(site.name, what or "routes", why, at)
            return
        backend = self._to(route.answerer.pool)
        for text in conditions.paths or ("/*",):
            pattern = read_pattern(text)
            if pattern.expression is not None or backend is None:
                why = f"{text} is left out: an Ingress knows a path, or all below one"
                self._said.lost(site.name, "path", why, at)
                continue
            kind = "Prefix" if pattern.below else "Exact"
            path = pattern.stem.decode() or "/"
            yield {"path": path, "pathType": kind, "backend": backend}

    def _to(self, pool: str) -> Object | None:
        members = self._parts.pools.get(pool, ())
        proxy = next((each.name for each in self._parts.config.proxies if each.to == pool), pool)
        for member in members:
            name, port = self._backend(member, proxy)
            if name:
                return {"service": {"name": name, "port": {"number": port}}}
        return None


def _workloads(parts: Parts, said: Remarked) -> Iterator[ExportService]:
    """Services as a cluster has them: copies that differ by their port alone are one."""
    done: set[str] = set()
    for service in parts.services:
        if service.family in done:
            continue
        family = parts.family(service.family)
        starts = {id(each.start): each for each in family}
        alike = all(each.start == service.start for each in starts.values())
        if len(family) == 1 or not alike:
            yield service
            continue
        done.add(service.family)
        weights = {
            member.weight
            for members in parts.pools.values()
            for member in members
            if member.service is not None and member.service.family == service.family
        }
        if len(weights) > 1:
            why = "all copies get the same share of requests"
            said.carried(service.family, "weight", why, (*service.entry, "from"))
        copies = sum(each.copies for each in family)
        yield replace(service, name=service.family, copies=copies)
