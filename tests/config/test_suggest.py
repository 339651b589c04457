"""Which known word a mistyped one is taken for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.config.settings.places import all_settings
from rpx.model.suggest import camel, choices, nearest, snake

KNOWN = ["to", "name", "from", "start", "health_check", "hold"]


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("helth_check", "health_check"),
        ("healthChek", "health_check"),
        ("frmo", "from"),
        ("naem", "name"),
        ("tto", "to"),
        ("strat", "start"),
        ("x", None),
        ("stop", None),  # `to` has only two letters
        ("https", None),
        ("sticky", None),
    ],
)
def test_a_near_word_is_suggested_and_a_far_one_is_not(word: str, known: str | None) -> None:
    assert nearest(word, KNOWN) == known


@given(st.sampled_from(KNOWN[3:]), st.data())
def test_one_letter_less_is_always_near(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    assert nearest(word[:at] + word[at + 1 :], [word]) == word


def test_every_setting_has_two_spellings_that_mean_each_other() -> None:
    assert {snake(camel(setting)) for setting in all_settings()} == all_settings()


def test_nothing_is_near_in_an_empty_list() -> None:
    assert nearest("name", []) is None


def test_choices_are_a_sentence() -> None:
    assert choices(["a", "b", "c"]) == "`a`, `b` or `c`"
    assert choices(["a"]) == "`a`"
