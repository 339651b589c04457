"""Answers fit into the characters that were asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rpx.agents.bounded import answer_of, bounded, how_many_fit, plain, shortened, text_of
from rpx.agents.tool_answers import LineSeen, LogsAnswer

texts = st.text(max_size=120)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(texts, inner, max_size=8),
    max_leaves=30,
)


@settings(max_examples=30)
@given(answer=st.dictionaries(st.sampled_from("abcdef"), values), most=st.integers(20, 2000))
def test_no_answer_is_longer_than_that(answer: dict[str, Any], most: int) -> None:
    found = bounded(plain(answer), most)
    assert len(text_of(found)) <= most
    assert found == plain(answer) or found["cut"] is True


def test_long_texts_are_cut_before_lists_are() -> None:
    answer = {"body": "x" * 5000, "rows": ["short"] * 10}
    found = bounded(answer, 500)
    assert found["rows"] == answer["rows"]
    assert found["body"].endswith("… (4661 more)"[-6:])
    assert len(text_of(bounded({"rows": list(range(1000))}, 300))) <= 300


def test_what_is_empty_is_left_out_below_the_first_level() -> None:
    line = LineSeen("t", "api", "\x1b[31m\udce4")
    assert answer_of(LogsAnswer((line,), "")) == {
        "lines": [{"at": "t", "label": "api", "text": r"\x1b[31m\xe4"}],
        "cursor": "",
    }


def test_one_row_fits_always_and_no_more_than_there_are() -> None:
    @dataclass(frozen=True)
    class Row:
        text: str

    rows = [Row("x" * 50)] * 5
    assert how_many_fit(rows, 1) == 1
    assert how_many_fit(rows, 130) == 2
    assert how_many_fit(rows, 10_000) == 5
    assert how_many_fit([], 10) == 0


def test_a_text_says_how_much_more_there_is() -> None:
    assert shortened("x" * 100, 10) == f"{'x' * 10}… (90 more)"
    assert shortened("x" * 20, 10) == "x" * 20
    assert json.loads(text_of("ä")) == "ä"
