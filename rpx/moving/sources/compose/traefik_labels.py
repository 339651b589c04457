"""Labels that Traefik routes by (https://doc.traefik.io/traefik/routing/providers/docker/)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from rpx.moving.draft import Draft, DraftService, Written
from rpx.moving.lined import Lined
from rpx.moving.remarks import Origin
from rpx.moving.service_names import fresh, name_of
from rpx.moving.sources.compose.compose_files import ComposeProject
from rpx.moving.sources.compose.compose_service import ComposeService
from rpx.moving.sources.compose.health_of import duration
from rpx.moving.sources.compose.merging import pairs

_LABEL = re.compile(r"traefik\.(?:http|tcp|udp)\.(routers|services|middlewares)\.([^.]+)\.(.+)")
_MATCHER = re.compile(r"(!?)\s*(\w+)\(([^)]*)\)")
_QUOTED = re.compile(r"[`'\"]([^`'\"]+)[`'\"]")
_WILD = re.compile(r"\^?(?:\{\w+:[^}]*\}|\[[^\]]*\]\+|\.\+|\(\?P<\w+>[^)]*\))\\?\.(.+?)\$?\Z")

_HEALTH = {"path": "path", "hostname": "host", "interval": "interval", "timeout": "timeout"}


@dataclass(slots=True)
class LabelledWay:
    """A host's requests below a path, for a service."""

    host: str
    path: str
    strip: bool
    service: str
    origin: Origin


@dataclass(slots=True)
class TraefikSaid:
    """What the labels of one service say: hosts of its own, ways of others, its port."""

    hosts: list[str] = field(default_factory=list)
    ways: list[LabelledWay] = field(default_factory=list)
    port: int | None = None
    sticky: str | None = None
    health: Written = field(default_factory=dict)  # as `health_check` has it


def read_labels(service: ComposeService, project: ComposeProject, draft: Draft) -> TraefikSaid:
    """Hosts and ways, with what there is to say about the rest."""
    reading = _Reading(service, project, draft)
    reading.all()
    return reading.found


