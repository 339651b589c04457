"""`depends_on` and `links` of a service, and which services are meant to end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rpx.moving.draft import Draft
from rpx.moving.lined import Lined
from rpx.moving.sources.compose.compose_files import ComposeProject
from rpx.moving.sources.compose.compose_service import Becomes, ComposeService
from rpx.moving.sources.compose.merging import named

# Words of commands that end by themselves, and of those that don't.
_ENDS = re.compile(
    r"(?<![\w-])(?:migrate\w*|migrations?|db:\w+|seed\w*|upgrade head|collectstatic|loaddata"
    r"|setup|init\w*|install|build|create[\w-]+|mb)(?![\w-])"
)
_STAYS = re.compile(
    r"(?:serve|server|runserver|\w+corn|start|dev|watch|worker|puma)(?!\w)|\bsleep\b|\btail\b"
)
_COMPLETED = "service_completed_successfully"
_CONDITIONS = {"service_started": "started", "service_healthy": "healthy", _COMPLETED: "completed"}


def oneshots(services: Iterable[ComposeService], project: ComposeProject, draft: Draft) -> set[str]:
    """The names of those that somebody waits for to end, or that say themselves that they do."""
    found: set[str] = set()
    there = list(services)
    for service in there:
        waits = service.get("depends_on")
        for name, how in waits.mapping.items() if waits else ():
            condition = how.get("condition")
            if condition and condition.text == _COMPLETED:
                found.add(name)
    for service in there:
        if service.name not in found and _ends(service, project):
            found.add(service.name)
            why = "with `restart: no` and this command it is meant to end: the others wait for that"
            draft.guessed(service.new, "oneshot", why, service.at("restart"))
    return found


def _ends(service: ComposeService, project: ComposeProject) -> bool:
    """Whether it isn't to be restarted, listens nowhere, and has a command that comes to an end."""
    restart = service.get("restart")
    if restart is None or project.filled(restart).lower() not in {"no", "false"}:
        return False
    if service.published or service.get("healthcheck"):
        return False
    parts = [part for key in ("entrypoint", "command") if (part := service.get(key))]
    text = " ".join(item.text for part in parts for item in part.items or [part])
    return bool(_ENDS.search(text)) and not _STAYS.search(text)


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """Who waits for whom. `ending`: the names of those that somebody waits for to end."""

    services: Mapping[str, ComposeService]
    ending: set[str]
    project: ComposeProject
    draft: Draft

    def of(self, service: ComposeService) -> list[str] | dict[str, dict[str, object]] | None:
        """What `depends_on` becomes: a list where no condition has to be said; None for nothing."""
        found: dict[str, dict[str, object]] = {}
        for name, how in self._waits(service).items():
            other = self.services.get(name)
            if other is None:
                why = "there is no such service"
                self.draft.lost(service.new, f"depends_on: {name}", why, how.origin)
            elif other.becomes is Becomes.ROUTES:
                why = f"`{name}` is no service any more, but routes of rpx"
                self.draft.carried(service.new, f"depends_on: {name}", why, how.origin, kept=True)
            elif other is not service:
                found[other.new] = self._condition(service, other, how)
        if not any(found.values()):
            return list(found) or None
        usual = {self.services[name].new for name in self.ending if name in self.services}
        for name, how_it_is in found.items():
            how_it_is.setdefault("condition", "completed" if name in usual else "healthy")
        return found

    def _waits(self, service: ComposeService) -> dict[str, Lined]:
        written = service.get("depends_on")
        waits = dict(named(written).mapping) if written else {}
        links = service.get("links")
        for item in links.items if links else ():
            name, _, alias = self.project.filled(item).partition(":")
            waits.setdefault(name, Lined(None, item.origin))
            if alias and alias != name:
                why = f"nobody is called `{alias}` on this machine"
                what = f"links: {item.text}"
                self.draft.lost(service.new, what, why, item.origin, "use its address")
        return waits

    def _condition(
        self, service: ComposeService, other: ComposeService, how: Lined
    ) -> dict[str, object]:
        said: dict[str, object] = {}
        usual = "completed" if other.name in self.ending else "healthy"
        condition = self.project.filled(how.get("condition"))
        if condition and _CONDITIONS.get(condition, usual) != usual:
            said["condition"] = _CONDITIONS[condition]
        what = f"depends_on: {other.name}"
        required, restart = how.get("required"), how.get("restart")
        if required and self.project.filled(required).lower() == "false":
            said["required"] = False
            why = "started without it where it isn't there or has failed"
            where = required.origin
            self.draft.carried(service.new, f"{what}.required: false", why, where, kept=True)
        if restart and self.project.filled(restart).lower() == "true":
            why = "rpx doesn't restart a service because another one was restarted"
            self.draft.lost(service.new, f"{what}.restart", why, restart.origin)
        return said
