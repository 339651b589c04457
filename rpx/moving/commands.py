"""A command of another runner as a service: whether it gets a host, and where it listens."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from rpx.moving.command_ports import (
    Told,
    ToldPort,
    listening,
    own_port,
    speaks_http,
    variables,
    watches,
)
from rpx.moving.draft import Draft, DraftService, Written
from rpx.moving.given import Given
from rpx.moving.remarks import Origin

# What rpx and every shell set.
_ALWAYS = {"PORT", "HOST", "HOME", "PATH", "PWD", "USER", "SHELL", "TMPDIR", "RANDOM", "SECONDS"}


def service_of(
    draft: Draft,
    name: str,
    command: str | list[str],
    origin: Origin,
    *,
    text: str = "",
    web: bool = False,
    port: int | None = None,
    asked: bool = False,
) -> DraftService:
    """Return the service, and say in `draft` what was concluded.

    `web`: it gets a host whatever its command tells. `port` is what its runner gives it, where
    somebody has set that; `asked`: somebody asks it there by HTTP, so that it is no guess. `text`
    is what the command comes to, where that is a script's name. A host is written as "", for
    `give_hosts` to fill in.
    """
    text = text or (command if isinstance(command, str) else " ".join(command))
    told = listening(text)
    if told and port is not None and (asked or told.told is Told.USUAL):
        told = None  # it goes by what its runner says, or it would not be run so
    if watches(text):
        why = "a watcher: its stdin stays open, for some end when that is closed"
        draft.carried(name, "stdin", why, origin)
    if not web and (told is None or not speaks_http(text)):
        settings: Written = {"command": command}
        if number := own_port(text):
            settings["ports"] = [number]
        return DraftService(name, settings, origin)
    return DraftService(name, _proxy(draft, name, command, origin, told=told, port=port), origin)


def _proxy(
    draft: Draft,
    name: str,
    command: str | list[str],
    origin: Origin,
    *,
    told: ToldPort | None,
    port: int | None,
) -> Written:
    settings: Written = {"to": ""}
    number = told.port if told else None
    if told is not None and told.told is Told.USUAL:
        why = f"its command doesn't say; `{told.words}` is known for {number}"
        draft.guessed(name, f"from: localhost:{number}", why, origin, "correct it if it is another")
    elif number is not None and told is not None:
        draft.carried(name, "port", f"{number}, as `{told.words}` says", origin)
    elif port is not None:
        number = port
        draft.carried(name, "port", f"{number}, as its runner gave it", origin)
    elif told is None:
        why = "nothing says where it listens: it is given a free one in PORT"
        hint = "if it has one of its own, write `from: localhost:3000`"
        draft.guessed(name, "port", why, origin, hint)
    else:
        draft.carried(name, "port", "a free one in PORT, the same each time", origin)
    if number is not None:
        settings["from"] = f"localhost:{number}"
    settings["start"] = command
    return settings


def port_in(env: Written) -> int | None:
    """The port that variables of a service say it listens at."""
    said = str(env.get("PORT") or "")
    return int(said) if said.isdigit() and 0 < int(said) < 65536 else None


def drop_other_port(draft: Draft, service: DraftService, env: Written) -> None:
    """Take PORT away from the variables of a proxy, where it isn't the one in `from`."""
    own = str(service.settings.get("from", "")).rpartition(":")[2]
    if service.is_proxy and "PORT" in env and str(env["PORT"]) != own:
        why = "is not where it listens: rpx sets PORT by `from`"
        draft.lost(service.name, f"PORT={env.pop('PORT')}", why, service.origin)


def start_with(service: DraftService, **words: object) -> None:
    """Add words to what says how a service is run."""
    start = service.settings
    if service.is_proxy:
        start = service.settings["start"]
        if not isinstance(start, dict):
            start = service.settings["start"] = {"command": start}
    start.update(words)


def start_in(draft: Draft, service: DraftService, written: str, here: Path, given: Given) -> None:
    """Start a service in a folder that is relative to `here`.

    rpx.yaml is refused with a folder that isn't there: its command goes there itself, then.
    """
    if written.startswith(("$", "~")):
        below, path = written.replace("~", "$HOME", 1) if written[0] == "~" else written, None
    else:
        path = (here / written).absolute()
        below = given.below_root(path)
    if below == ".":
        return
    if path is not None and path.is_dir():
        start_with(service, cwd=below)
        return
    start = service.settings.get("start") if service.is_proxy else service.settings
    command = start.get("command") if isinstance(start, dict) else start
    if isinstance(command, list):
        start_with(service, command=["sh", "-c", f'cd "{below}" && exec "$@"', "sh", *command])
    else:
        start_with(service, command=f'cd "{below}" && {command}')
    why = "that folder isn't here yet, or depends on a variable: the command goes there"
    draft.guessed(service.name, f"folder {written}", why, service.origin, f"`cwd: {below}`")


def about_variables(
    draft: Draft, service: DraftService, command: str, known: Container[str]
) -> None:
    """Say which variables a command uses that nobody has set."""
    for name in variables(command):
        if name not in known and name not in _ALWAYS and not name.startswith("RPX_"):
            why = "is not set here, and is empty in the command"
            hint = f"set it in `.env` or `env`, or write ${{{name}:-default}}"
            draft.guessed(service.name, f"${name}", why, service.origin, hint)
