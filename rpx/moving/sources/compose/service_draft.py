"""One service of compose as it will be written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rpx.moving.draft import Draft, DraftService, Written
from rpx.moving.given import Given
from rpx.moving.lined import Lined
from rpx.moving.sources.compose.command_text import for_container
from rpx.moving.sources.compose.compose_files import ComposeProject
from rpx.moving.sources.compose.compose_service import Becomes, ComposeService
from rpx.moving.sources.compose.environment_of import ServiceVariables
from rpx.moving.sources.compose.health_of import duration, health_of
from rpx.moving.sources.compose.mounts import mounts_of
from rpx.moving.sources.compose.named_services import ServiceNames
from rpx.moving.sources.compose.only_inside import engine_options
from rpx.moving.sources.compose.order_of import WaitingOrder
from rpx.moving.sources.compose.process_keys import say_lost, watch_of
from rpx.moving.sources.compose.source_command import source_command
from rpx.moving.sources.compose.traefik_labels import TraefikSaid

_SIZE = re.compile(r"(\d+)\s*([kmg]?)(?:i?b)?", re.IGNORECASE)
_POLICIES = {"any": "always", "none": "no", "on-failure": "on-failure"}


@dataclass(frozen=True, slots=True)
class Drafting:
    """What all services of a project share."""

    project: ComposeProject
    services: Mapping[str, ComposeService]
    ending: set[str]
    names: ServiceNames
    labels: Mapping[str, TraefikSaid]
    given: Given
    draft: Draft

    def add_all(self) -> None:
        """Put all services into the draft that are still some."""
        for service in self.services.values():
            if service.becomes is not Becomes.ROUTES:
                self._add(service)

    def _add(self, service: ComposeService) -> None:
        """Put a service into the draft, with all remarks about it."""
        start = self._container(service) if not service.is_process else self._process(service)
        settings: Written = {}
        if service.page is None:
            settings |= start
        else:
            hosts = self.labels[service.name].hosts
            settings["to"] = (hosts if len(hosts) > 1 else hosts[0]) if hosts else ""
            if hosts and hosts[0].partition(".")[0] != service.new:
                settings["name"] = service.new
            if service.address:
                settings["from"] = service.address
            settings["start"] = start["command"] if start.keys() == {"command"} else start
            if (sticky := self.labels[service.name].sticky) is not None:
                settings["sticky"] = {"cookie": sticky} if sticky else True
        settings |= self._around(service)
        self.draft.add(DraftService(service.new, settings, service.origin))

    def _around(self, service: ComposeService) -> Written:
        """What stands beside `start`: order, health, copies, profiles."""
        settings: Written = {}
        ending = service.name in self.ending
        if ending:
            settings["oneshot"] = True
        health = health_of(service, self.project, self.draft)
        if health == {} and service.page is not None:
            health = self.labels[service.name].health
        if health and ending:
            why = "it is meant to end, and is well when it has"
            self.draft.lost(service.new, "healthcheck", why, service.at("healthcheck"))
        elif not ending and (health or health is False):
            settings["health_check"] = health
        order = WaitingOrder(self.services, self.ending, self.project, self.draft)
        if waits := order.of(service):
            settings["depends_on"] = waits
        if profiles := service.get("profiles"):
            settings["profiles"] = [self.project.filled(item) for item in profiles.items]
        return settings | self._copies(service)

    def _copies(self, service: ComposeService) -> Written:
        deploy = service.get("deploy")
        written = (deploy.get("replicas") if deploy else None) or service.get("scale")
        text = self.project.filled(written)
        number = int(text) if text.isdigit() else 1
        if written is None or number == 1:
            return {}
        if number == 0:
            why = "no copies: `rpx start` begins it when it is wanted"
            self.draft.carried(service.new, "replicas: 0", why, written.origin)
            return {"autostart": False}
        if service.page is None or service.behind or service.ports:
            why = "only what has a host, and no other port, can have copies"
            hint = "write an entry for each, with another name"
            self.draft.lost(service.new, f"replicas: {number}", why, written.origin, hint)
            return {}
        return {"replicas": min(number, 100)}

    def _process(self, service: ComposeService) -> Written:
        found = source_command(service, self.draft)
        start: Written = {"command": self._command(service, found.command)}
        folder = service.folder
        if folder is not None and not folder.is_dir():
            why = f"the folder {self.given.below_root(folder)} isn't there"
            self.draft.lost(service.new, "build.context", why, service.at("build"), "make it")
        elif folder is not None and folder != self.given.root:
            start["cwd"] = self.given.below_root(folder)
        if service.get("working_dir"):
            why = "a process starts in the folder of its source"
            self.draft.carried(service.new, "working_dir", why, service.at("working_dir"))
        start |= self._shared(service)
        if found.fails:
            start["restart"] = "no"
        if watch := watch_of(service, self.project, self.draft):
            start["watch"] = watch
        say_lost(service, self.project, self.draft, set())
        return start

    def _command(self, service: ComposeService, command: str | list[str]) -> str | list[str]:
        """With addresses of rpx, and `$PORT` where it can't have the number that it says."""
        text = command if isinstance(command, str) else ""
        words = [] if isinstance(command, str) else command
        named = [self.names.rewritten("", each, service) for each in (words or [text])]
        where = service.at("command")
        if any(names for _, names in named):
            text = text and named[0][0]
            words = [new for new, _ in named] if words else []
            why = "names of services became addresses of rpx, which its shell fills in"
            self.draft.carried(service.new, "command", why, where)
            text = text or " ".join(f'"{word}"' if "$" in word else word for word in words)
            words = []
        page = service.page
        moved = page is not None and not service.address.endswith((f":{page}", "}"))
        whole = text or " ".join(words)
        if moved and re.search(rf"(?<![\d.]){page}(?!\d)", whole):
            why = f"its {page} became $PORT, where rpx says which port it has"
            self.draft.guessed(service.new, "command", why, where)
            return re.sub(rf"(?<![\d.]){page}(?!\d)", "$PORT", whole)
        return words or text

    def _container(self, service: ComposeService) -> Written:
        start: Written = {}
        if "build" in service.written.mapping:
            start["build"] = self._build(service)
        if image := service.get("image"):
            start["image"] = image.text
        if service.page is not None:
            start["port"] = service.page
        start |= self._words(service)
        start |= self._shared(service)
        inside, mounting = self._inside(service)
        start |= inside
        options, done = engine_options(service, self.project, self.draft)
        options = [*mounting, *options]
        if options:
            start["container_options"] = options
        if service.get("develop"):
            why = "a container isn't restarted when files change"
            self.draft.lost(service.new, "develop", why, service.at("develop"))
        say_lost(service, self.project, self.draft, done)
        return start

    def _words(self, service: ComposeService) -> Written:
        """Its entrypoint and command."""
        start: Written = {}
        for key in ("entrypoint", "command"):
            written = service.get(key)
            if written is None:
                continue
            words, filled = for_container(written, self.project, fill=key == "command")
            if not words:
                why = "rpx can't take away what the image has"
                self.draft.lost(service.new, key, why, service.at(key))
                continue
            start[key] = words
            if filled:
                why = "its variables have the values of now: no shell sees it"
                self.draft.guessed(service.new, key, why, service.at(key))
        return start

    def _build(self, service: ComposeService) -> object:
        written = service.written.mapping["build"]
        folder = service.folder or self.project.folder
        build: dict[str, Any] = {"context": self.given.below_root(folder)}
        for word in ("dockerfile", "target"):
            if inner := written.get(word):
                build[word] = inner.text
        if args := written.get("args"):
            build["args"] = args.plain()
        return build["context"] if len(build) == 1 else build

    def _inside(self, service: ComposeService) -> tuple[Written, list[str]]:
        """What only a container has, and options for the engine to mount by."""
        start: Written = {}
        for key, ours in (("user", "user"), ("working_dir", "workdir"), ("platform", "platform")):
            if written := service.get(key):
                start[ours] = written.text
        if written := service.get("shm_size"):
            if size := _SIZE.fullmatch(self.project.filled(written).strip()):
                unit = size[2].lower()
                start["shm_size"] = f"{size[1]}{unit}b" if unit else int(size[1])
            else:
                self.draft.lost(service.new, "shm_size", "it is no size", written.origin)
        if written := service.get("extra_hosts"):
            lines = [re.sub(r"^([^:=]+)=", r"\1:", item.text) for item in written.items]
            lines += [f"{name}:{inner.text}" for name, inner in written.mapping.items()]
            start["extra_hosts"] = lines
        mounts = mounts_of(service, self.project, self.given, self.draft)
        if mounts.volumes:
            start["volumes"] = mounts.volumes
            self._about_data(service, mounts.volumes)
        if mounts.tmpfs:
            start["tmpfs"] = mounts.tmpfs
        return start, mounts.options

    def _about_data(self, service: ComposeService, volumes: list[str]) -> None:
        for volume in volumes:
            if ":" in volume and re.match(r"[A-Za-z0-9]", volume):
                name = volume.partition(":")[0]
                why = "its data stays in compose's volume of that name; rpx removes none"
                where = service.at("volumes")
                self.draft.carried(service.new, f"volumes: {name}", why, where, kept=True)

    def _shared(self, service: ComposeService) -> Written:
        """What processes and containers have alike."""
        start: Written = {}
        environment = ServiceVariables(self.names, self.project, self.given, self.draft)
        if env := environment.env(service):
            start["env"] = env
        if files := environment.files(service):
            start["env_file"] = files
        if service.ports:
            start["ports"] = list(service.ports.values())
        if restart := self._restart(service):
            start["restart"] = restart
        if (tty := service.get("tty")) and self.project.filled(tty).lower() == "true":
            start["tty"] = True
            where = service.at("tty")
            self.draft.carried(service.new, "tty", "a terminal of its own", where, kept=True)
        if signal := service.get("stop_signal"):
            start["stop_signal"] = signal.text
        if (grace := service.get("stop_grace_period")) and (
            time := duration(self.project.filled(grace))
        ):
            start["stop_grace_period"] = time
        return start

    def _restart(self, service: ComposeService) -> object:
        written = service.get("restart")
        deploy = service.get("deploy")
        policy = deploy.get("restart_policy") if deploy else None
        ending = service.name in self.ending
        if written is None:
            return None if policy is None or ending else self._policy(policy)
        word = self.project.filled(written)
        if word.startswith("on-failure:") and not word[11:].strip("0"):
            word = "on-failure"
        if ending and word in {"always", "unless-stopped"}:
            why = "somebody waits for it to end: it isn't started again"
            self.draft.lost(service.new, f"restart: {word}", why, written.origin)
            return None
        return written.text if "$" in written.text else word

    def _policy(self, policy: Lined) -> object:
        """What `deploy` says of it."""
        condition = self.project.filled(policy.get("condition")) or "any"
        found: Written = {"policy": _POLICIES.get(condition, "always")}
        if (most := self.project.filled(policy.get("max_attempts"))).isdigit():
            found["max_restarts"] = int(most)
        if (window := duration(self.project.filled(policy.get("window")))) not in {None, "0s"}:
            found["window"] = window
        if delay := duration(self.project.filled(policy.get("delay"))):
            found["backoff"] = {"initial": delay, "factor": 1}
        return found if len(found) > 1 else found["policy"]
