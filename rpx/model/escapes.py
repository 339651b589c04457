"""Control characters and escape sequences in what services print: which of it is text or colour.

Text is bytes that need not be UTF-8. C1 control characters (U+0080 to U+009F) do what an escape
and a letter do, and some terminals take them as single bytes, too (ECMA-48, 5.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_C0: Final = bytes({*range(0x20), 0x7F} - set(b"\t\n"))  # what is in no line of plain text
_FIRST: Final = "[\x00-\x07\x0b-\x1f\x7f-\x9f\udc80-\udc9f]"  # all but backspace, tab, newline
_END: Final = "(?:\x07|\x1b\\\\|[\x9c\udc9c])"
_PARAMETERS: Final = "[0-?]*[ -/]*[@-~]?"  # of colours, cursor, modes
_CONTENT: Final = (
    f"[^\x07\x1b\n\x9c\udc9c]*{_END}?"  # of titles, clipboards, images; at most the line
)
_REST: Final = (
    f"(?:(?<=\x1b)(?:\\[{_PARAMETERS}|[\\]PX^_]{_CONTENT}|[ -/]*[0-~])"
    f"|(?<=[\x9b\udc9b]){_PARAMETERS}"
    f"|(?<=[\x90\x98\x9d-\x9f\udc90\udc98\udc9d-\udc9f]){_CONTENT})?"
)
_COLOUR: Final = "\x1b\\[[0-9;:]*m"
_LINK: Final = "\x1b\\]8;[!-:<-~]*;[!-~]*(?:\x07|\x1b\\\\)"  # OSC 8

# That each begins with a set of characters is what makes searching fast.
_CONTROL = re.compile(_FIRST.replace("\x07", "\x08"))
_ALL = re.compile(_FIRST + _REST)
_ALL_BUT_COLOURS = re.compile(f"{_FIRST}(?<!\x1b(?=\\[[0-9;:]*m)){_REST}")
_ALL_OR_LINK = re.compile(f"({_COLOUR}|{_LINK})|{_FIRST}{_REST}")
_KEPT = re.compile(f"({_COLOUR}|{_LINK})")
# To the first column, or the line erased: like a carriage return, what follows takes its place.
_AFRESH = re.compile("(\x1b\\[(?:[01]?G|2K))")
_OPEN = re.compile("[^\n]*\x1b[^\n]*")
ERASE: Final = "\x1b[2K"
RESET: Final = "\x1b[0m"
UNLINK: Final = "\x1b]8;;\x1b\\"


def without_escapes(text: bytes) -> bytes:
    """Return what is left to read, whatever a terminal would have made of it."""
    if _is_plain(text):
        return text
    return _encoded(_ALL.sub("", _decoded(text)).replace("\b", ""))


def on_a_terminal(text: bytes, *, colour: bool) -> bytes:
    """Return lines as they may go to a terminal that others print on, too.

    Of escape sequences only colours and links (OSC 8) are left, which end with their line; without
    `colour` none. What a line has overwritten by backspaces, or by going to its beginning, is gone.
    """
    if _is_plain(text):
        return text
    found = _decoded(text)
    if _AFRESH.search(found) or "\b" in found:
        found = "\n".join(map(_last_state, found.split("\n")))
    if not colour:
        return _encoded(_ALL.sub("", found))
    return _encoded(_OPEN.sub(_closed, _coloured(found)))


def _is_plain(text: bytes) -> bool:
    if text.isascii():
        return len(text.translate(None, _C0)) == len(text)
    return _CONTROL.search(_decoded(text)) is None


def _coloured(text: str) -> str:
    if "\x1b]8;" in text:
        return _ALL_OR_LINK.sub(lambda found: found[1] or "", text)
    return _ALL_BUT_COLOURS.sub("", text)


def _last_state(line: str) -> str:
    state, *moves = _AFRESH.split(line)
    at_start = False
    for move, text in zip(moves[::2], moves[1::2], strict=True):
        at_start |= move != ERASE
        if move == ERASE or (at_start and _ALL.sub("", text).strip("\b")):
            state, at_start = "", False
        state += text
    return state if "\b" not in state else "".join(_overtyped(_coloured(state)))


def _overtyped(line: str) -> Iterator[str]:
    """The characters that are there in the end, each with the colours that came before it."""
    cells: list[str] = []
    place, waiting = 0, ""
    for part in _KEPT.split(line):
        if part.startswith("\x1b"):
            waiting += part
            continue
        for character in part:
            if character == "\b":
                place = max(place - 1, 0)
                continue
            if place == len(cells):
                cells.append("")
            cells[place] = "".join(_KEPT.findall(cells[place])) + waiting + character
            place, waiting = place + 1, ""
    yield from cells
    yield waiting


def _closed(line: re.Match[str]) -> str:
    return line[0] + (UNLINK if "\x1b]8;" in line[0] else "") + RESET


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
