"""A hosts file: one block is ours, the rest is nobody's business."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.errors import RpxError
from rpx.policy.hosts_file import BEGIN, END, Foreign, foreign_names, our_names, with_names

USUAL = "127.0.0.1\tlocalhost\n::1 ip6-localhost  # six\n10.0.0.7 db db.lan\n"
OURS = f"{BEGIN}\n127.0.0.1 shop.test\n::1 shop.test\n{END}\n"


def test_names_stand_in_a_block_at_the_end() -> None:
    assert with_names(USUAL, ["shop.test"]) == USUAL + OURS
    assert with_names("", ["shop.test"]) == OURS


def test_the_block_stays_where_it_is() -> None:
    text = with_names(OURS + USUAL, ["shop.test", "b.test"])
    assert our_names(text) == ["shop.test", "b.test"]
    assert text.endswith(END + "\n" + USUAL)


def test_without_names_there_is_no_block() -> None:
    assert with_names(USUAL + OURS, []) == USUAL
    assert with_names(USUAL, []) == USUAL


def test_a_last_line_without_an_end_gets_one() -> None:
    assert with_names("127.0.0.1 localhost", ["shop.test"]) == "127.0.0.1 localhost\n" + OURS


def test_what_others_have_written_is_known_with_its_line() -> None:
    assert list(foreign_names(OURS + USUAL))[2:] == [
        Foreign("db", "10.0.0.7", 7),
        Foreign("db.lan", "10.0.0.7", 7),
    ]
    assert [each.loopback for each in foreign_names(USUAL)] == [True, True, False, False]


@pytest.mark.parametrize(
    "text", [BEGIN, END, f"{END}\n{BEGIN}", OURS + OURS, f"{BEGIN}\n{BEGIN}\n{END}"]
)
def test_marks_that_are_damaged_are_left_to_the_user(text: str) -> None:
    with pytest.raises(RpxError, match=r"not one `# rpx begin` and one `# rpx end` \(line"):
        with_names(text, ["shop.test"])


NAMES = st.lists(st.sampled_from(["a.test", "b.test", "c.d.test"]), unique=True)
TEXTS = (
    st.text(alphabet=st.characters(exclude_categories=()))
    .filter(lambda text: "# rpx" not in text)
    .map(lambda text: f"{text}\n")
)


@given(TEXTS, TEXTS, NAMES, NAMES)
def test_nothing_outside_the_block_ever_changes(
    before: str, after: str, first: list[str], second: list[str]
) -> None:
    text = before + with_names("", first) + after
    changed = with_names(text, second)
    assert our_names(changed) == second
    if first:
        assert changed == before + with_names("", second) + after
    assert with_names(changed, []) == before + after
