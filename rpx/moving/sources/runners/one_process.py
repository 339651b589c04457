"""One process of process-compose as a service."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from rpx.moving.commands import (
    about_variables,
    drop_other_port,
    port_in,
    service_of,
    start_in,
    start_with,
)
from rpx.moving.draft import Draft, DraftService, Written
from rpx.moving.given import Given, text_of_file
from rpx.moving.lined import Lined
from rpx.moving.package_scripts import resolved
from rpx.moving.service_names import fresh, name_of
from rpx.moving.sources.runners.probes import Probe, check_of, probe_of
from rpx.moving.sources.runners.process_compose_words import (
    CONDITIONS,
    LOST,
    NO_MEANING,
    env_files,
    environment,
    restart_of,
    stop_of,
)

_TEMPLATE = re.compile(r"\{\{\s*\.?(\w+)\s*\}\}")
_ELSEWHERE = {"command", "entrypoint", "replicas", "vars"}  # read when the rest is known


@dataclass(frozen=True, slots=True)
class ProcessComposeFile:
    """The whole file, and what its reader has to know everywhere."""

    draft: Draft
    given: Given
    shell: tuple[str, str] | None
    variables: dict[str, str]  # of `vars`, for templates

    def text(self, written: Lined) -> str:
        """A text with its templates filled in, and `$$` as `$` (rpx leaves commands alone)."""
        return self._templates(written.text).replace("$$", "$")

    def filled(self, written: Lined) -> Lined:
        """The same with the templates of all its texts filled in."""
        match written.value:
            case dict() as mapping:
                new = {key: self.filled(inner) for key, inner in mapping.items()}
                return replace(written, value=new)
            case list() as items:
                return replace(written, value=[self.filled(inner) for inner in items])
            case str() as text:
                return replace(written, value=self._templates(text))
            case None:
                return written

    def _templates(self, text: str) -> str:
        return _TEMPLATE.sub(lambda found: self.variables.get(found[1], found[0]), text)


class OneProcess:
    """One process, whose keys are read one after the other."""

    def __init__(self, file: ProcessComposeFile, name: str, written: Lined) -> None:
        self._file = file
        self._draft = file.draft
        self._name = name
        self._written = written
        self._words: Written = {}  # of `start`
        self._beside: Written = {}  # of the service itself
        self._probe: Probe | None = None
        self._folder = "."

    def add(self) -> None:
        """Read it, and put it into the draft."""
        handlers: dict[str, Callable[[Lined], None]] = {
            "working_dir": self._cwd,
            "environment": self._env,
            "env_file": self._env_files,
            "depends_on": self._depends,
            "availability": self._availability,
            "readiness_probe": self._readiness,
            "liveness_probe": self._liveness,
            "ready_log_line": self._log_line,
            "shutdown": self._shutdown,
            "disabled": self._disabled,
            "is_disabled": self._disabled,
            "is_tty": self._tty,
            "is_interactive": self._tty,
            "is_daemon": self._daemon,
        }
        for key, value in self._written.mapping.items():
            if key in handlers:
                handlers[key](value)
            elif key in _ELSEWHERE:
                continue
            elif key in NO_MEANING:
                self._draft.carried(self._name, key, NO_MEANING[key], self._written.at(key))
            elif not key.startswith("x-"):
                why, hint = LOST.get(key, ("rpx has no such setting", ""))
                self._draft.lost(self._name, key, why, self._written.at(key), hint)
        self._finish()

    def _finish(self) -> None:
        given = self._file.given
        command, text = self._command()
        where = self._written.at("command")
        port = self._probe.port if self._probe and self._probe.is_http else None
        env = self._words.get("env", {})
        asked = port is not None
        port = port or port_in(env)
        service = service_of(
            self._draft,
            self._name,
            command,
            where,
            text=text,
            web=self._name == "web" or port is not None,
            port=port,
            asked=asked,
        )
        drop_other_port(self._draft, service, env)
        self._check(service)
        start_with(service, **{word: said for word, said in self._words.items() if said != {}})
        service.settings.update(self._beside)
        start_in(self._draft, service, self._folder, given.files[0].parent, given)
        self._draft.add(service)
        if isinstance(command, str):
            about_variables(self._draft, service, command, self._known())
        self._copies(service)

    def _known(self) -> set[str]:
        dotenv = self._file.given.files[0].parent / ".env"
        text = text_of_file(dotenv) if dotenv.is_file() else ""
        named = re.findall(r"^\s*(?:export\s+)?(\w+)\s*=", text, re.MULTILINE)
        env = {**self._draft.top.get("env", {}), **self._words.get("env", {})}
        return {*self._file.given.environ, *env, *named}

    def _command(self) -> tuple[str | list[str], str]:
        """The command, and the text that tells where it listens."""
        entry, command = self._written.get("entrypoint"), self._written.get("command")
        if entry is not None and entry.items:
            words = [self._file.text(item) for item in entry.items]
            return words, " ".join(words)
        if command is None or not command.text:
            text = f"echo '{self._name} had no command' >&2; exit 1"
            where = self._written.origin
            self._draft.lost(self._name, "command", "there is none", where, "write one")
            return text, text
        text = self._file.text(command)
        for name in _TEMPLATE.findall(text):
            why = "rpx fills no templates in"
            self._draft.lost(self._name, f"{{{{.{name}}}}}", why, command.origin)
        seen = resolved(text, self._file.given.files[0].parent / self._folder).text
        if self._file.shell is not None:
            return [*self._file.shell, text], seen
        return text, seen

    def _cwd(self, value: Lined) -> None:
        self._folder = self._file.text(value)

    def _env(self, value: Lined) -> None:
        self._words["env"] = environment(value, self._draft, self._name)

    def _env_files(self, value: Lined) -> None:
        self._words["env_file"] = env_files(value, self._file.given)

    def _depends(self, value: Lined) -> None:
        found: Written = {}
        for other, how in value.mapping.items():
            condition = how.get("condition")
            word = condition.text if condition is not None else "process_completed"
            if word not in CONDITIONS:
                self._draft.lost(self._name, f"condition: {word}", "is no condition", how.origin)
            elif word == "process_completed":
                why = f"`{other}` has to end with success"
                self._draft.carried(self._name, word, why, how.origin)
            found[name_of(other)] = {"condition": CONDITIONS.get(word, "started")}
            for key in how.mapping:
                if key != "condition":
                    self._draft.lost(self._name, key, "rpx has no such setting", how.at(key))
        self._beside["depends_on"] = found

    def _availability(self, value: Lined) -> None:
        self._words["restart"] = restart_of(value, self._draft, self._name)

    def _readiness(self, value: Lined) -> None:
        self._probe = probe_of(self._file.filled(value), "readiness_probe", self._draft, self._name)

    def _liveness(self, value: Lined) -> None:
        where = self._written.at("liveness_probe")
        if "readiness_probe" in self._written.mapping:
            hint = "one `health_check` goes on, and replaces what stays unhealthy"
            self._draft.lost(self._name, "liveness_probe", "rpx has one check", where, hint)
            return
        self._probe = probe_of(self._file.filled(value), "liveness_probe", self._draft, self._name)
        why = "is `health_check`: what stays unhealthy is replaced"
        self._draft.carried(self._name, "liveness_probe", why, where)

    def _check(self, service: DraftService) -> None:
        """Write the probe, where its service is now known."""
        if self._probe is None:
            return
        if self._words.get("oneshot"):
            why = "what is meant to end is not checked"
            self._draft.lost(self._name, "probe", why, self._probe.origin)
            return
        check_of(self._probe, service, self._draft)

    def _log_line(self, value: Lined) -> None:
        text = re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", value.text)
        self._words["ready"] = {"log": text}

    def _shutdown(self, value: Lined) -> None:
        self._words.update(stop_of(value, self._draft, self._name, self._file.text))

    def _disabled(self, value: Lined) -> None:
        if value.truth:
            self._beside["autostart"] = False
            why = f"is known, and started by `rpx start {self._name}`"
            self._draft.carried(self._name, "disabled", why, value.origin)

    def _tty(self, value: Lined) -> None:
        if value.truth:
            self._words["tty"] = True
            why = "has a terminal of its own; what is typed does not reach it"
            self._draft.carried(self._name, "is_tty", why, value.origin)

    def _daemon(self, value: Lined) -> None:
        if value.truth:
            self._words["oneshot"] = True
            why = "what it leaves in the background rpx knows nothing of"
            hint = "a command that stays in the foreground, with `stop_command`"
            self._draft.lost(self._name, "is_daemon", why, value.origin, hint)

    def _copies(self, service: DraftService) -> None:
        value = self._written.get("replicas")
        count = int(value.text) if value is not None and value.text.isdigit() else 1
        if value is None or count == 1:
            return
        if service.is_proxy and "from" not in service.settings:
            service.settings["replicas"] = count
        elif service.is_proxy:
            why = "only one copy can listen at a fixed port"
            hint = "let it listen at $PORT, and leave `from` out"
            self._draft.lost(self._name, f"replicas: {count}", why, value.origin, hint)
        elif count == 0:
            service.settings["autostart"] = False
        else:
            why = "each copy has a name of its own"
            self._draft.carried(self._name, f"replicas: {count}", why, value.origin)
            for _ in range(count - 1):
                name = fresh(self._name, self._draft.services)
                self._draft.add(DraftService(name, dict(service.settings), service.origin))
