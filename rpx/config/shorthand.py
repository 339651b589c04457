"""What may be written shorter or in several ways, made one: the validators of schema.py.

Each takes what was written and gives what the schema has. Raises: PydanticCustomError with a hint
and the end of a sentence whose subject explain.py knows ("`to` of proxy `api`" … "has a port").
"""

from __future__ import annotations

import re
import signal
from typing import get_args

from pydantic import ValidationInfo

from rpx.config.addresses import LONGEST, address
from rpx.config.duration import parse_duration
from rpx.config.wording import shown, wrong
from rpx.model.address import Address
from rpx.model.config import Stdin, Strategy, Web, Whom
from rpx.model.late import without_marks
from rpx.model.suggest import choices

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_PASSED_ON = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")  # the name of a variable, and nothing else
_VARIABLE = re.compile(r"[^=\0]+")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}")  # RFC 6265 §4.1.1
_RANGE = re.compile(r"([1-5][0-9][0-9])(?:\s*-\s*([1-5][0-9][0-9]))?")

_SIZE = re.compile(r"([0-9]{1,12})\s*(|b|kb|mb|gb)")
_UNITS = {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}
_RESTARTS = ("no", "on-failure", "always")
_CONDITIONS = {
    "service_started": "started",
    "service_healthy": "healthy",
    "service_completed_successfully": "completed",
}


def given(value: object) -> object:
    """A key without a value is a line somebody forgot to finish."""
    if value is None:
        raise wrong("has no value", "give it one, or remove the line")
    return value


def seconds(value: object) -> object:
    """A duration whose bare number is in seconds."""
    return _duration(value, 1.0, "seconds")


def port(value: object) -> object:
    """A port, also in quotes: a flow mapping needs them around `${NAME:-8080}`; 0 is any."""
    if isinstance(value, str) and value.isdecimal() and value.isascii():
        if value.startswith("0") and value.strip("0"):
            raise wrong(f"has a leading zero: {shown(value)}", f"write it as {value.lstrip('0')}")
        value = int(value[:6])
    if isinstance(value, int) and not isinstance(value, bool) and not 0 <= value <= 65535:
        raise wrong(f"is no port: {shown(value)}", "ports go from 1 to 65535; 0 is any free one")
    return value


def size(value: object) -> int:
    """Bytes: a number, or `64kb`, `10mb`, `1gb` (of 1024)."""
    match = _SIZE.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is not None:
        return int(match[1]) * _UNITS[match[2]]
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise wrong(f"is not a size: {shown(value)}", "write bytes, or 64kb, 10mb, 1gb")


def milliseconds(value: object) -> object:
    """A duration whose bare number is in milliseconds."""
    return _duration(value, 0.001, "milliseconds")


def _duration(value: object, bare: float, unit: str) -> float:
    try:
        return parse_duration(value, bare)
    except ValueError as error:
        hint = f"write 500ms, 10s or 1m30s; a bare number is {unit} here"
        raise wrong(f"{error}: {shown(value)}", hint) from None


def name(value: object) -> object:
    """The name of a project, proxy or process."""
    if isinstance(value, str) and not _NAME.fullmatch(value):
        raise wrong(
            f"is not a name: {shown(value)}",
            "letters, digits, - and _, beginning with one of the first two",
        )
    if isinstance(value, str) and len(value) > LONGEST:
        raise wrong(f"is too long for a name: {shown(value)}", f"it may have {LONGEST} characters")
    return value


def variable(value: object) -> object:
    """The name of an environment variable."""
    if isinstance(value, str) and not _VARIABLE.fullmatch(value):
        raise wrong(
            f"is not the name of a variable: {shown(value)}", "it cannot be empty or hold a ="
        )
    if isinstance(value, str) and value != value.strip():
        raise wrong(f"has a space around the name: {shown(value)}", f"write {value.strip()}")
    return value


def switch(value: object) -> object:
    """`true` and `false` switch it."""
    return {"enabled": value} if isinstance(value, bool) else value


