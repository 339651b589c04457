"""Dates of heads."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.http.dates import http_date, seconds_of


@given(st.integers(-60_000_000_000, 253_402_300_799))
def test_a_date_is_written_as_python_writes_it_and_read_back(seconds: int) -> None:
    assert http_date(seconds) == formatdate(seconds, usegmt=True).encode()
    assert seconds_of(http_date(seconds)) == seconds


@pytest.mark.parametrize("seconds", [253_402_300_800, 10**15, -62_135_596_801])
def test_a_year_that_has_not_four_digits_has_no_date(seconds: int) -> None:
    assert http_date(seconds) == b""


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ],
)
def test_the_three_forms_of_the_rfc_are_one_date(text: str) -> None:
    assert seconds_of(text.encode()) == 784111777


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Tue, 19 Jan 2038 03:14:08 GMT", 1 << 31),
        ("Fri, 25 Feb 2174 09:42:23 GMT", 0x17FFFFFFF),
        ("Thu, 29 Feb 2024 12:00:00 GMT", 1709208000),
        ("Wednesday, 31-Dec-69 23:59:59 GMT", 3155759999),
    ],
)
def test_dates_far_away_are_read(text: str, seconds: int) -> None:
    assert seconds_of(text.encode()) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "0", "yesterday", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 +0100",
     "Sun, 06 Nox 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
     "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37"],
)  # fmt: skip
def test_what_is_no_date_is_none(text: str) -> None:
    assert seconds_of(text.encode()) is None
