"""What the words of HTTP say to a corpus, as text, so that another interpreter can be compared.

`python -m tests.http.verdicts` reads lines of hex and prints one line for each.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator

import rpx.http
from rpx.http.cookies import _setter
from rpx.http.framing import ChunkedReader
from rpx.http.grammar import _field_pattern, read_authority, request_pattern, response_pattern
from rpx.http.head import parse_request
from rpx.http.limits import BadMessage
from rpx.http.response import parse_response


def patterns() -> dict[str, re.Pattern[bytes]]:
    """Every compiled pattern of rpx.http that reads bytes, by its name."""
    found: dict[str, re.Pattern[bytes]] = {
        "request_pattern": request_pattern(5),
        "response_pattern": response_pattern(5),
        "_field_pattern": _field_pattern(b"host"),
        "_setter": _setter(b"pin"),
    }
    for module in pkgutil.iter_modules(rpx.http.__path__, "rpx.http."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern) and isinstance(value.pattern, bytes):
                found[f"{module.name}.{name}"] = value
    return found


def _chunks(raw: bytes) -> object:
    reader = ChunkedReader()
    half = len(raw) // 2
    return reader.feed(raw[:half]) + reader.feed(raw[half:]), reader.trailers, reader.rest


def _answer(raw: bytes) -> object:
    return parse_response(raw, b"GET")


READERS: tuple[Callable[[bytes], object], ...] = (parse_request, _answer, _chunks, read_authority)


def _read(reader: Callable[[bytes], object], raw: bytes) -> str:
    try:
        return repr(reader(raw))
    except BadMessage as bad:
        return str(bad)


def _spans(pattern: re.Pattern[bytes], raw: bytes) -> str:
    found = (pattern.match(raw), pattern.search(raw), pattern.fullmatch(raw))
    return repr([match.regs if match else None for match in found])


def verdicts(corpus: Iterable[bytes]) -> Iterator[str]:
    """Yield what all readers and all patterns say, for each of `corpus`."""
    compiled = patterns()
    for raw in corpus:
        said = [_read(reader, raw) for reader in READERS]
        said += [f"{name} {_spans(pattern, raw)}" for name, pattern in compiled.items()]
        yield " · ".join(said).encode("unicode_escape").decode("ascii")


if __name__ == "__main__":
    for line in verdicts(bytes.fromhex(line) for line in sys.stdin):
        print(line)  # noqa: T201
