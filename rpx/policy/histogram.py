"""How long things took, in a fixed number of counters instead of a list of samples.

Log-linear, as in HdrHistogram: each power of two is divided into 32 equal buckets, so that a
bucket is at most 1/32 as wide as the values in it, and its middle at most 1.6 % away from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import frexp, ldexp

PARTS = 32  # buckets for each power of two
_LOWEST, _HIGHEST = -19, 13  # exponents: from 2**-20 s (about 1 µs) up to 2**13 s (2.3 hours)
_SIZE = (_HIGHEST - _LOWEST + 1) * PARTS
_BELOW = (_LOWEST + 1) * PARTS  # what turns exponent and mantissa into a place in the list
ERROR = 1 / 64  # of a quantile, relative to the sample that it stands for


class Histogram:
    """Takes durations in seconds; gives their number, sum and quantiles.

    What is shorter than 1 µs or longer than 2.3 hours counts as just that. 8 KB, whatever comes.
    """

    __slots__ = ("_buckets", "count", "total")

    def __init__(self, seconds: Iterable[float] = ()) -> None:
        self._buckets = [0] * _SIZE
        self.count = 0
        self.total = 0.0  # seconds, exact
        for each in seconds:
            self.record(each)

    def record(self, seconds: float) -> None:
        """Count one duration. 0.3 µs, for it is on the path of each request."""
        mantissa, exponent = frexp(seconds)  # seconds == mantissa * 2**exponent, 0.5 <= mantissa
        place = exponent * PARTS + int(mantissa * 64) - _BELOW
        if place < 0 or mantissa <= 0:
            place = 0
        elif place >= _SIZE:
            place = _SIZE - 1
        self._buckets[place] += 1
        self.count += 1
        self.total += seconds

    def add(self, other: Histogram) -> None:
        """Count what `other` has counted, too."""
        self._buckets = [a + b for a, b in zip(self._buckets, other._buckets, strict=True)]
        self.count += other.count
        self.total += other.total

    def copy(self) -> Histogram:
        """Return one that counts on by itself."""
        copied = Histogram()
        copied.add(self)
        return copied

    def since(self, before: Histogram) -> Histogram:
        """Return what was counted since it was as `before`."""
        grown = Histogram()
        pairs = zip(self._buckets, before._buckets, strict=True)
        grown._buckets = [now - then for now, then in pairs]
        grown.count = self.count - before.count
        grown.total = self.total - before.total
        return grown

    @property
    def mean(self) -> float:
        """Seconds; 0 when nothing was counted."""
        return self.total / self.count if self.count else 0.0

    def quantile(self, share: float) -> float:
        """The duration (seconds) that this share (0 to 1) of all durations does not exceed.

        The middle of the bucket with the sample of rank ceil(share * count), hence within ERROR of
        that sample. 0 when nothing was counted.
        """
        [found] = self.quantiles(share)
        return found

    def quantiles(self, *shares: float) -> list[float]:
        """Those of ascending shares, in one go through the buckets."""
        if not self.count:
            return [0.0] * len(shares)
        found, seen, last = list[float](), 0, 0
        ranks = iter(shares)
        rank = next(ranks) * self.count
        for place, count in enumerate(self._buckets):
            if not count:
                continue
            seen += count
            last = place
            while seen >= rank:
                found.append(_middle(place))
                share = next(ranks, None)
                if share is None:
                    return found
                rank = share * self.count
        return found + [_middle(last)] * (len(shares) - len(found))

    def up_to(self, exponents: Sequence[int]) -> list[int]:
        """How many durations were below 2**exponent seconds, for each of the ascending exponents.

        Exact, because powers of two are edges of buckets.
        """
        edges = [min(max((exponent - _LOWEST + 1) * PARTS, 0), _SIZE) for exponent in exponents]
        counts, seen, begin = [], 0, 0
        for edge in edges:
            seen += sum(self._buckets[begin:edge])
            begin = max(begin, edge)
            counts.append(seen)
        return counts


def _middle(place: int) -> float:
    return (_edge(place) + _edge(place + 1)) / 2


def _edge(place: int) -> float:
    """The lower edge of a bucket, in seconds."""
    exponent, part = divmod(place, PARTS)
    return ldexp(PARTS + part, exponent + _LOWEST - 6)