def cookie_name(value: object) -> object:
    """What a cookie may be called."""
    if isinstance(value, str) and not _TOKEN.fullmatch(value):
        hint = "letters, digits and !#$%&'*+-.^_`|~, for example server_id"
        raise wrong(f"is not the name of a cookie: {shown(value)}", hint)
    return value


def url_path(value: object) -> object:
    """The path of a check, sent as it is."""
    if not isinstance(value, str):
        return value
    if not value.startswith("/"):
        raise wrong(
            f"does not begin with a /: {shown(value)}",
            f"write it as /{value.lstrip('/')}" if value else "for example /health",
        )
    if re.search(r"[^!-~]|#", value):
        raise wrong(
            f"holds a character that no request line can: {shown(value)}",
            "write it percent-encoded, as %20 for a space",
        )
    return value


def listed(value: object) -> object:
    """One of something that may be a list, and stays one."""
    return value if isinstance(value, list) else [value]


def env_file(value: object) -> object:
    """A path alone."""
    if not isinstance(value, str | dict):
        raise wrong(f"is not a path: {shown(value)}", "write a path relative to rpx.yaml")
    return {"path": value} if isinstance(value, str) else value


def several(value: object) -> tuple[object, ...]:
    """One of something that may be a list."""
    return tuple(value) if isinstance(value, list) and value else (value,)


def statuses(value: object) -> object:
    """`200`, `200-399`, `200,204,300-399`, or a list of those, as ranges."""
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(_status(part) for part in (parts if isinstance(parts, list) else [parts]))


def _status(value: object) -> tuple[int, int]:
    found = _RANGE.fullmatch(str(value).strip())
    if found is None or int(found[1]) > int(found[2] or found[1]):
        hint = "write 200, 200-399 or [200, 204, 300-399]"
        raise wrong(f"has something that is no status and no range: {shown(value)}", hint)
    return int(found[1]), int(found[2] or found[1])


def pattern(value: object) -> object:
    """A regular expression, as Python has them."""
    if isinstance(value, str):
        try:
            re.compile(value)
        except re.error as error:
            raise wrong(
                f"is not a regular expression: {error}", "write \\ before what is meant literally"
            ) from None
    return value


def web(value: object, info: ValidationInfo) -> object:
    """A URL, or the path of one on the backend itself."""
    if isinstance(value, str) and value.startswith("/"):
        return Web(address=None, path=str(url_path(value)))
    if not isinstance(value, str) or not value.lower().startswith("http://"):
        raise wrong(
            f"is not a path and no http:// URL: {shown(value)}",
            "write /health, or http://localhost:3000/health",
        )
    authority, slash, path = value[len("http://") :].partition("/")
    where = address(authority if re.search(r":[0-9]+$", authority) else f"{authority}:80", info)
    if not isinstance(where, Address):
        raise wrong(
            f"is a URL of a unix socket: {shown(value)}",
            "write a path, which asks the backend itself, or tcp: unix:PATH",
        )
    return Web(address=where, path=str(url_path(slash + path)) if slash else "/")


def start(value: object) -> object:
    """A text or a list is the command."""
    return {"command": value} if isinstance(value, str | list) else given(value)


def command(value: object) -> object:
    """A text for the shell, or the words of a command."""
    if isinstance(value, str):
        if value.strip():
            return value
        raise wrong("has an empty command", "write what to run, for example `python app.py`")
    if not isinstance(value, list):
        raise wrong(
            f"is not a command: {shown(value)}", "write it as a text, or as a list of words"
        )
    if not value or value[0] == "":
        raise wrong("has an empty command", "write what to run, for example [python, app.py]")
    if not all(
        isinstance(word, str | int | float) and not isinstance(word, bool) for word in value
    ):
        raise wrong("has a word that is not text", "put it in quotes")
    return tuple(str(word) for word in value)


