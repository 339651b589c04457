"""Durations: every text means one number of seconds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.config.duration import parse_duration

parts = st.integers(0, 1000)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("10s", 10), ("1m30s", 90), ("1h", 3600), ("1.5s", 1.5), (" 2s ", 2)],
)
def test_units_are_what_they_say(text: str, seconds: float) -> None:
    assert parse_duration(text, 0.001) == pytest.approx(seconds)


@given(parts, parts, parts, parts)
def test_parts_add_up(hours: int, minutes: int, seconds: int, milliseconds: int) -> None:
    text = f"{hours}h{minutes}m{seconds}s{milliseconds}ms"
    whole = hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
    assert parse_duration(text, 1) == pytest.approx(whole)


@given(st.integers(0, 100_000), st.sampled_from([1.0, 0.001]))
def test_a_bare_number_counts_the_unit_of_its_key(number: int, unit: float) -> None:
    assert parse_duration(number, unit) == parse_duration(str(number), unit) == number * unit


@given(st.one_of(st.text(), st.floats(), st.booleans(), st.none(), st.integers()))
def test_anything_is_a_bounded_duration_or_an_error(value: object) -> None:
    try:
        seconds = parse_duration(value, 1)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either way is right
    else:
        assert 0 <= seconds <= 366 * 24 * 3600


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-",
        "s",
        "5 parsecs",
        "1s1m",
        "1m 30s",
        "1d",
        "٣s",
        "1e3s",
        "5S",
        "1.s",
        True,
        None,
        math.nan,
        math.inf,
        [],
        "1s\n2s",
    ],
)
def test_garbage_is_not_a_duration(value: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(value, 1)


@pytest.mark.parametrize("value", [-1, "-1", "-5s", -0.5])
def test_a_duration_cannot_be_negative(value: object) -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        parse_duration(value, 1)


def test_a_duration_is_at_most_a_year() -> None:
    with pytest.raises(ValueError, match="longer than a year"):
        parse_duration("999999h", 1)
