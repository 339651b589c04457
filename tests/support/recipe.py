"""A page of docs/recipes, followed to the letter: files written, commands typed, output compared.

From the top of the page to its end: a block whose first line is a comment with a file's name
becomes that file. A `sh` block is typed; what it makes, packages above all, is kept in a cache
folder for the next time, by what the page says. A `console` block is typed and compared, as those
of other pages are. The first `yaml` block without a file's name is what `rpx init` has written.

The page has no ports in its URLs, as after `rpx setup`; the one that rpx got here is put in.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.support.page import Shell, conversation, matches
from tests.support.project import Project

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"(?:<\?php )?(?:#|//|--) ([\w./-]+\.\w+)\n")
_URL = re.compile(r"\b(https?)://([\w.-]+\.localhost)(?![\w:])")
_TARGET = re.compile(r"(?<![\w./-])([\w.-]+\.localhost):80\b")  # of a client that takes no URL
# What depends on the machine, and how busy it is.
_ASIDE = re.compile(
    r"^(?:rpx: )?(?:(?:waiting for|listening on port) .*|(?!all )\S+ (?:is ready|has completed))\n",
    re.MULTILINE,
)
LONGEST = 300.0  # seconds; a registry takes its time, and so does a busy machine


def cache_folder() -> Path:
    """Where packages are kept between runs."""
    named = os.environ.get("RPX_RECIPES")
    return Path(named) if named else Path.home() / ".cache" / "rpx-recipes"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A page."""

    page: Path

    @property
    def blocks(self) -> list[tuple[str, str]]:
        """Kind and text of each fenced block."""
        return _BLOCK.findall(self.page.read_text())

    @property
    def installs(self) -> bool:
        """Whether it has commands that take long and are kept."""
        return any(kind == "sh" for kind, _ in self.blocks)

    def folder(self, otherwise: Path) -> Path:
        """Where it is followed: the cache, if there is anything to keep."""
        if not self.installs:
            return otherwise
        made = [text for kind, text in self.blocks if kind == "sh" or _FILE.match(text)]
        digest = hashlib.sha256("\0".join([sys.version, *made]).encode()).hexdigest()[:12]
        return cache_folder() / f"{self.page.stem}-{digest}"


def follow(recipe: Recipe, project: Project, otherwise: Path) -> None:
    """Do what the page says; AssertionError where it lies."""
    folder = recipe.folder(otherwise)
    folder.mkdir(parents=True, exist_ok=True)
    with _kitchen(project, folder) as kitchen:
        for number, (kind, text) in enumerate(recipe.blocks):
            kitchen.take(number, kind, text)


@contextmanager
def _kitchen(project: Project, folder: Path) -> Iterator[_Kitchen]:
    cache = cache_folder()
    project.environment |= {
        "PATH": f"{Path(sys.executable).parent}:{project.environment['PATH']}",
        "npm_config_cache": str(cache / "npm"),
        "npm_config_fund": "false",
        "npm_config_audit": "false",
        "npm_config_update_notifier": "false",
        "PIP_CACHE_DIR": str(cache / "pip"),
        "CURL_CA_BUNDLE": str(project.folder / "home" / ".local/share/rpx/authority/rpx-ca.pem"),
        "NEXT_TELEMETRY_DISABLED": "1",
        "CI": "1",
    }
    project.environment.pop("PYTHONPATH", None)
    # Where its output is no terminal, curl tells how far it is.
    (project.folder / "home" / ".curlrc").write_text("silent\nshow-error\n")
    with Shell(project, longest=LONGEST) as shell:
        shell.type(f"cd '{folder}'")
        kitchen = _Kitchen(shell, folder / "done.json")
        try:
            yield kitchen
            shell.type("rpx down --now")
        except BaseException:
            for process in project.survivors():
                if process.pid != shell.pid:
                    process.kill()
            raise


class _Kitchen:
    """A shell in the folder of a recipe."""

    def __init__(self, shell: Shell, done: Path) -> None:
        self._shell = shell
        self._done = done  # for each `sh` block that has been typed, where it ended
        self._ends: dict[str, str] = json.loads(done.read_text()) if done.exists() else {}
        self._ports: dict[str, str] = {}  # by scheme
        self._init = False  # whether `rpx init` was the last to write

    def take(self, number: int, kind: str, text: str) -> None:
        """Do what one block says."""
        if found := _FILE.match(text):
            self._write(found[1], text)
        elif kind == "sh":
            self._install(str(number), text)
        elif kind == "yaml" and self._init:
            self._init = False  # later ones are other ways, which have no test
            wrote = yaml.safe_load((self._here() / "rpx.yaml").read_text())
            assert wrote == yaml.safe_load(text)
        elif kind == "console":
            for command, expected in conversation(text):
                said = self._type(command)
                assert matches(expected, said), f"$ {command}\n{said}\nexpected:\n{expected}"

    def _here(self) -> Path:
        return Path(self._shell.type("pwd").strip())

    def _write(self, name: str, text: str) -> None:
        file = self._here() / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("<?php "):
            text = "<?php\n" + text.partition("\n")[2]
        if os.getuid() == 0 and "initdb" in text:
            text = self._for_root(text)
        file.write_text(text)

    def _for_root(self, text: str) -> str:
        """What the page says of PostgreSQL where rpx is root."""
        here = self._here()
        shutil.chown(here, "postgres")
        for folder in (here, *here.parents[:-2]):
            folder.chmod(folder.stat().st_mode | 0o011)  # for that user to come there
        return re.sub(
            r"^  (?:initdb|db):\n", r"\g<0>    user: postgres\n", text, flags=re.MULTILINE
        )

    def _install(self, number: str, text: str) -> None:
        if number in self._ends:
            self._shell.type(f"cd '{self._ends[number]}'")
        else:
            said = self._shell.type(f"set -e\n{text}\nset +e")
            self._ends[number] = str(self._here())
            assert self._ends[number], said
            self._done.write_text(json.dumps(self._ends))
        (self._here() / "rpx.yaml").unlink(missing_ok=True)  # of an earlier time

    def _type(self, command: str) -> str:
        self._init = self._init or command.startswith("rpx init")
        typed = _URL.sub(self._with_port, command)
        typed = _TARGET.sub(lambda found: f"{found[1]}:{self._ports.get('http', '80')}", typed)
        said = self._shell.type(typed).replace("\r", "")
        said = _ASIDE.sub("", f"{said}\n" if said[-1:] not in {"", "\n"} else said)
        if command.startswith("rpx up"):
            self._look_for_ports()
        for port in self._ports.values():
            said = said.replace(f".localhost:{port}", ".localhost")
        return said

    def _with_port(self, found: re.Match[str]) -> str:
        port = self._ports.get(found[1])
        return f"{found[0]}:{port}" if port else found[0]

    def _look_for_ports(self) -> None:
        """By what rpx says: 80 and 443 may be somebody else's here."""
        for row in json.loads(self._shell.type("rpx ps --json")):
            found = re.match(r"(https?)://[^:/]+(?::(\d+))?", row["url"] or "")
            if found and found[2]:
                self._ports[found[1]] = found[2]
