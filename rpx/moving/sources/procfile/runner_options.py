"""What lies beside a Procfile: foreman's `.foreman`, overmind's `.overmind.env`, the `.env`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rpx.config.variables.dotenv import parse_dotenv
from rpx.moving.draft import Draft
from rpx.moving.given import origin, text_of_file
from rpx.moving.lined import Lined, read_lined
from rpx.moving.remarks import Origin

_STEP = 100  # from one entry's port to the next one's, in foreman, honcho and overmind


@dataclass(slots=True)
class RunnerOptions:
    """The first entry's port and what lies between two, if anybody has set them; how many copies
    of which entry; a stop signal; the variables of the `.env`.
    """

    port: int | None = None
    step: int = _STEP
    port_from: Origin | None = None
    copies: dict[str, tuple[int, Origin]] = field(default_factory=dict)
    grace: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    wanted: str = ""  # another Procfile that is named there


def look_beside(folder: Path, environ: Mapping[str, str], draft: Draft) -> RunnerOptions:
    """Read what there is; what it says that has no place in rpx.yaml is said in `draft`."""
    beside = RunnerOptions()
    _dotenv(folder / ".env", environ, draft, beside)
    if (folder / ".foreman").is_file():
        _foreman(read_lined(folder / ".foreman"), draft, beside)
    if (folder / ".overmind.env").is_file():
        _overmind(folder / ".overmind.env", environ, draft, beside)
    return beside


def _dotenv(path: Path, environ: Mapping[str, str], draft: Draft, beside: RunnerOptions) -> None:
    if not path.is_file():
        return
    text = text_of_file(path)
    beside.variables, problems = parse_dotenv(text, environ, label=origin(path).file)
    for problem in problems:
        draft.lost("", ".env", problem.what, _place(path, problem.where), problem.hint)
    draft.carried("", ".env", "rpx reads it too, for everything that it starts", origin(path))
    if "PORT" in beside.variables:
        line = _line_of(text, "PORT")
        why = "is not the port of any service: rpx gives each its own"
        hint = "write it as `from: localhost:PORT` of a proxy if it is to stay"
        draft.carried("", "PORT", why, origin(path, line), hint)


def _foreman(options: Lined, draft: Draft, beside: RunnerOptions) -> None:
    for key, value in options.mapping.items():
        here = options.at(key)
        match key:
            case "port" if value.text.isdigit():
                beside.port, beside.port_from = int(value.text), here
            case "formation" | "concurrency":
                _formation(value.text, here, draft, beside)
            case "timeout" if value.text.isdigit():
                beside.grace = f"{value.text}s"
            case "procfile":
                beside.wanted = value.text
                why = f"names {value.text}: that is the one to import"
                draft.carried("", "procfile", why, here)
            case "env":
                draft.lost("", "env", f"names {value.text}", here, f"`env_file: {value.text}`")
            case "color" | "app" | "root" | "log" | "run" | "user" | "template":
                draft.carried("", key, "has no meaning here", here)
            case _:
                draft.lost("", key, "rpx has no such setting", here)


def _overmind(path: Path, environ: Mapping[str, str], draft: Draft, beside: RunnerOptions) -> None:
    text = text_of_file(path)
    options, _ = parse_dotenv(text, environ, label=origin(path).file)
    for key, value in options.items():
        here, word = origin(path, _line_of(text, key)), key.removeprefix("OVERMIND_")
        match word:
            case "PORT" if value.isdigit():
                beside.port, beside.port_from = int(value), here
            case "PORT_STEP" if value.isdigit():
                beside.step = int(value)
            case "FORMATION":
                _formation(value, here, draft, beside)
            case "TIMEOUT" if value.isdigit():
                beside.grace = f"{value}s"
            case "PROCFILE":
                beside.wanted = value
                draft.carried("", key, f"names {value}: that is the one to import", here)
            case _:
                _rest_of_overmind(key, word, value, draft, here)


def _rest_of_overmind(key: str, word: str, value: str, draft: Draft, here: Origin) -> None:
    match word:
        case "AUTO_RESTART" | "CAN_DIE" | "ANY_CAN_DIE":
            why = "rpx restarts what has crashed, and lets the others go on when one ends"
            draft.carried("", key, why, here, "`restart: no` of a service keeps it down")
        case "STOP_SIGNALS" | "IGNORED_PROCESSES":
            hint = "`stop_signal` of a service, or `autostart: false`"
            draft.lost("", key, f"is {value}", here, hint)
        case _ if key.startswith("OVERMIND_"):
            draft.carried("", key, "is about overmind itself", here)
        case _:
            draft.lost("", key, "is for overmind alone", here, "put it into `.env`")


def _formation(text: str, here: Origin, draft: Draft, beside: RunnerOptions) -> None:
    for part in filter(None, re.split(r"[\s,]+", text)):
        name, _, number = part.partition("=")
        if number.isdigit():
            beside.copies[name] = (int(number), here)
        else:
            draft.lost("", part, "is no number of copies", here, "write `name=2`")


def _line_of(text: str, key: str) -> int:
    found = re.search(rf"^[ \t]*(?:export[ \t]+)?{re.escape(key)}[ \t]*=", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 0


def _place(path: Path, where: str) -> Origin:
    line = where.rpartition(":")[0].rpartition(":")[2]
    return origin(path, int(line) if line.isdigit() else 0)
