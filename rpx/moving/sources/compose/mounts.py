"""`volumes`, `tmpfs`, `configs` and `secrets` of a service: what is mounted into a container."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from rpx.config.variables.interpolate import interpolate
from rpx.moving.draft import Draft
from rpx.moving.given import Given
from rpx.moving.lined import Lined
from rpx.moving.remarks import Origin
from rpx.moving.sources.compose.compose_files import ComposeProject
from rpx.moving.sources.compose.compose_service import ComposeService

_OPTIONS = {"ro", "z", "Z", "U", "nocopy", "shared", "slave", "private", "rshared", "rslave",
            "rprivate"}  # fmt: skip
_PARTS = re.compile(r":(?![^{]*\})(?!\\)")  # colons but those of ${V:-x}
_SECRETS = "/run/secrets"


@dataclass(slots=True)
class ContainerMounts:
    """Entries for `volumes`, `tmpfs` and `container_options`."""

    volumes: list[str] = field(default_factory=list)
    tmpfs: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)  # for the engine, as `-v name:/data`


def mounts_of(
    service: ComposeService, project: ComposeProject, given: Given, draft: Draft
) -> ContainerMounts:
    """All that is mounted into the container. What can't be is said."""
    mounting = _Mounting(service, project, given, draft)
    mounting.volumes()
    mounting.files()
    if tmpfs := service.get("tmpfs"):
        mounting.mounts.tmpfs += [item.text for item in tmpfs.items or [tmpfs]]
    mounting.mounts.volumes = list(dict.fromkeys(mounting.mounts.volumes))
    return mounting.mounts


def _text(value: Lined | None) -> str:
    return value.text if value else ""


@dataclass(slots=True)
class _Mounting:
    service: ComposeService
    project: ComposeProject
    given: Given
    draft: Draft
    mounts: ContainerMounts = field(default_factory=ContainerMounts)

    def volumes(self) -> None:
        written = self.service.get("volumes")
        for item in written.items if written else ():
            volume = self._long(item) if item.mapping else item.text
            if not volume:
                continue
            placed = self._placed(volume, item)
            if called := self._called(placed.partition(":")[0]):
                self.mounts.options += ["-v", f"{called}:{placed.partition(':')[2]}"]
            else:
                self.mounts.volumes.append(placed)

    def files(self) -> None:
        """Configs and secrets that are files."""
        for kind in ("configs", "secrets"):
            written = self.service.get(kind)
            for item in written.items if written else ():
                if volume := self._file(kind, item):
                    self.mounts.volumes.append(volume)

    def _lost(self, what: str, why: str, where: Origin, hint: str = "") -> None:
        self.draft.lost(self.service.new, what, why, where, hint)

    def _long(self, item: Lined) -> str:
        """The long form as the short one; "" where it isn't a volume."""
        kind = self.project.filled(item.get("type")) or "volume"
        source, target = item.get("source"), _text(item.get("target"))
        if kind == "tmpfs":
            self.mounts.tmpfs.append(target)
            return ""
        if kind not in {"bind", "volume"} or not target:
            self._lost(f"volumes: {target}", f"rpx has no volume of type `{kind}`", item.origin)
            return ""
        for word in ("bind", "volume", "image"):
            inner = item.get(word)
            more = sorted(inner.mapping.keys() - {"create_host_path"}) if inner else []
            if more:
                what = f"volumes: {target}: {word}.{', '.join(more)}"
                self._lost(what, "rpx has no words for it", item.at(word))
        options = ":ro" if self.project.filled(item.get("read_only")).lower() == "true" else ""
        name = source.text if source else ""
        if kind == "bind" and not name.startswith((".", "/", "~", "$")):
            name = f"./{name}"
        return f"{name}:{target}{options}" if name else target

    def _placed(self, volume: str, item: Lined) -> str:
        """With a folder as seen from rpx.yaml, and only options that both engines have."""
        source, *rest = _PARTS.split(volume)
        if not rest:
            return volume
        filled = interpolate(source, self.project.variables)
        if filled.startswith((".", "/", "~")):
            path = Path(os.path.normpath(self.project.folder / os.path.expanduser(filled)))
            if not path.exists():
                why = f"{source} isn't there; compose would make a folder of it, rpx does not"
                hint = f"`mkdir -p {self.given.below_root(path)}`"
                self.draft.guessed(self.service.new, f"volumes: {volume}", why, item.origin, hint)
            if source.startswith("."):
                source = self.given.below_root(path) if "$" not in source else source
                source = "./" if source == "." else source
        else:
            self._named(filled, item)
        options = [each for part in rest[1:] for each in part.split(",") if each in _OPTIONS]
        return ":".join([source, rest[0], *([",".join(options)] if options else [])])

    def _called(self, name: str) -> str:
        """What the engine calls a volume that isn't PROJECT_name; "" for those that are."""
        top = self.project.top["volumes"].get(name)
        if top is None:
            return ""
        external = top.get("external")
        own = top.get("name") or (external.get("name") if external else None)
        if own is not None:
            return self.project.filled(own)
        return name if self.project.filled(external).lower() == "true" else ""

    def _named(self, name: str, item: Lined) -> None:
        """Say what is said of a volume at the top level, and can't be here."""
        top = self.project.top["volumes"].get(name)
        if top is None:
            return
        if called := self._called(name):
            why = f"its data stays in the volume `{called}` (`container_options: -v`)"
            self.draft.carried(self.service.new, f"volumes: {name}", why, item.origin, kept=True)
        for word, inner in top.mapping.items():
            usual = word == "driver" and self.project.filled(inner) in {"", "local"}
            if usual or word in {"external", "name", "labels"} or word.startswith("x-"):
                continue
            why = f"the engine makes a volume without `{word}`, unless it has this one already"
            hint = "`docker volume create`, before the first `rpx up`"
            self._lost(f"volumes.{name}.{word}", why, top.at(word), hint)

    def _file(self, kind: str, item: Lined) -> str:
        """A config or secret that is a file is mounted as one; "" for others."""
        name = self.project.filled(item.get("source") or item)
        top = self.project.top[kind].get(name)
        file = top.get("file") if top else None
        if file is None:
            others = ("environment", "content", "external")
            have = next((word for word in others if top and top.get(word)), "")
            why = f"it is no file{f', but `{have}`' if have else ''}: rpx can only mount files"
            self._lost(f"{kind}: {name}", why, item.origin, "write it to a file")
            return ""
        usual = f"{_SECRETS}/{name}" if kind == "secrets" else f"/{name}"
        target = self.project.filled(item.get("target")) or usual
        if not target.startswith("/"):
            target = f"{_SECRETS}/{target}"
        path = Path(os.path.normpath(self.project.folder / self.project.filled(file)))
        why = f"mounted as {target}"
        self.draft.carried(self.service.new, f"{kind}: {name}", why, item.origin)
        return f"{self.given.below_root(path)}:{target}:ro"
