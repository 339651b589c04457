"""Single values that several settings have: numbers, durations, sizes, ports, names, commands.

Each validator takes what was written and gives what its type has. Raises: PydanticCustomError with
a hint and the end of a sentence whose subject explain.py knows ("`http_port`" … "is no port: `x`").
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, StrictInt

from rpx.config.duration import DURATION_TEXT, parse_duration, written_duration
from rpx.config.settings.forms import COMMAND, NAME, PORT, number, one_or_more, text
from rpx.config.settings.host_names import LONGEST
from rpx.config.settings.written import Kind, several
from rpx.config.wording import shown, wrong

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_SIZE = re.compile(r"([0-9]{1,12})\s*(|b|kb|mb|gb)")
_UNITS = {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}


def seconds(value: object) -> object:
    """A duration whose bare number is in seconds."""
    return _duration(value, 1.0, "seconds")


def milliseconds(value: object) -> object:
    """A duration whose bare number is in milliseconds."""
    return _duration(value, 0.001, "milliseconds")


def _duration(value: object, bare: float, unit: str) -> float:
    try:
        return parse_duration(value, bare)
    except ValueError as error:
        hint = f"write 500ms, 10s or 1m30s; a bare number is {unit} here"
        raise wrong(f"{error}: {shown(value)}", hint) from None


def size(value: object) -> int:
    """Bytes: a number, or `64kb`, `10mb`, `1gb` (of 1024)."""
    match = _SIZE.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is not None:
        return int(match[1]) * _UNITS[match[2]]
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise wrong(f"is not a size: {shown(value)}", "write bytes, or 64kb, 10mb, 1gb")


def written_size(size: int) -> str | int:
    """What may be written for so many bytes: `64kb`."""
    units = [(unit, factor) for unit, factor in _UNITS.items() if factor > 1]
    exact = [f"{size // factor}{unit}" for unit, factor in units if size and size % factor == 0]
    return exact[-1] if exact else size


def port(value: object) -> object:
    """A port, also in quotes: a flow mapping needs them around `${NAME:-8080}`; 0 is any."""
    if isinstance(value, str) and value.isdecimal() and value.isascii():
        if value.startswith("0") and value.strip("0"):
            raise wrong(f"has a leading zero: {shown(value)}", f"write it as {value.lstrip('0')}")
        value = int(value[:6])
    if isinstance(value, int) and not isinstance(value, bool) and not 0 <= value <= 65535:
        raise wrong(f"is no port: {shown(value)}", "ports go from 1 to 65535; 0 is any free one")
    return value


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


def command(value: object) -> object:
    """A text for the shell, or the words of a command."""
    if isinstance(value, str):
        if value.strip():
            return value
        raise wrong("has an empty command", "write what to run, for example `python app.py`")
    if value == ():  # that of an image
        return value
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


def written_command(found: str | tuple[str, ...]) -> str | list[str]:
    """What may be written for a command."""
    return found if isinstance(found, str) else list(found)


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


Count = Annotated[StrictInt, Field(ge=1), Kind("1 or more")]
Whole = Annotated[StrictInt, Field(ge=0), Kind("0 or more")]
Port = Annotated[StrictInt, BeforeValidator(port), Kind("0 to 65535", PORT)]
DURATION: Final = number("number", rf"^\s*{DURATION_TEXT}\s*$", minimum=0)
Seconds = Annotated[float, BeforeValidator(seconds), Kind("duration", DURATION, written_duration)]
Wait = Annotated[Seconds, Field(gt=0)]
Milliseconds = Annotated[
    float, BeforeValidator(milliseconds), Kind("duration, bare: ms", DURATION, written_duration)
]
Size = Annotated[
    int,
    BeforeValidator(size),
    Kind(
        "size", number(pattern=r"^\s*[0-9]{1,12}\s*([KkMmGg]?[Bb])?\s*$", minimum=0), written_size
    ),
]
Name = Annotated[str, BeforeValidator(name), Kind("letters, digits, `-`, `_`", NAME)]
Names = Annotated[
    tuple[Name, ...], BeforeValidator(several), Kind("name, or list", one_or_more(NAME), list)
]
Command = Annotated[
    str | tuple[str, ...], BeforeValidator(command), Kind("text or list", COMMAND, written_command)
]
UrlPath = Annotated[str, BeforeValidator(url_path), Kind("begins with `/`", text("^/"))]
