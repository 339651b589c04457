"""The table of statistics: what is worth a column, and what fits."""

from __future__ import annotations

import pytest

from rpx.cli.terminal.output import size
from rpx.cli.terminal.stats_table import rates_between, stats_table
from rpx.hub.counts import Counts
from rpx.model.figures import Figures


def row(requests: int = 3, retries: int = 0) -> Figures:
    counts = Counts()
    for _ in range(requests):
        counts.answered(200, 0.0121)
    counts.retries = retries
    counts.traffic.received = 2048 * requests
    return counts.figures(1)


def shown(
    stats: dict[str, dict[str, Figures]], width: int | None = None, *, watch: bool = False
) -> str:
    rates = rates_between(stats, stats, 1.0) if watch else None
    return "\n".join(stats_table(stats, rates).lines(width, colour=False))


ONE = {"api.localhost": {"localhost:3000": row()}}


def test_columns_without_a_figure_are_left_out() -> None:
    header = shown(ONE).splitlines()[0].split()
    assert "RETRIES" not in header
    assert "4XX" not in header
    assert "RETRIES" in shown({"api.localhost": {"localhost:3000": row(retries=1)}})


@pytest.mark.parametrize("width", [40, 50, 60, 70, 80, 90, 100, 120])
def test_what_does_not_fit_is_left_out_on_the_right_and_nothing_is_cut(width: int) -> None:
    all_of_it, here = shown(ONE).splitlines(), shown(ONE, width).splitlines()
    for whole, fitting in zip(all_of_it, here, strict=True):
        assert len(fitting.rstrip()) <= width
        words = fitting.split()
        assert whole.split()[: len(words)] == words


def test_eighty_columns_have_the_percentiles() -> None:
    assert "P99" in shown(ONE, 80).splitlines()[0]


def test_rates_are_what_has_grown_per_second() -> None:
    before, now = {"api": {"b": row(10)}}, {"api": {"b": row(16), "rpx": row(4)}}
    rates = rates_between(before, now, 2.0)["api"]
    assert rates["b"] == {"requests": 3.0, "errors": 0.0, "bytesIn": 0.0, "bytesOut": 6144.0}
    assert rates["rpx"]["requests"] == 2.0  # it was not there before


def test_a_backend_without_an_answer_has_no_latency() -> None:
    [_, line] = shown({"api": {"b": row(0)}}, watch=True).splitlines()
    assert line.split()[:8] == ["api", "b", "0", "0.0", "0", "-", "-", "-"]


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (1536, "1.5k"), (20 << 20, "20M"), (3 << 40, "3.0T")],
)
def test_sizes_have_three_digits_at_most(count: int, text: str) -> None:
    assert size(count) == text
