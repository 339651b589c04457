"""The files that a configuration is made of: rpx.yaml, the `.env` beside it, env files."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rpx.config.document import Document, Steps
from rpx.config.dotenv import parse_dotenv
from rpx.config.explain import subject
from rpx.config.start_schema import (
    EnvFileWritten,
)
from rpx.config.wording import shown
from rpx.errors import ConfigError, Problem

_LARGEST = 256 * 1024  # bytes; PyYAML takes seconds for more, and nobody writes that by hand


class EnvFiles:
    """Reads the `env_file`s of one configuration; what is wrong goes to its document.

    `dotenv` is what the `.env` adds to the environment: what rpx itself was given wins over it.
    """

    def __init__(
        self,
        document: Document,
        root: Path,
        environ: Mapping[str, str],
        dotenv: Mapping[str, str],
        unset: Unset,
    ) -> None:
        self.root = root
        self.dotenv = {key: text for key, text in dotenv.items() if key not in environ}
        self.environ = {**dotenv, **environ}
        self.looked_at = [root / ".env"]  # whether they exist or not
        self._document = document
        self._environ = environ
        self._unset = unset

    def read(self, written: Sequence[EnvFileWritten] | None, owner: Steps) -> dict[str, str]:
        """The variables of all files, each over those before it. `owner` has the `env_file`."""
        variables: dict[str, str] = {}
        for index, file in enumerate(written or ()):
            path = self.root / file.path
            self.looked_at.append(path)
            at = (*owner, "env_file", index)
            if path.exists() and not path.is_dir():
                known = ChainMap(variables, dict(self._environ), self.dotenv)
                found, problems = _read_env(path, known, self._unset)
                self._document.report_beside(problems)
                variables |= found
            elif file.required is not False or path.is_dir():
                fault = "is a folder" if path.is_dir() else "does not exist"
                self._document.report(
                    f"{subject((*owner, 'env_file'), self._document)} {fault}: {shown(file.path)}",
                    at,
                    f"looked for {path}; if it may be missing:"
                    f" `{{path: {file.path}, required: false}}`",
                )
        return variables


class Unset:
    """Warns once of each variable that became an empty text."""

    def __init__(self, warn: Callable[[str], None] | None) -> None:
        self._warn = warn
        self._told: set[str] = set()

    def __call__(self, name: str, where: str) -> None:
        if self._warn is not None and name not in self._told:
            self._told.add(name)
            self._warn(f"`{name}` is not set; an empty text stands in its place ({where})")


def read_text(path: Path, label: str) -> str:
    """The text of a file that messages call `label`. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except IsADirectoryError:
        hint = f"name the file in it: `-f {label}/rpx.yaml`"
        raise ConfigError(Problem(f"{label} is a folder", hint=hint)) from None
    except FileNotFoundError:
        hint = "check the path, or leave `-f` out to search from here upward"
        raise ConfigError(Problem(f"{label} does not exist", hint=hint)) from None
    except OSError as error:
        hint = "see who may read it: `ls -l`"
        what = f"{label} cannot be read: {error.strerror}"
        raise ConfigError(Problem(what, hint=hint)) from None
    if len(data) > _LARGEST:
        what = f"{label} is larger than {_LARGEST // 1024} KiB"
        raise ConfigError(Problem(what, hint="is this the right file?"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        what = f"{label} is not UTF-8 text (byte 0x{data[error.start]:02X})"
        hint = "save it as UTF-8"
        raise ConfigError(Problem(what, f"{label}:{line}:{column}", hint=hint)) from None


def read_dotenv(
    folder: Path, environ: Mapping[str, str], unset: Unset
) -> tuple[dict[str, str], list[Problem]]:
    """The `.env` of a folder, if it has one, and what is wrong with it."""
    path = folder / ".env"
    if not path.exists() or path.is_dir():  # some keep a virtual environment under this name
        return {}, []
    return _read_env(path, environ, unset)


def _read_env(
    path: Path, environ: Mapping[str, str], unset: Unset
) -> tuple[dict[str, str], list[Problem]]:
    label = label_of(path)
    try:
        text = read_text(path, label)
    except ConfigError as error:
        return {}, list(error.problems)
    return parse_dotenv(text, environ, label=label, unset=lambda name: unset(name, label))


def label_of(path: Path) -> str:
    """The path as messages say it: relative to the working directory if it is below that."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):  # or there is no working directory any more
        return str(path)
