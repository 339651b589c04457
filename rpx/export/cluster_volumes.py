"""What a container of a cluster mounts: claims for what stays, files of the project, memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rpx.export.block_yaml import Noted
from rpx.export.cluster_names import name_of_file, safe_name
from rpx.export.project_parts import ExportService, Parts
from rpx.export.said import Remarked
from rpx.export.service_env import relative
from rpx.model.container import Volume

_MOST = 256 * 1024  # bytes of a ConfigMap: it may have a megabyte
_MOST_FILES = 50


@dataclass(slots=True)
class Mounted:
    """The volumes of one pod, its mounts, and which claims are among them."""

    volumes: list[dict[str, object]] = field(default_factory=list)
    mounts: list[dict[str, object]] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)

    def add(self, name: str, source: dict[str, object], mount: dict[str, object]) -> None:
        """One more, under a name of its own unless it is the same volume."""
        if all(each["name"] != name for each in self.volumes):
            self.volumes.append({"name": name, **source})
        self.mounts.append({"name": name, **mount})


class Volumes:
    """Makes them for all services; `claims` and `files` are objects for themselves."""

    def __init__(self, parts: Parts, said: Remarked) -> None:
        self.claims: dict[str, None] = {}
        self.files: dict[str, dict[str, str]] = {}  # of each ConfigMap, the texts by their names
        self._parts = parts
        self._said = said

    def of(self, service: ExportService) -> Mounted:
        """Those of one service."""
        found = Mounted()
        container = service.start.container
        if container is None:
            return found
        for index, volume in enumerate(container.volumes):
            at = (*service.at, "volumes", index)
            if volume.name:
                self._claim(service, volume, found, at)
            elif volume.source:
                self._file(service, volume, found, at)
            else:
                name = safe_name(f"own{volume.target}")
                found.add(name, {"emptyDir": {}}, {"mountPath": volume.target})
        memory = [(each.partition(":")[0], "") for each in container.tmpfs]
        if container.shm_size is not None:
            memory.append(("/dev/shm", str(container.shm_size)))  # noqa: S108 - a mount's place
        for place, size in memory:
            inner = {"medium": "Memory", "sizeLimit": size} if size else {"medium": "Memory"}
            source: dict[str, object] = {"emptyDir": inner}
            found.add(safe_name(f"memory{place}"), source, {"mountPath": place})
        return found

    def _claim(
        self, service: ExportService, volume: Volume, found: Mounted, at: tuple[str | int, ...]
    ) -> None:
        name = safe_name(f"{self._parts.config.name}-{volume.name}")
        self.claims[name] = None
        found.claims.append(name)
        source: dict[str, object] = {"persistentVolumeClaim": {"claimName": name}}
        found.add(name, source, _mount(volume))
        why = f"the claim {name} asks for 1Gi: rpx.yaml doesn't say how much"
        self._said.guessed(service.family, "volumes", why, at)

    def _file(
        self, service: ExportService, volume: Volume, found: Mounted, at: tuple[str | int, ...]
    ) -> None:
        path = Path(volume.source)
        shown = relative(path, self._parts.root)
        texts = _texts_of(path)
        if texts is None:
            why = f"{shown} is of this machine, and no few texts that a ConfigMap could hold"
            hint = "put it into the image, or into a volume"
            self._said.lost(service.family, "volumes", why, at, hint)
            return
        name = name_of_file(self._parts.config.name, f"{path.name}-files")
        self.files[name] = texts
        self._said.carried(service.family, "volumes", f"{shown} as it is now is in {name}", at)
        mount = {"mountPath": volume.target, "readOnly": True}
        if path.is_file():
            mount["subPath"] = path.name
        found.add(name, {"configMap": {"name": name}}, mount)


def _mount(volume: Volume) -> dict[str, object]:
    only = {"readOnly": True} if "ro" in volume.options.split(",") else {}
    return {"mountPath": volume.target, **only}


def _texts_of(path: Path) -> dict[str, str] | None:
    """A file, or those of a flat folder; None where they are no texts, or too much."""
    try:
        files = [path] if path.is_file() else sorted(path.iterdir())
        if len(files) > _MOST_FILES or not all(each.is_file() for each in files):
            return None
        if sum(each.stat().st_size for each in files) > _MOST:
            return None
        return {each.name: each.read_text("utf-8") for each in files}
    except (OSError, UnicodeDecodeError):
        return None


def claim(name: str, labels: dict[str, str]) -> dict[str, object]:
    """Return the object of a claim."""
    size = Noted("1Gi", "TODO: how much it needs")
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
        },
    }
