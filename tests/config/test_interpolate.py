"""Compose's forms, and what no variable can do to a text."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.config.variables.interpolate import Uninterpolable, interpolate

VARIABLES = {"A": "a", "EMPTY": "", "DOLLAR": "$A ${A}", "_1": "one"}
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$A", "a"),
        ("${A}", "a"),
        ("x$A-y", "xa-y"),
        ("$_1", "one"),
        ("$$A", "$A"),
        ("$${A}", "${A}"),
        ("$$$A", "$a"),
        ("${A:-d}", "a"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${NONE:-d}", "d"),
        ("${NONE-d}", "d"),
        ("${NONE:-}", ""),
        ("${NONE:-${EMPTY:-${A}}}", "a"),
        ("${NONE:-{x}", "{x"),
        ("${NONE:-a}b}", "ab}"),
        ("${NONE:-$$}", "$"),
        ("${A:?needed}", "a"),
        ("${EMPTY?needed}", ""),
        ("$NONE", ""),
        ("$DOLLAR", "$A ${A}"),
        ("5$", "5$"),
        ("$5", "$5"),
        ("$(date)", "$(date)"),
    ],
)
def test_a_form_becomes_its_value(text: str, result: str) -> None:
    assert interpolate(text, VARIABLES) == result


@pytest.mark.parametrize(
    "text", ["${", "${A", "${}", "${1}", "${A:}", "${A:+x}", "${A B}", "${ A}"]
)
def test_a_malformed_form_is_refused(text: str) -> None:
    with pytest.raises(Uninterpolable) as caught:
        interpolate(text, VARIABLES)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["${NONE:?set it}", "${EMPTY:?set it}", "${NONE?set it}"])
def test_a_variable_that_must_be_set_says_its_message(text: str) -> None:
    with pytest.raises(Uninterpolable, match="must be set: set it"):
        interpolate(text, VARIABLES)


def test_a_default_is_only_looked_at_when_it_is_needed() -> None:
    told: list[str] = []
    assert interpolate("${A:-${NONE:?no}}${A-$OTHER}", VARIABLES, told.append) == "aa"
    assert told == []


def test_names_that_became_empty_are_told() -> None:
    told: list[str] = []
    interpolate("$X ${Y} ${Z:-} ${EMPTY} $A", VARIABLES, told.append)
    assert told == ["X", "Y"]


@given(st.text())
def test_doubled_dollars_give_the_text_back(text: str) -> None:
    assert interpolate(text.replace("$", "$$"), {}) == text


@given(names, st.text())
def test_a_value_is_put_in_as_it_is(name: str, value: str) -> None:
    assert interpolate(f"<${{{name}}}>", {name: value}) == f"<{value}>"


@given(st.text(alphabet="${}A:-?x", max_size=40))
def test_any_text_ends_in_a_text_or_an_explanation(text: str) -> None:
    with contextlib.suppress(Uninterpolable):
        interpolate(text, VARIABLES)


def test_ten_thousand_nested_defaults_are_refused() -> None:
    with pytest.raises(Uninterpolable, match="nested too deeply"):
        interpolate("${B:-" * 10_000 + "}" * 10_000, {})
