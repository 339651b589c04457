"""Dates as heads have them (RFC 9110 §5.6.7), from and to seconds since 1970."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_TIME = rb"([0-2][0-9]):([0-5][0-9]):([0-5][0-9]|60)"
_WEEKDAY = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
# IMF-fixdate; RFC 850's, which has two digits of the year; that of C's asctime.
_FIXED = re.compile(_WEEKDAY + rb", ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) " + _TIME + rb" GMT")
_LONG = re.compile(rb"[A-Z][a-z]+day, ([0-9]{2})-([A-Z][a-z]{2})-([0-9]{2}) " + _TIME + rb" GMT")
_OF_C = re.compile(_WEEKDAY + rb" ([A-Z][a-z]{2}) ([ 0-9][0-9]) " + _TIME + rb" ([0-9]{4})")
_DAY: Final = 86400


@lru_cache(maxsize=1024)
def http_date(seconds: int) -> bytes:
    """The date as an IMF-fixdate. Years before 1 and after 9999 have none: it is b"" for them."""
    days, rest = divmod(seconds, _DAY)
    year, month, day = _civil(days)
    if not 1 <= year <= 9999:
        return b""
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    weekday = _DAYS[(days + 3) % 7]  # 1970 began on a Thursday
    return f"{weekday}, {day:02} {_MONTHS[month - 1]} {year:04} {clock} GMT".encode()


@lru_cache(maxsize=1024)
def seconds_of(value: bytes) -> int | None:
    """The seconds since 1970 of a date in any of its three forms; None if it is none.

    A weekday is not compared with its date. Two digits of a year are 1970 to 2069.
    """
    if match := _FIXED.fullmatch(value):
        day, name, year, *clock = match.groups()
    elif match := _LONG.fullmatch(value):
        day, name, short, *clock = match.groups()
        year = b"%d" % (int(short) + (1900 if int(short) >= 70 else 2000))
    elif match := _OF_C.fullmatch(value):
        name, day, *clock, year = match.groups()
    else:
        return None
    month = name.decode()
    if month not in _MONTHS or not 1 <= int(day) <= 31:
        return None
    hours, minutes, seconds = map(int, clock)
    days = _days(int(year), _MONTHS.index(month) + 1, int(day))
    return days * _DAY + hours * 3600 + minutes * 60 + seconds


# Both count years from March, so that the day that some have more is the last one of a year, and in
# eras of 400 years, which all have the same number of days (Hinnant, "chrono-Compatible Low-Level
# Date Algorithms"). Python's own modules for dates also know what time it is now.


def _days(year: int, month: int, day: int) -> int:
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def _civil(days: int) -> tuple[int, int, int]:
    era, day = divmod(days + 719468, 146097)
    of_era = (day - day // 1460 + day // 36524 - day // 146096) // 365
    of_year = day - (365 * of_era + of_era // 4 - of_era // 100)
    month = (5 * of_year + 2) // 153
    civil = month + 3 if month < 10 else month - 9
    return era * 400 + of_era + (civil <= 2), civil, of_year - (153 * month + 2) // 5 + 1
