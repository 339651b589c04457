"""Durations: `500ms`, `10s`, `1m30s`, `1.5s`, or a bare number in a unit that the key decides."""

from __future__ import annotations

import math
import re

_NUMBER = r"([0-9]{1,12}(?:\.[0-9]{1,9})?)"
_UNITS = re.compile(rf"(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?(?:{_NUMBER}ms)?")
_BARE = re.compile(_NUMBER)
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
