"""`.env`: what each line means, and where a bad one is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.config.variables.dotenv import parse_dotenv

keys = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"))


def values(text: str, **environ: str) -> dict[str, str]:
    found, problems = parse_dotenv(text, environ)
    assert problems == []
    return found


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("K=v", "v"),
        ("export K=v", "v"),
        ("  K = v  ", "v"),
        ("K=", ""),
        ("K=   # nothing", ""),
        ("K=#colour", "#colour"),
        ("K=a b # comment", "a b"),
        ("K=a#b", "a#b"),
        ("K=a=b", "a=b"),
        ("K='a b' # comment", "a b"),
        ("K='$X \\n'", "$X \\n"),
        ('K="a\\nb\\t\\"c\\" \\\\ \\$X"', 'a\nb\t"c" \\ $X'),
        ('K="a # b"', "a # b"),
        ('K="two\nlines"', "two\nlines"),
        ("K='two\nlines'", "two\nlines"),
        ('K="\\d"', "\\d"),
        ("K=it's", "it's"),
        ("\ufeffK=v\r\n", "v"),
        ("# K=no\n\nK=v", "v"),
        ("K=first\nK=last", "last"),
    ],
)
def test_a_line_means_its_value(line: str, value: str) -> None:
    assert values(line) == {"K": value}


def test_earlier_keys_and_the_environment_can_be_used() -> None:
    text = 'A=1\nB="${A}2"\nC=$B$HOME\nD=${NONE:-3}'
    assert values(text, HOME="/root") == {"A": "1", "B": "12", "C": "12/root", "D": "3"}


def test_the_environment_wins_over_earlier_keys() -> None:
    assert values("A=1\nB=$A", A="0")["B"] == "0"


@given(st.dictionaries(keys, texts, max_size=4))
def test_quoted_values_come_back_as_they_were(wanted: dict[str, str]) -> None:
    def quoted(text: str) -> str:
        for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("$", "\\$")):
            text = text.replace(plain, escaped)
        return f'"{text}"'

    assert values("\n".join(f"{key}={quoted(text)}" for key, text in wanted.items())) == wanted


@given(texts)
def test_any_text_is_read_to_its_end(text: str) -> None:
    found, problems = parse_dotenv(text, {})
    assert all(problem.where.startswith(".env:") for problem in problems)
    assert all("\0" not in value for value in found.values())


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("A=1\nnonsense\nB=2", ".env:2:1", "this line is not `KEY=value`"),
        ("A=1\n1B=2\nB=2", ".env:2:1", "this line is not `KEY=value`"),
        ('A="open\nB=2', ".env:1:3", "the quote of `A` is never closed"),
        ("A='x' y\nB=2", ".env:1:3", "there is text after the closing quote of `A`"),
        ("A=x\0y\nB=2", ".env:1:3", "`A` holds a NUL character"),
        ("A=1\nC=${B:?no b}\nB=2", ".env:2:3", "`B` must be set: no b"),
        ("A=${B\nB=2", ".env:1:3", "`${B` has no closing }"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_is_read(text: str, where: str, what: str) -> None:
    found, problems = parse_dotenv(text, {})
    assert [(problem.where, problem.what) for problem in problems] == [(where, what)]
    assert found["B"] == "2"


def test_every_bad_line_is_told_at_once() -> None:
    _, problems = parse_dotenv("a b\nK=v\nc d\n", {})
    assert [problem.where for problem in problems] == [".env:1:1", ".env:3:1"]
    assert "3 | c d" in problems[1].excerpt
