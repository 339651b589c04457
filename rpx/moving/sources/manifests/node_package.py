"""A package.json, and how its scripts are run: by npm, pnpm, yarn or bun."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rpx.moving.remarks import Origin
from rpx.moving.sources.manifests.node_scripts import MANAGERS, NodeScript, read_script
from rpx.moving.sources.manifests.source_folder import SourceFolder

MANIFEST = "package.json"
# In which order a folder that has several is served while one develops.
_SERVING = ("dev", "develop", "start:dev", "dev:server", "serve", "start", "watch")
_LOCKS = {
    "pnpm-lock.yaml": "pnpm",
    "pnpm-workspace.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
}


@dataclass(frozen=True, slots=True)
class NodePackage:
    """What a package.json says."""

    folder: SourceFolder
    content: dict[str, Any]

    @property
    def scripts(self) -> dict[str, str]:
        """Its scripts, as far as they are texts."""
        scripts = self.content.get("scripts")
        scripts = scripts if isinstance(scripts, dict) else {}
        return {name: text for name, text in scripts.items() if isinstance(text, str) and text}

    @property
    def needs(self) -> set[str]:
        """The names of all packages that it depends on."""
        found: set[str] = set()
        for kind in ("dependencies", "devDependencies", "optionalDependencies"):
            names = self.content.get(kind)
            found |= set(names) if isinstance(names, dict) else set()
        return found

    @property
    def main(self) -> str:
        """The file that it says is its program; "" if it says none."""
        main = self.content.get("main")
        return main if isinstance(main, str) else ""

    def script(self) -> NodeScript | None:
        """The one by which it is served, as far as its name tells."""
        scripts = self.scripts
        name = next((name for name in _SERVING if name in scripts), None)
        return read_script(scripts, name) if name else None

    def origin(self, script: str) -> Origin:
        """The line of a script."""
        found = self.folder.find(MANIFEST, rf'^.*"{script}"\s*:\s*"')
        return found.origin if found else self.folder.at(MANIFEST)

    @property
    def manager(self) -> str:
        """The package manager, by the nearest folder that says one."""
        folder = self.folder
        while True:
            declared = str(_read(folder).get("packageManager", "")).partition("@")[0]
            lock = folder.has(*_LOCKS)
            if declared in MANAGERS:
                return declared
            if lock:
                return _LOCKS[lock]
            if folder.path == folder.root:
                return "npm"
            folder = folder.parent

    def run(self, script: str, arguments: str = "") -> str:
        """The command that runs a script, with more words for its last command."""
        words = f"{self.manager} run {script}"
        # The others pass on what stands behind the name, and pnpm a `--`, too.
        between = " -- " if self.manager == "npm" else " "
        return f"{words}{between}{arguments}" if arguments else words

    @property
    def installed(self) -> bool:
        """Whether its packages are there, in its folder or in one above."""
        folder = self.folder
        while not folder.has("node_modules", ".pnp.cjs"):
            if folder.path == folder.root:
                return not self.needs
            folder = folder.parent
        return True

    def members(self) -> list[SourceFolder]:
        """The folders of its workspaces that have a package.json."""
        found = dict.fromkeys(
            path.parent
            for pattern in self._workspaces()
            if not pattern.startswith(("!", "/")) and ".." not in pattern
            for path in sorted(self.folder.path.glob(f"{pattern.rstrip('/')}/{MANIFEST}"))
            if "node_modules" not in path.parts and not path.parent.is_symlink()
        )
        return [SourceFolder(path, self.folder.root) for path in found]

    def _workspaces(self) -> list[str]:
        written = self.content.get("workspaces", [])
        if isinstance(written, dict):
            written = written.get("packages", [])
        patterns = (
            [each for each in written if isinstance(each, str)] if isinstance(written, list) else []
        )
        # A line of a list is all that this file has of YAML; its other keys have none with a slash.
        lines = map(str.strip, self.folder.text("pnpm-workspace.yaml").splitlines())
        patterns += [line[2:].split(" #")[0].strip(" '\"") for line in lines if line[:2] == "- "]
        return [pattern for pattern in patterns if pattern]


def package_of(folder: SourceFolder) -> NodePackage | None:
    """The package of a folder; None where there is none. Raises: RpxError for what is no JSON."""
    content = _read(folder)
    return NodePackage(folder, content) if content else None


def _read(folder: SourceFolder) -> dict[str, Any]:
    try:
        content = json.loads(folder.text(MANIFEST) or "null")
    except json.JSONDecodeError as error:
        raise folder.broken(MANIFEST, "JSON", str(error)) from None
    except RecursionError:
        raise folder.broken(MANIFEST, "JSON", "it is nested too deeply") from None
    return content if isinstance(content, dict) else {}
