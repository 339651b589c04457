"""From an rpx.yaml to the files of another tool, and what there is to say beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rpx.config.checks.profiles import Selection
from rpx.config.load import as_written, load_config
from rpx.config.yaml.document import Document, Steps
from rpx.errors import ConfigError
from rpx.export.fates import Target, lost_settings
from rpx.export.project_parts import Parts, take_apart
from rpx.export.said import Remarked
from rpx.model.config import Config
from rpx.moving.remarks import Came, Remark

Writing = Callable[[Parts, Remarked], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Exported:
    """What is to be written: the text of each file by its name, and what there is to say."""

    files: Mapping[str, str]
    remarks: Sequence[Remark]

    @property
    def losses(self) -> list[Remark]:
        """What rpx.yaml says, and no file does."""
        return [remark for remark in self.remarks if remark.came is Came.LOST]


def read_project(
    path: Path,
    environ: Mapping[str, str],
    warn: Callable[[str], None] | None,
    profiles: Sequence[str],
) -> tuple[Config, Document]:
    """Return a project and its file as it is written. Unless profiles are named it is with those of
    all, as far as these go together. Raises: ConfigError, UsageError.
    """
    written = as_written(path)
    realm = None if written.is_written(("realm",)) else ""  # that of a worktree stays here
    if profiles:
        asked = Selection(tuple(profiles))
        return load_config(path, environ, warn, asked, realm=realm), written
    config = load_config(path, environ, warn, realm=realm)
    try:
        return load_config(path, environ, None, Selection(("*",)), realm=realm), written
    except ConfigError:
        return config, written


def export_project(config: Config, written: Document, target: Target, writing: Writing) -> Exported:
    """Return the files of a project for a tool, as `writing` makes them of its parts."""
    parts = take_apart(config, written)
    said = Remarked(written)
    for at, name, why in lost_settings(written, target):
        said.lost(_service_at(parts, at), name, why, at)
    for at, name in _left_out(parts):
        why = "not there: its profile does not go together with all others"
        said.lost(name, "profiles", why, at, "name the profiles to write: `--profile`")
    return Exported(writing(parts, said), said.remarks)


def _service_at(parts: Parts, at: Steps) -> str:
    """The name of the service that a setting belongs to; "" for those of the project."""
    found = {each.entry: each.family for each in parts.services}
    found |= {parts.steps[id(proxy)]: proxy.name for proxy in parts.config.proxies}
    entries = [entry for entry in found if entry and at[: len(entry)] == entry]
    return found[max(entries, key=len)] if entries else ""


def _left_out(parts: Parts) -> list[tuple[Steps, str]]:
    """The entries of the file that are not in the configuration."""
    values = parts.written.values
    processes, proxies = values.get("processes"), values.get("proxies")
    there = {process.name for process in parts.config.processes}
    names = processes if isinstance(processes, dict) else {}
    found: list[tuple[Steps, str]] = [
        (("processes", name), str(name)) for name in names if name not in there
    ]
    known = set(parts.steps.values())
    for index, entry in enumerate(proxies if isinstance(proxies, list) else []):
        if ("proxies", index) not in known and isinstance(entry, dict):
            found.append((("proxies", index), str(entry.get("name") or entry.get("to"))))
    return found
