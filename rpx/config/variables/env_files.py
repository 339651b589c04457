"""The files that a configuration is made of: rpx.yaml, the `.env` beside it, env files."""

from __future__ import annotations

import codecs
import os
import shlex
from collections import ChainMap
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rpx.config.find import owner, trusted
from rpx.config.mistakes.explain import subject
from rpx.config.settings.env import EnvFileWritten
from rpx.config.variables.dotenv import parse_dotenv
from rpx.config.variables.own_variables import about_unset
from rpx.config.wording import shown
from rpx.config.yaml.document import Document, Steps
from rpx.errors import ConfigError, Problem, RpxError
from rpx.folders import here, why_missing
from rpx.model.late import REALM

_BEGINNING, _NULS = 1024, 3  # bytes, and how many of them can be 0 in something written by hand
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

    def read(
        self, written: Sequence[EnvFileWritten] | None, owner: Steps, *, late: bool = False
    ) -> dict[str, str]:
        """The variables of all files, each over those before it. `owner` has the `env_file`.

        `late`: those that aren't there may come into being before the owner starts.
        """
        files = [self._file(each, (*owner, "env_file", i)) for i, each in enumerate(written or ())]
        self.looked_at += [file.path for file in files]
        variables, beside = read_all(files, self._known, self._unset)
        self._document.report_beside(beside)
        for file in files:
            if fault := file.fault(late=late):
                self._document.report(fault.what, file.at, fault.hint)
        return variables

    def later(
        self,
        written: Sequence[EnvFileWritten] | None,
        owner: Steps,
        *,
        below: Mapping[str, str | None],
        above: Mapping[str, str | None],
        reserved: Container[str],
    ) -> Later | None:
        """What reads the same files again, when the owner's turn comes; None if there are none.

        Its own variables lie between those `below` and those `above`.
        """
        files = [self._file(each, (*owner, "env_file", i)) for i, each in enumerate(written or ())]
        if not files:
            return None
        return Later(tuple(files), self._known, dict(below), dict(above), reserved)

    @property
    def _known(self) -> Mapping[str, str]:
        return {**self.dotenv, **self._environ, **self._unset.urls}

    def _file(self, written: EnvFileWritten, at: Steps) -> EnvFile:
        return EnvFile(
            path=self.root / written.path,
            shown=written.path,
            required=written.required is not False,
            subject=subject(at[:-1], self._document),
            at=at,
            where=self._document.where(at),
        )


@dataclass(frozen=True, slots=True)
class EnvFile:
    """One of the files; whose it is, and where that is written, is for messages."""

    path: Path
    shown: str
    required: bool
    subject: str
    at: Steps
    where: str

    def fault(self, *, late: bool = False) -> Problem | None:
        """What is wrong with where it is; `late`: not that it is missing."""
        missing = why_missing(self.path)
        if missing and (late or not self.required):
            return None
        if not missing and not os.path.isdir(self.path):
            return None
        fault = missing or "is a folder"
        hint = f"looked for {self.path}; if it may be missing:"
        hint += f" `{{path: {self.shown}, required: false}}`"
        return Problem(f"{self.subject} {fault}: {shown(self.shown)}", self.where, hint=hint)


@dataclass(frozen=True, slots=True)
class Later:
    """The variables of a service whose files are read when it starts. Raises: ConfigError."""

    files: tuple[EnvFile, ...]
    known: Mapping[str, str]
    below: Mapping[str, str | None]
    above: Mapping[str, str | None]
    reserved: Container[str]

    def __call__(self) -> dict[str, str | None]:
        variables, problems = read_all(self.files, self.known, Unset(None))
        problems += filter(None, [file.fault() for file in self.files])
        if problems:
            raise ConfigError(*problems)
        own = {name: text for name, text in variables.items() if name not in self.reserved}
        return {**self.below, **own, **self.above}


def read_all(
    files: Sequence[EnvFile], known: Mapping[str, str], unset: Unset
) -> tuple[dict[str, str], list[Problem]]:
    """The variables of those that are there, and what is wrong in them."""
    variables: dict[str, str] = {}
    problems: list[Problem] = []
    for file in files:
        if os.path.exists(file.path) and not os.path.isdir(file.path):
            found, wrong = _read_env(file.path, ChainMap(variables, dict(known)), unset)
            problems += wrong
            variables |= found
    return variables, problems


class Unset:
    """Warns once of each variable that became an empty text. `urls`: those of the proxies.

    The realm is one wherever there is none.
    """

    def __init__(
        self, warn: Callable[[str], None] | None, urls: Mapping[str, str] | None = None
    ) -> None:
        self.urls = urls or {}
        self._warn = warn
        self._told: set[str] = set()

    def __call__(self, name: str, where: str) -> None:
        if self._warn is not None and name != REALM and name not in self._told:
            self._told.add(name)
            about = about_unset(name, self.urls)
            why = f": {about}" if about else ""
            self._warn(f"`{name}` is not set; an empty text stands in its place ({where}){why}")


def read_text(path: Path, label: str) -> str:
    """The text of a file that messages call `label`. Raises: ConfigError."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except IsADirectoryError:
        hint = f"name the file in it: `-f {shlex.quote(label)}/rpx.yaml`"
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
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ConfigError(Problem(f"{label} is UTF-16, not UTF-8", hint="save it as UTF-8"))
    if data[:_BEGINNING].count(0) > _NULS:
        hint = "name a file that is one: `-f rpx.yaml`"
        raise ConfigError(Problem(f"{label} is no text", hint=hint))
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
    if not os.path.exists(path) or os.path.isdir(
        path
    ):  # some keep a virtual environment under this name
        return {}, []
    if stranger := _stranger(path):
        hint = "if it is meant, name it in the file: `env_file: .env`; or make it yours: `chown`"
        return {}, [Problem(f"{label_of(path)} belongs to {stranger}, not to you", hint=hint)]
    return _read_env(path, environ, unset)


def _stranger(path: Path) -> str:
    """Who has put the file into a folder that is not theirs; empty where nobody has."""
    user = path.stat().st_uid
    return "" if user in trusted() | {path.parent.stat().st_uid} else owner(user)


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
        return str(path.relative_to(here()))
    except (ValueError, RpxError):  # or there is no working directory any more
        return str(path)
