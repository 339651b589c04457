"""mprocs.yaml: processes, each in a terminal of its own there."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

from rpx.errors import Exit, RpxError
from rpx.moving.commands import (
    about_variables,
    drop_other_port,
    port_in,
    service_of,
    start_in,
    start_with,
)
from rpx.moving.draft import Draft, DraftService, Written
from rpx.moving.given import ForeignSource, Given
from rpx.moving.lined import Lined, read_lined
from rpx.moving.package_scripts import resolved
from rpx.moving.service_names import fresh, give_hosts, name_of

_SIGNALS = {"SIGINT": "SIGINT", "SIGTERM": "SIGTERM", "SIGKILL": "SIGKILL", "hard-kill": "SIGKILL"}
_SYSTEM = {"linux": "linux", "darwin": "macos"}


def read(given: Given) -> Draft:
    """The draft of one file. Raises: RpxError."""
    draft = Draft()
    tree = read_lined(given.files[0])
    processes = tree.get("procs")
    if processes is None or not processes.mapping:
        raise RpxError(
            f"{tree.origin.file} has no `procs`", where=str(tree.origin), exit_code=Exit.USAGE
        )
    for key in tree.mapping:
        if key == "on_all_finished":
            hint = "`rpx up --abort-on-exit`"
            draft.lost("", key, "rpx goes on when all have ended", tree.at(key), hint)
        elif key != "procs":
            draft.carried("", key, "is about mprocs' own screen", tree.at(key))
    for written, process in processes.mapping.items():
        where = processes.at(written)
        name = fresh(name_of(written), draft.services)
        if name != written:
            draft.carried(name, written, f"is called {name} here", where)
        if process.value is None:
            draft.lost(name, written, "is switched off by `null`", where, "leave it out")
            continue
        _Proc(draft, given, name, process).add()
    why = "mprocs runs each in a terminal; here it has a pipe that stays open"
    draft.carried("", "procs", why, tree.at("procs"), "`tty: true` for one that insists")
    give_hosts(draft, given.root.name)
    return draft


class _Proc:
    """One entry of `procs`."""

    def __init__(self, draft: Draft, given: Given, name: str, written: Lined) -> None:
        self._draft = draft
        self._given = given
        self._name = name
        self._written = written
        self._words: Written = {}
        self._beside: Written = {}
        self._folder = "."

    def add(self) -> None:
        """Read it, and put it into the draft."""
        handlers: dict[str, Callable[[Lined], None]] = {
            "cwd": self._cwd,
            "env": self._env,
            "add_path": self._add_path,
            "autostart": self._autostart,
            "autorestart": self._autorestart,
            "stop": self._stop,
            "deps": self._deps,
        }
        for key, value in self._written.mapping.items():
            if key in handlers:
                handlers[key](value)
            elif key in {"log", "scrollback", "mouse_scroll_speed"}:
                why = "output is in `rpx logs`, and in files"
                self._draft.carried(self._name, key, why, self._written.at(key))
            elif key not in {"shell", "cmd"}:
                self._draft.lost(self._name, key, "rpx has no such setting", self._written.at(key))
        command = self._command()
        text = command if isinstance(command, str) else " ".join(command)
        here = self._given.files[0].parent
        seen = resolved(text, here / self._folder).text
        env = self._words.get("env", {})
        port = port_in(env)
        web = self._name == "web" or port is not None
        where = self._written.origin
        service = service_of(self._draft, self._name, command, where, text=seen, web=web, port=port)
        drop_other_port(self._draft, service, env)
        start_with(service, **self._words)
        service.settings.update(self._beside)
        start_in(self._draft, service, self._folder, here, self._given)
        self._draft.add(service)
        self._variables(service, command)

    def _variables(self, service: DraftService, command: str | list[str]) -> None:
        if isinstance(command, str):
            known = {*self._given.environ, *self._words.get("env", {})}
            about_variables(self._draft, service, command, known)

    def _command(self) -> str | list[str]:
        written = self._written
        for said in (written, written.get("shell"), written.get("cmd")):
            if said is None:
                continue
            if said.items:
                return [item.text for item in said.items]
            if said.text:
                return said.text.rstrip("\n")
            if "$select" in said.mapping:
                return self._selected(said)
        why, hint = "there is none", "`shell` or `cmd`"
        self._draft.lost(self._name, "shell", why, written.origin, hint)
        return f"echo '{self._name} had no command' >&2; exit 1"

    def _selected(self, said: Lined) -> str:
        """What `$select: os` has for this system."""
        chosen = said.get(_SYSTEM.get(sys.platform, sys.platform)) or said.get("$else")
        why = "what it has for this system is taken"
        self._draft.carried(self._name, "$select", why, said.origin)
        return "" if chosen is None else chosen.text

    def _text(self, said: Lined) -> str:
        text = self._selected(said) if "$select" in said.mapping else said.text
        return text.replace("<CONFIG_DIR>", str(self._given.files[0].parent))

    def _cwd(self, value: Lined) -> None:
        self._folder = self._text(value)

    def _env(self, value: Lined) -> None:
        env: Written = {}
        for name, said in value.mapping.items():
            env[name] = None if said.value is None else self._text(said).replace("$", "$$")
        if env:
            self._words["env"] = {**env, **self._words.get("env", {})}

    def _add_path(self, value: Lined) -> None:
        parts = [self._text(item) for item in value.items] or [self._text(value)]
        self._words.setdefault("env", {})["PATH"] = ":".join([*parts, "$PATH"])

    def _autostart(self, value: Lined) -> None:
        if value.text.lower() == "false":
            self._beside["autostart"] = False
            why = f"is known, and started by `rpx start {self._name}`"
            self._draft.carried(self._name, "autostart: false", why, value.origin)

    def _autorestart(self, value: Lined) -> None:
        if value.truth:
            self._words["restart"] = "always"

    def _stop(self, value: Lined) -> None:
        if value.text in _SIGNALS:
            if value.text != "SIGTERM":
                self._words["stop_signal"] = _SIGNALS[value.text]
        elif (command := value.get("cmd")) is not None:
            self._words["stop_command"] = command.text
        elif "send-keys" in value.mapping:
            hint = "`stop_signal`, or `stop_command`"
            self._draft.lost(self._name, "send-keys", "rpx types no keys", value.origin, hint)
        else:
            self._draft.lost(self._name, "stop", "is no way that rpx knows", value.origin)

    def _deps(self, value: Lined) -> None:
        self._beside["depends_on"] = {
            name_of(item.text): {"condition": "started"} for item in value.items
        }


MPROCS = ForeignSource(
    "a file of mprocs",
    ("mprocs.yaml", "mprocs.yml", "mprocs.json"),
    read,
    lambda text: bool(re.search(r"^procs:", text, re.MULTILINE)),
)
