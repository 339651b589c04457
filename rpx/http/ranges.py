"""Parts of a body: which are asked for, and how several are sent at once (RFC 9110 §14)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

MOST: Final = 64  # parts of one answer; nobody who needs so many is harmed by all of it
_SPEC = re.compile(rb"([0-9]{0,100}+)-([0-9]{0,100}+)")


class Span(NamedTuple):
    """Bytes of a body, from `start` up to but without `end`."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """How many bytes."""
        return self.end - self.start


def spans_of(value: bytes, size: int) -> list[Span] | None:
    """The parts of a body of `size` bytes that a Range's value asks for, in the order asked for.

    None: all of it is to be sent, since the unit is another one, or what is asked for is more than
    there is (§14.2, §17.15: many or overlapping parts make a small request cost a lot). An empty
    list: nothing of it is there, or it isn't understood, which is a 416 (§15.5.17).
    """
    unit, equals, specs = value.partition(b"=")
    if not equals or unit.strip(b" \t").lower() != b"bytes":
        return None
    asked = [spec for part in specs.split(b",", MOST + 1) if (spec := part.strip(b" \t"))]
    if not 0 < len(asked) <= MOST or not size:  # (empty members of a list don't count, §5.6.1)
        return None  # of nothing no part can be told: nginx and Go send all of it
    spans: list[Span] = []
    for spec in asked:
        span = _span(spec, size)
        if span is None:
            return []
        if span.size > 0:
            spans.append(span)
    return None if sum(span.size for span in spans) > size else spans


def _span(spec: bytes, size: int) -> Span | None:
    """One part, empty if nothing of it is there; None: it isn't understood."""
    match = _SPEC.fullmatch(spec)
    if match is None or spec == b"-":
        return None
    first, last = match.groups()
    if not first:
        return Span(max(0, size - int(last)), size)
    start = int(first)
    if not last:
        return Span(start, size)
    return Span(start, min(int(last) + 1, size)) if int(last) >= start else None


def content_range(span: Span, size: int) -> bytes:
    """The value of Content-Range for one part of `size` bytes (§14.4)."""
    return b"bytes %d-%d/%d" % (span.start, span.end - 1, size)


class Multipart:
    """A body of type multipart/byteranges (§14.6): a preface before each part, and an end."""

    def __init__(self, spans: Sequence[Span], size: int, kind: bytes, boundary: bytes) -> None:
        """`size` is of the whole body and `kind` its Content-Type; `boundary` is nowhere in it."""
        self.prefaces = [
            b"\r\n--%b\r\nContent-Type: %b\r\nContent-Range: %b\r\n\r\n"
            % (boundary, kind, content_range(span, size))
            for span in spans
        ]
        self.end = b"\r\n--%b--\r\n" % boundary
        self.kind = b"multipart/byteranges; boundary=" + boundary
        parts = sum(span.size for span in spans)
        self.length = sum(map(len, self.prefaces)) + parts + len(self.end)