@dataclass(slots=True)
class _Reading:
    service: ComposeService
    project: ComposeProject
    draft: Draft
    found: TraefikSaid = field(default_factory=TraefikSaid)

    def all(self) -> None:
        ours = self._labels()
        if self.project.filled(ours.get("traefik.enable")).lower() == "false":
            return
        parts: dict[str, dict[str, dict[str, Lined]]] = {}
        for key, value in ours.items():
            if match := _LABEL.fullmatch(key):
                parts.setdefault(match[1], {}).setdefault(match[2], {})[match[3]] = value
            elif key not in {"traefik.enable", "traefik.docker.network"}:
                self._lost(key, "rpx has nothing like it", value)
        for words in parts.get("services", {}).values():
            self._service(words)
        for words in parts.get("routers", {}).values():
            self._router(words, parts.get("middlewares", {}))

    def _labels(self) -> dict[str, Lined]:
        """Those of Traefik."""
        written = self.service.get("labels")
        labels = pairs(written).mapping if written else {}
        ours = {key.lower(): value for key, value in labels.items() if key.startswith("traefik.")}
        for key, value in labels.items():
            if key.lower() not in ours:
                self._lost(key, "nobody reads it here", value)
        return ours

    def _lost(self, label: str, why: str, value: Lined, hint: str = "") -> None:
        self.draft.lost(self.service.new, f"labels: {label}", why, value.origin, hint)

    def _service(self, words: dict[str, Lined]) -> None:
        for word, value in words.items():
            text = self.project.filled(value)
            if word == "loadbalancer.server.port" and text.isdigit():
                self.found.port = int(text)
            elif word in {"loadbalancer.sticky", "loadbalancer.sticky.cookie"}:
                self.found.sticky = self.found.sticky or ""
            elif word == "loadbalancer.sticky.cookie.name":
                self.found.sticky = text
            elif not self._health(word, text):
                self._lost(word, "rpx has nothing like it", value)
        if "path" not in self.found.health:
            self.found.health.clear()

    def _health(self, word: str, text: str) -> bool:
        """Whether that is a word of a health check that rpx has, too."""
        before, _, key = word.rpartition(".")
        if before != "loadbalancer.healthcheck" or key not in _HEALTH:
            return False
        said = text if key in {"path", "hostname"} else duration(text)
        if said:
            self.found.health[_HEALTH[key]] = said
        return bool(said)

    def _router(self, words: dict[str, Lined], middlewares: dict[str, dict[str, Lined]]) -> None:
        rule = words.get("rule")
        if rule is None:
            return
        for word, value in words.items():
            if word.partition(".")[0] == "tls":
                why = "`https: true` at the top of rpx.yaml is for all hosts"
                self._lost(word, "not carried over", value, why)
            elif word not in {"rule", "entrypoints", "middlewares", "service", "priority"}:
                self._lost(word, "rpx has nothing like it", value)
        hosts, paths = self._rule(rule)
        stripped = self._stripped(words.get("middlewares"), middlewares)
        if not paths and not stripped:
            self.found.hosts += [host for host in hosts if host not in self.found.hosts]
        for host in hosts or ["*"]:
            for path in paths or sorted(stripped):
                way = LabelledWay(host, path, path in stripped, self.service.new, rule.origin)
                self.found.ways.append(way)

    def _stripped(self, named: Lined | None, middlewares: dict[str, dict[str, Lined]]) -> set[str]:
        if named is None:
            return set()
        names = self.project.filled(named).split(",")
        return set().union(*(self._middleware(each.strip(), middlewares, named) for each in names))

    def _rule(self, rule: Lined) -> tuple[list[str], list[str]]:
        hosts: list[str] = []
        paths: list[str] = []
        for denied, name, inside in _MATCHER.findall(rule.text):
            texts = _QUOTED.findall(inside)
            if name == "Host" and not denied:
                hosts += [text if "$" in text else text.lower() for text in texts]
            elif name in {"PathPrefix", "Path"} and not denied:
                paths += [text.rstrip("/") for text in texts if text != "/"]
            elif name == "HostRegexp" and not denied and (wild := _wild(texts)):
                hosts.append(wild)
            else:
                why = f"rpx has no `{denied}{name}` of Traefik's: the rest of the rule is carried"
                self._lost("rule", why, rule, "see `method`, `headers` and `query` of `routes`")
        return hosts, paths

    def _middleware(
        self, name: str, middlewares: dict[str, dict[str, Lined]], named: Lined
    ) -> set[str]:
        """The prefixes that it cuts off."""
        words = middlewares.get(name.partition("@")[0].lower(), {})
        if not words:
            self._lost(f"middleware {name}", "it isn't among the labels of this service", named)
        stripped: set[str] = set()
        for word, value in words.items():
            if word == "stripprefix.prefixes":
                stripped |= {each.strip().rstrip("/") for each in value.text.split(",")}
            elif word.startswith("redirectscheme"):
                why = "with `https: true` rpx sends browsers there itself"
                self.draft.carried(self.service.new, f"labels: {word}", why, value.origin)
            elif word != "stripprefix.forceslash":
                hint = "see `headers`, `auth` and `redirect` of a proxy"
                self._lost(word, "not carried over", value, hint)
        return stripped


def _wild(texts: list[str]) -> str:
    """`*.shop.test` for an expression that says no more than that; "" for all others."""
    found = _WILD.fullmatch(texts[0].replace("$$", "$")) if len(texts) == 1 else None
    host = found[1].replace("\\.", ".") if found else ""
    return f"*.{host.lower()}" if re.fullmatch(r"[\w.-]+", host) else ""


def add_ways(ways: Iterable[LabelledWay], draft: Draft) -> None:
    """Put ways into the proxies that have their hosts, or into new ones."""
    for way in sorted(ways, key=lambda each: -len(each.path)):
        route: dict[str, object] = {"path": f"{way.path}/*"}
        if way.strip:
            route["strip_prefix"] = way.path
        route["proxy"] = way.service
        proxy = next((s for s in draft.services.values() if way.host in _hosts(s)), None)
        if proxy is None:
            name = fresh(name_of(way.host.partition(".")[0], "site"), draft.services)
            settings: dict[str, object] = {"to": way.host}
            if name != way.host.partition(".")[0]:
                settings["name"] = name
            proxy = DraftService(name, settings, way.origin)
            draft.services[name] = proxy
        proxy.settings.setdefault("routes", []).append(route)


def _hosts(service: DraftService) -> list[object]:
    to = service.settings.get("to")
    return to if isinstance(to, list) else [to]
