"""Which Python runs a project, and which packages it says that it needs."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from rpx.moving.remarks import Origin
from rpx.moving.sources.manifests.source_folder import SourceFolder

_RUNNERS = {
    "uv.lock": "uv run",
    "poetry.lock": "poetry run",
    "pdm.lock": "pdm run",
    "Pipfile.lock": "pipenv run",
    "Pipfile": "pipenv run",
}
_ENVIRONMENTS = tuple(f"{name}/bin/python" for name in (".venv", "venv", "env"))
_MANIFESTS = ("requirements.txt", "pyproject.toml", "requirements-dev.txt", "requirements/base.txt",
              "requirements.in", "Pipfile")  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[\w,. -]*\])?")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """How Python is called: `path` is an interpreter, `runner` a tool that knows which one."""

    path: str = "python3"
    runner: str = ""
    found: bool = True

    def module(self, command: str) -> str:
        """The command for a program that a package brings along, as `uvicorn app:app`."""
        return f"{self.runner} {command}" if self.runner else f"{self.path} -m {command}"

    def script(self, name: str, arguments: str = "") -> str:
        """The command for a file of the folder."""
        start = f"{self.runner} python" if self.runner else self.path
        return f"{start} {name} {arguments}".rstrip()


def interpreter_of(folder: SourceFolder) -> Interpreter:
    """By the lock file, or else the environment, of the nearest folder that has one."""
    up = ""
    while True:
        if lock := folder.has(*_RUNNERS):
            return Interpreter(runner=_RUNNERS[lock])
        if path := folder.has(*_ENVIRONMENTS):
            return Interpreter(f"{up}{path}")
        if folder.path == folder.root:
            return Interpreter(found=False)
        folder, up = folder.parent, f"../{up}"


@dataclass(frozen=True, slots=True)
class PythonPackages:
    """The packages that a folder says it needs, in small letters, and how they are installed."""

    names: frozenset[str]
    origin: Origin
    how: str

    def has(self, *names: str) -> bool:
        """Whether one of them is there; `name[extra]` is that extra."""
        return any(name in self.names for name in names)


def packages_of(folder: SourceFolder) -> PythonPackages:
    """What the files of a folder say. Raises: RpxError for a pyproject.toml that is no TOML."""
    file = folder.has(*_MANIFESTS)
    names: set[str] = set()
    for name in _MANIFESTS:
        text = folder.text(name)
        if name == "pyproject.toml":
            names |= set(_of_project(folder, text))
        elif name == "Pipfile":
            names |= {found.lower() for found in re.findall(r"^([\w.-]+)\s*=", text, re.MULTILINE)}
        else:
            lines = (_NAME.match(line.strip()) for line in text.splitlines())
            names |= {found[0].lower() for found in lines if found}
    names |= {name.partition("[")[0] for name in names}
    how = "-e ." if file == "pyproject.toml" else f"-r {file or 'requirements.txt'}"
    return PythonPackages(frozenset(names), folder.at(file or "."), how)


def _of_project(folder: SourceFolder, text: str) -> list[str]:
    try:
        content: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise folder.broken("pyproject.toml", "TOML", str(error)) from None
    project = _table(content.get("project"))
    written = [project.get("dependencies"), *_table(project.get("optional-dependencies")).values(),
               *_table(content.get("dependency-groups")).values()]  # fmt: skip
    texts = [each for group in written if isinstance(group, list) for each in group]
    found = [
        match[0].lower() for each in texts if isinstance(each, str) and (match := _NAME.match(each))
    ]
    poetry = _table(_table(content.get("tool")).get("poetry"))
    tables = [poetry.get("dependencies"), *(_table(group).get("dependencies")
              for group in _table(poetry.get("group")).values())]  # fmt: skip
    for table in tables:
        for name, how in _table(table).items():
            extras = _table(how).get("extras")
            found += [name.lower(), *(f"{name.lower()}[{extra}]" for extra in extras or [])]
    return found


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