def env(value: object) -> object:
    """Compose's list form as a mapping. `NAME` alone passes on what is there, as always."""
    if not isinstance(value, list):
        return value
    pairs: dict[str, str] = {}
    for at, item in enumerate(value):
        if not isinstance(item, str):
            hint = "write `NAME=value`, or `NAME: value` without the `- `"
            raise wrong(f"has an entry that is not `NAME=value`: {shown(item)}", hint, at)
        key, equals, text = item.partition("=")
        if key in pairs:
            raise wrong(f"sets {shown(key)} twice", "keep one of them", at)
        if not equals and not _PASSED_ON.fullmatch(item):
            name, _, rest = item.partition(":")
            hint = f"write {name.strip()}={rest.strip()}" if rest else "write NAME=value"
            raise wrong(f"has an entry without a `=`: {shown(item)}", hint, at)
        if equals:
            pairs[key] = text
    return pairs


def env_value(value: object) -> object:
    """A variable's text; None unsets it."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str() if "\0" in without_marks(value):
            raise wrong("holds a NUL character", "no environment can hold one; remove it")
        case dict() | list():
            raise wrong(
                f"is not text: {shown(value)}", "a variable is a text, a number, true or false"
            )
        case _:
            return value


def restart(value: object) -> object:
    """A policy without its details. YAML reads a bare `no` as false."""
    return value if isinstance(value, dict) else {"policy": policy(value)}


def policy(value: object) -> object:
    """One of the restart policies."""
    if value is False:
        return "no"
    if value == "unless-stopped":  # compose's: here what was stopped stays so in any case
        return "always"
    if value not in _RESTARTS:
        hint = f"write {choices(_RESTARTS)}"
        if isinstance(value, str) and (limited := re.fullmatch(r"on-failure:([0-9]+)", value)):
            hint = f"write {{policy: on-failure, max_restarts: {limited[1]}}}"
        raise wrong(f"is not a restart policy: {shown(value)}", hint)
    return value


def instances(value: object) -> object:
    """One process for all addresses; more than one have addresses of their own."""
    if value != 1 or isinstance(value, bool):
        hint = "list one address for each copy in `from`; each gets a process of its own"
        raise wrong(f"can only be 1: {shown(value)}", hint)
    return value


def strategy(value: object) -> object:
    """One of the ways to choose a backend."""
    if value not in get_args(Strategy):
        raise wrong(f"is not a strategy: {shown(value)}", f"write {choices(get_args(Strategy))}")
    return value


def depends_on(value: object) -> object:
    """A name, or a list of them: what each has to be follows from what it is."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return value
    if not all(isinstance(item, str) for item in value):
        raise wrong("is not a list of names", "for a condition write `{db: {condition: healthy}}`")
    if len(set(value)) < len(value):
        raise wrong("names something twice", "keep one of them")
    return {item: {} for item in value}


def dependency(value: object) -> object:
    """Just the condition."""
    return {"condition": value} if isinstance(value, str) else given(value)


def condition(value: object) -> object:
    """One of the conditions, or Compose's word for it."""
    known = _CONDITIONS.get(value, value) if isinstance(value, str) else value
    if known not in _CONDITIONS.values():
        raise wrong(f"is not a condition: {shown(value)}", f"write {choices(_CONDITIONS.values())}")
    return known


def stdin(value: object) -> object:
    """What a process reads: YAML's `null`, or the word, is /dev/null."""
    if value is None:
        return "null"
    if value not in get_args(Stdin):
        raise wrong(
            f"is not what a process can read: {shown(value)}",
            "write `open`, a pipe that stays open, or `null`, which is /dev/null",
        )
    return value


def stop_signal(value: object) -> object:
    """`SIGTERM`, `TERM` or 15, as a number."""
    try:
        if isinstance(value, str) and not value.isdigit():
            return int(signal.Signals["SIG" + value.upper().removeprefix("SIG")])
        if isinstance(value, str | int) and not isinstance(value, bool):
            return int(signal.Signals(int(value)))
    except (KeyError, ValueError):
        pass
    raise wrong(f"is not a signal: {shown(value)}", "write SIGTERM, TERM or 15")


def stop_signal_to(value: object) -> object:
    """Who is asked to stop."""
    if value not in get_args(Whom):
        raise wrong(f"can't be signalled: {shown(value)}", f"write {choices(get_args(Whom))}")
    return value
