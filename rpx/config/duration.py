"""Durations: `500ms`, `10s`, `1m30s`, `1.5s`, or a bare number in a unit that the key decides."""

from __future__ import annotations

import math
import re

_NUMBER = r"([0-9]{1,12}(?:\.[0-9]{1,9})?)"
_UNITS = re.compile(rf"(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?(?:{_NUMBER}ms)?")
_BARE = re.compile(_NUMBER)
# The same for others than us: a number, or at least one with a unit.
_PLAIN = r"[0-9]{1,12}(\.[0-9]{1,9})?"
DURATION_TEXT = rf"({_PLAIN}|(?=.)({_PLAIN}h)?({_PLAIN}m)?({_PLAIN}s)?({_PLAIN}ms)?)"
_SECONDS = (3600.0, 60.0, 1.0, 0.001)
_LONGEST = 366 * 24 * 3600.0  # what is longer is a slip, and the clock's arithmetic stays exact


def parse_duration(value: object, bare: float) -> float:
    """Seconds. A bare number counts `bare` seconds each (0.001: milliseconds).

    Raises: ValueError with the end of a sentence that begins with the setting's name.
    """
    if isinstance(value, str):
        seconds = _read(value.strip(), bare)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value) * bare if math.isfinite(value) else None
    else:
        seconds = None
    if seconds is None:
        raise ValueError("is not a duration")
    if seconds < 0:
        raise ValueError("cannot be negative")
    if seconds > _LONGEST:
        raise ValueError("is longer than a year")
    return seconds


def written_duration(seconds: float) -> str:
    """What may be written for so many seconds: `500ms`, `1m30s`, `1h`."""
    if seconds % 1:
        short = f"{seconds * 1000:g}ms"
        exact = seconds < 1 and parse_duration(short, 1.0) == seconds
        return short if exact else f"{seconds:.9f}".rstrip("0") + "s"
    whole = int(seconds)
    if whole < 120:
        return f"{whole}s"
    parts = ((whole // 3600, "h"), (whole // 60 % 60, "m"), (whole % 60, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def _read(text: str, bare: float) -> float | None:
    sign = -1.0 if text.startswith("-") else 1.0
    text = text.removeprefix("-")
    if plain := _BARE.fullmatch(text):
        return sign * float(plain[1]) * bare
    units = _UNITS.fullmatch(text) if text else None
    if units is None:
        return None
    return sign * sum(
        float(number) * seconds
        for number, seconds in zip(units.groups(), _SECONDS, strict=True)
        if number
    )
