"""What is counted of requests: for each backend, and for what rpx answers itself."""

from __future__ import annotations

from rpx.model.figures import Figures
from rpx.policy.histogram import Histogram


class Traffic:
    """Bytes that have gone over wires."""

    __slots__ = ("received", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0


class Counts:
    """Every request ends in exactly one of these, so their sums are what all clients have seen."""

    __slots__ = ("abandoned", "codes", "errors", "held", "latency", "retries", "traffic")

    def __init__(self) -> None:
        self.latency = Histogram()  # has the number of answers, too
        self.codes: dict[int, int] = {}  # status → answers
        self.errors = 0
        self.retries = 0
        self.held = 0
        self.abandoned = 0
        self.traffic = Traffic()

    @property
    def requests(self) -> int:
        """Return how many answers there were."""
        return self.latency.count

    def answered(self, status: int, seconds: float) -> None:
        """Count an answer that a client has got."""
        self.latency.record(seconds)
        codes = self.codes
        codes[status] = codes.get(status, 0) + 1

    def add(self, other: Counts) -> None:
        """Count what `other` has counted, too."""
        self.latency.add(other.latency)
        for status, count in other.codes.items():
            self.codes[status] = self.codes.get(status, 0) + count
        self.errors += other.errors
        self.retries += other.retries
        self.held += other.held
        self.abandoned += other.abandoned
        self.traffic.sent += other.traffic.sent
        self.traffic.received += other.traffic.received

    def figures(self, in_flight: int) -> Figures:
        """Return the row of `rpx stats --json`."""
        latency, classes = self.latency, dict.fromkeys(("1xx", "2xx", "3xx", "4xx", "5xx"), 0)
        for status, count in self.codes.items():
            classes[f"{min(status // 100, 5)}xx"] += count
        p50, p90, p99 = latency.quantiles(0.5, 0.9, 0.99)
        return {
            "requests": self.requests,
            "errors": self.errors,
            "avgLatency": _ms(latency.mean),
            "p50": _ms(p50),
            "p90": _ms(p90),
            "p99": _ms(p99),
            "inFlight": in_flight,
            "retries": self.retries,
            "held": self.held,
            "abandoned": self.abandoned,
            "bytesIn": self.traffic.sent,
            "bytesOut": self.traffic.received,
            "statuses": classes,
        }

    def __bool__(self) -> bool:
        """Tell whether a request has ended here."""
        return bool(self.requests or self.held or self.abandoned)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
