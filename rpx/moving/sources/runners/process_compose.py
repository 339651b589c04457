"""process-compose.yaml: processes with probes, dependencies and restart policies."""

from __future__ import annotations

import re

from rpx.errors import Exit, RpxError
from rpx.moving.draft import Draft
from rpx.moving.given import ForeignSource, Given
from rpx.moving.lined import Lined, read_lined
from rpx.moving.remarks import Origin
from rpx.moving.service_names import fresh, give_hosts, name_of
from rpx.moving.sources.runners.one_process import OneProcess, ProcessComposeFile
from rpx.moving.sources.runners.process_compose_words import (
    LOST,
    NO_MEANING,
    env_files,
    environment,
)

_ELSEWHERE = {"processes", "shell", "vars"}
_LIKE = re.compile(
    r"\A(?=.*^processes:)(?=.*(?:readiness_probe:|process_(?:started|healthy|completed)"
    r"|availability:|^is_strict:|^version:))",
    re.MULTILINE | re.DOTALL,
)


def read(given: Given) -> Draft:
    """The draft of one file. Raises: RpxError."""
    draft = Draft()
    tree = read_lined(given.files[0])
    processes = tree.get("processes")
    if processes is None or not processes.mapping:
        raise RpxError(
            f"{tree.origin.file} has no `processes`", where=str(tree.origin), exit_code=Exit.USAGE
        )
    file = ProcessComposeFile(draft, given, _shell(tree, draft), _vars(tree))
    for key, value in tree.mapping.items():
        _of_all(key, value, tree, file)
    names = {name: name_of(name) for name in processes.mapping}
    for written, process in processes.mapping.items():
        name = fresh(names[written], draft.services)
        if name != written:
            draft.carried(name, written, f"is called {name} here", processes.at(written))
        if not process.mapping:
            draft.lost(name, written, "has no settings", processes.at(written))
            continue
        OneProcess(file, name, process).add()
    _oneshots(draft)
    why = "rpx starts who has crashed again; process-compose does so only where `restart` says it"
    draft.carried("", "availability", why, tree.at("processes"), "`restart: no` keeps one down")
    give_hosts(draft, given.root.name)
    return draft


def _of_all(key: str, value: Lined, tree: Lined, file: ProcessComposeFile) -> None:
    here, draft = tree.at(key), file.draft
    if key in _ELSEWHERE or key.startswith("x-"):
        return
    if key == "environment":
        _environment(value, here, draft)
    elif key == "env_file":
        draft.top["env_file"] = env_files(value, file.given)
    elif key in NO_MEANING:
        draft.carried("", key, NO_MEANING[key], here)
    else:
        why, hint = LOST.get(key, ("rpx has no such setting", ""))
        draft.lost("", key, why, here, hint)


def _environment(value: Lined, here: Origin, draft: Draft) -> None:
    env = environment(value, draft, "")
    for name in ("PORT", "RPX_URL", "RPX_NAME"):
        if env.pop(name, None) is not None:
            draft.lost("", f"environment: {name}", "is each process's own", here)
    if env:
        draft.top["env"] = env


def _shell(tree: Lined, draft: Draft) -> tuple[str, str] | None:
    shell = tree.get("shell")
    if shell is None:
        return None
    for key in shell.mapping:
        if key.startswith("elevated"):
            draft.lost("", key, "rpx asks for no other rights", shell.at(key))
    command = (shell.get("shell_command") or Lined("sh", shell.origin)).text
    argument = (shell.get("shell_argument") or Lined("-c", shell.origin)).text
    if command in {"sh", "/bin/sh"}:
        return None
    draft.carried("", "shell", f"commands are run by {command}", tree.at("shell"))
    return command, argument


def _vars(tree: Lined) -> dict[str, str]:
    written = tree.get("vars")
    return {} if written is None else {name: v.text for name, v in written.mapping.items()}


def _oneshots(draft: Draft) -> None:
    """Whose end somebody waits for is meant to end."""
    for service in list(draft.services.values()):
        for other, how in service.settings.get("depends_on", {}).items():
            there = draft.services.get(other)
            if how == {"condition": "completed"} and there is not None:
                if there.is_proxy:
                    why = f"`{other}` gets requests: it doesn't end"
                    draft.lost(service.name, "process_completed", why, service.origin)
                    how["condition"] = "healthy"
                elif there.settings.get("restart") == "always":
                    del there.settings["restart"]
                    there.settings["oneshot"] = True
                    why = f"`{service.name}` waits for its end"
                    draft.guessed(other, "restart: always", why, there.origin)
                else:
                    there.settings["oneshot"] = True
                    if "health_check" in there.settings:
                        del there.settings["health_check"]
                        draft.lost(
                            other, "probe", "what is meant to end isn't checked", there.origin
                        )


PROCESS_COMPOSE = ForeignSource(
    "a file of process-compose",
    ("process-compose.yaml", "process-compose.yml", "process-compose.dev.yaml"),
    read,
    lambda text: bool(_LIKE.search(text)),
)
