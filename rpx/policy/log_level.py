"""How serious a line of output is, by what it says of itself: JSON, logfmt, or a word in front."""

from __future__ import annotations

import re
from typing import Final

LEVELS: Final = ("debug", "info", "warn", "error")  # the later, the more serious

_WORDS: Final = {
    **dict.fromkeys(("trace", "trc", "debug", "dbg", "dbug", "verbose", "silly"), "debug"),
    **dict.fromkeys(("info", "inf", "information", "informational", "notice", "log"), "info"),
    **dict.fromkeys(("warn", "wrn", "warning"), "warn"),
    **dict.fromkeys(
        ("error", "err", "eror", "fatal", "ftl", "critical", "crit", "panic", "alert", "emerg"),
        "error",
    ),
}
# Of pino and bunyan, which are tens.
_NUMBERS: Final = {"10": "debug", "20": "debug", "30": "info", "40": "warn", "50": "error",
                   "60": "error"}  # fmt: skip
_KEYS = r"(?:level|lvl|severity|levelname|log\.level|loglevel|@level|@l)"
_JSON: Final = re.compile(rf'"{_KEYS}"\s*:\s*(?:"([A-Za-z]+)"|([0-9]+))', re.IGNORECASE)
_LOGFMT: Final = re.compile(rf'(?:^|[\s,]){_KEYS}=["\']?([A-Za-z]+|[0-9]+)', re.IGNORECASE)
# In front, behind at most four words of time and place: capitals, or in brackets, or with a colon.
_IN_FRONT: Final = re.compile(
    r"\W*(?:\S+\s+){0,4}?(?:"
    r"(?:[<\[(|]\s*)?(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|PANIC)\b"
    r"|\[\s*(trace|debug|info|notice|warn|warning|error|err|fatal|critical|crit|panic)\s*\])"
)
_BEGINS: Final = re.compile(
    r"\W*(?:(debug|info|warn|warning|error|fatal|panic)(?:\s*[:\-]|\s*\[)|Traceback \()",
    re.IGNORECASE,
)
# What was raised, by its class; npm; klog (github.com/golang/glog).
_RAISED: Final = re.compile(
    r"(?:\w+\.)*\w*(?:Error|Exception)(?::|$)|npm ERR!|Uncaught |Unhandled |[EF]\d{4} \d\d:\d\d:"
)
SEEN: Final = 4096  # characters: of a longer line the beginning

# What a grave line has somewhere, and the indented ones that belong to it.
_GRAVE: Final = re.compile(
    rb"err|warn|wrn|exception|fatal|ftl|crit|panic|traceback|uncaught|unhandled|level|lvl|sever|alert"
    rb'|emerg|"@l|  |\t'
)
_KLOG_LINE: Final = re.compile(rb"\S+ \S+ [EF]\d{4} ")


def level_of(text: str) -> str:
    """Return one of LEVELS, or "" for a line that says none."""
    head = text[:SEEN]
    if "{" in head[:64] and (found := _JSON.search(head)):
        return _WORDS.get((found[1] or "").lower()) or _NUMBERS.get(found[2] or "", "")
    if "=" in head and (found := _LOGFMT.search(head)):
        return _WORDS.get(found[1].lower()) or _NUMBERS.get(found[1], "")
    if found := _IN_FRONT.match(head[:160]):
        return _WORDS[(found[1] or found[2]).lower()]
    if found := _BEGINS.match(head[:80]):
        return _WORDS[found[1].lower()] if found[1] else "error"
    return "error" if _RAISED.match(head[:160]) else ""


def at_least(level: str, least: str) -> bool:
    """Whether a level is as serious as another one; "" is less than any."""
    return level != "" and LEVELS.index(level) >= LEVELS.index(least)


def may_be_grave(line: bytes) -> bool:
    """Whether a line of a log file may be `warn` or `error`, or belong to one that is: a glance,
    for going through many.
    """
    return bool(_GRAVE.search(line.lower()) or _KLOG_LINE.match(line))


class Levels:
    """The levels of the lines of one who prints, in their order.

    What is indented, or stands below `Traceback …` up to what was raised, belongs to the line
    before.
    """

    def __init__(self) -> None:
        self._last = ""
        self._in_traceback = False

    def of(self, text: str) -> str:
        """The level of the next line."""
        if text[:1] in (" ", "\t") and self._last:
            return self._last
        self._last = "error" if self._in_traceback else level_of(text)
        self._in_traceback = text.startswith("Traceback (most recent call last)")
        return self._last
