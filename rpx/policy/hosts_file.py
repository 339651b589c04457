"""The text of a hosts file, in which one block is ours: what is in it, and the text with another.

Everything outside the block stays as it is, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from rpx.errors import RpxError

BEGIN: Final = "# rpx begin: these lines are kept by `rpx hosts`"
END: Final = "# rpx end"
ADDRESSES: Final = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A name that somebody else has put into the file; `line` counts from 1."""

    name: str
    address: str
    line: int

    @property
    def loopback(self) -> bool:
        """Whether it leads to this machine."""
        try:
            return ip_address(self.address.partition("%")[0]).is_loopback
        except ValueError:
            return False


def our_names(text: str) -> list[str]:
    """The names in our block, in its order. Raises: RpxError for a block without an end."""
    lines = text.splitlines()
    first, last = _block(lines)
    return list(dict.fromkeys(name for line in lines[first:last] for name in _read(line)[1]))


def foreign_names(text: str) -> Iterator[Foreign]:
    """Each name outside of our block."""
    lines = text.splitlines()
    first, last = _block(lines)
    for number, line in enumerate(lines):
        if not first <= number < last:
            address, names = _read(line)
            yield from (Foreign(name, address, number + 1) for name in names)


def with_names(text: str, names: Iterable[str]) -> str:
    """The text with exactly these names in our block; without names there is none."""
    lines = text.splitlines(keepends=True)
    first, last = _block([line.rstrip("\r\n") for line in lines])
    block = [f"{address} {name}\n" for name in names for address in ADDRESSES]
    if block:
        block = [f"{BEGIN}\n", *block, f"{END}\n"]
    if block and first == len(lines) and lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join([*lines[:first], *block, *lines[last:]])


def _block(lines: list[str]) -> tuple[int, int]:
    """Where our block begins and ends, its marks included; nothing at the end without one."""
    begins = [number for number, line in enumerate(lines) if line.strip() == BEGIN]
    ends = [number for number, line in enumerate(lines) if line.strip() == END]
    if not begins and not ends:
        return len(lines), len(lines)
    if len(begins) == len(ends) == 1 and begins[0] < ends[0]:
        return begins[0], ends[0] + 1
    places = ", ".join(str(number + 1) for number in sorted([*begins, *ends]))
    raise RpxError(
        f"the marks around the lines of rpx are not one `# rpx begin` and one `# rpx end` (line"
        f" {places})",
        hint="remove these marks and what stands between them by hand",
    )


def _read(line: str) -> tuple[str, list[str]]:
    """The address and the names of one line."""
    words = line.partition("#")[0].split()
    return (words[0], [word.lower() for word in words[1:]]) if words else ("", [])
