"""The words of process-compose, and what becomes of each in rpx.yaml."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Final

from rpx.moving.draft import Draft, Written
from rpx.moving.given import Given
from rpx.moving.lined import Lined

CONDITIONS = {
    "process_started": "started",
    "process_healthy": "healthy",
    "process_log_ready": "healthy",
    "process_completed": "completed",
    "process_completed_successfully": "completed",
}
_RESTART = {"no": "no", "false": "no", "always": "always", "on_failure": "on-failure",
            "on-failure": "on-failure", "exit_on_failure": "no"}  # fmt: skip
NO_MEANING: Final = {
    **dict.fromkeys(
        ("log_location", "log_configuration", "log_level", "log_length", "log_format", "no_server",
         "disable_ansi_colors"),
        "output is in `rpx logs`, and in files",
    ),
    **dict.fromkeys(("version", "is_strict", "is_tui_disabled", "theme", "file_names",
                     "env_file_names", "description", "name", "namespace", "ordered_shutdown",
                     "mcp_server", "port", "hide_disabled", "shortcuts"), "has no meaning here"),
}  # fmt: skip
LOST: Final = {
    "is_elevated": ("rpx asks for no other rights", "`user`, where rpx is root"),
    "is_foreground": ("a process that is worked with by hand", "run it in a terminal of its own"),
    "launch_timeout_seconds": ("rpx waits as long as it takes", "`ready: {timeout: …}`"),
    "schedule": ("rpx starts nothing by the clock", "cron, or a loop with sleep"),
    "extends": ("only one file is read", "put both into one"),
    "env_cmds": ("rpx asks no commands for variables", "`export` it before `rpx up`"),
    "disable_env_expansion": ("rpx fills `$NAME` in, but in commands", "`$$` is a `$`"),
    "is_dotenv_disabled": ("the .env is read for all processes", ""),
    "is_template_disabled": ("rpx fills no templates in", ""),
    "mcp": ("rpx has nothing for it", ""),
}


def env_files(value: Lined, given: Given) -> object:
    """The files; one that isn't there is not needed."""
    found: list[object] = []
    for item in value.items or [value]:
        path = (given.files[0].parent / item.text).absolute()
        below = given.below_root(path)
        found.append(below if path.is_file() else {"path": below, "required": False})
    return found[0] if len(found) == 1 else found


def environment(written: Lined, draft: Draft, service: str) -> Written:
    """`environment`, a list of `NAME=value` or a mapping. What it says stays as it is written."""
    found: Written = {}
    for item in written.items:
        name, equals, value = item.text.partition("=")
        if equals:
            found[name] = value
        else:
            draft.carried(service, item.text, "comes from outside anyway", item.origin)
    for key, said in written.mapping.items():
        found[key] = said.text
    return found


def restart_of(value: Lined, draft: Draft, service: str) -> object:
    """What `restart` says for `availability`; {} for nothing."""
    found: Written = {}
    for key, said in value.mapping.items():
        match key:
            case "restart" if said.text in _RESTART:
                found["policy"] = _RESTART[said.text]
                if said.text == "exit_on_failure":
                    _ends_all("restart: exit_on_failure", said, draft, service)
            case "backoff_seconds" | "max_restarts" if said.text.isdigit():
                found |= _limits(key, int(said.text))
            case "exit_on_end" | "exit_on_skipped" | "exit_on_failure":
                if said.truth:
                    _ends_all(key, said, draft, service)
            case _:
                why = f"`{said.text}` is nothing that rpx knows"
                draft.lost(service, key, why, value.at(key))
    return found["policy"] if list(found) == ["policy"] else found


def _limits(key: str, number: int) -> Written:
    """0 means no rest, and no limit: rpx's own are sensible there."""
    if not number:
        return {}
    if key == "max_restarts":
        return {key: number}
    return {"backoff": {"initial": f"{number}s", "factor": 1, "max": f"{number}s"}}


def _ends_all(what: str, said: Lined, draft: Draft, service: str) -> None:
    hint = f"`rpx up --exit-code-from {service}`"
    draft.lost(service, what, "a service ends no project by itself", said.origin, hint)


def stop_of(value: Lined, draft: Draft, service: str, text: Callable[[Lined], str]) -> Written:
    """What `shutdown` comes to."""
    found: Written = {}
    for key, said in value.mapping.items():
        match key:
            case "command":
                found["stop_command"] = text(said)
            case "signal" if said.text.isdigit() and int(said.text) in set(signal.Signals):
                if int(said.text) != signal.SIGTERM:
                    found["stop_signal"] = signal.Signals(int(said.text)).name
            case "timeout_seconds" if said.text.isdigit() and int(said.text):
                found["stop_grace_period"] = f"{said.text}s"
            case "parent_only":
                if said.truth:
                    found["stop_signal_to"] = "leader"
            case _:
                why = f"`{said.text}` is nothing that rpx knows"
                draft.lost(service, key, why, value.at(key))
    return found
