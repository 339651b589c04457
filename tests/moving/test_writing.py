"""What a draft comes to as text: YAML says the same again, and a reader finds what was lost."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from rpx.moving.draft import Draft, DraftService
from rpx.moving.remarks import Origin
from rpx.moving.writing import text_of

LINE = Origin("compose.yaml", 7)

_texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=12)
_scalars = _texts | st.integers() | st.booleans() | st.none()
_written = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=5),
    max_leaves=12,
)


def written(draft: Draft) -> object:
    return yaml.safe_load(text_of(draft))


@given(st.dictionaries(_texts, _written, min_size=1, max_size=4))
def test_yaml_reads_what_was_written_for_a_process(settings: dict[str, Any]) -> None:
    draft = Draft()
    draft.add(DraftService("db", settings, LINE))
    assert written(draft) == {"processes": {"db": settings}}


@given(st.dictionaries(_texts, _written, max_size=4))
def test_yaml_reads_what_was_written_for_a_proxy(settings: dict[str, Any]) -> None:
    entry = {"to": "web.localhost", **settings}
    draft = Draft()
    draft.add(DraftService("web", entry, LINE))
    assert written(draft) == {"proxies": [entry]}


def test_what_was_lost_stands_above_its_service_with_the_place_it_came_from() -> None:
    draft = Draft()
    draft.add(DraftService("db", {"image": "postgres:16"}, LINE))
    draft.lost("db", "networks", "all services are on this machine", Origin("compose.yaml", 9))
    draft.carried("db", "ports", "published on 127.0.0.1", LINE)
    assert text_of(draft).splitlines()[1:3] == [
        "  # lost: networks: all services are on this machine [compose.yaml:9]",
        "  db:",
    ]


def test_the_second_of_a_name_is_lost_and_both_places_are_named() -> None:
    draft = Draft()
    draft.add(DraftService("worker", {"command": "one"}, Origin("Procfile", 5)))
    draft.add(DraftService("worker", {"command": "two"}, Origin("Procfile", 6)))
    [lost] = draft.losses
    assert (lost.origin.line, "Procfile:5" in lost.why) == (6, True)
    assert draft.services["worker"].settings == {"command": "one"}


def test_what_is_on_top_of_two_files_is_joined_and_the_first_one_wins() -> None:
    draft, other = Draft(top={"env": {"A": "1"}}), Draft(top={"env": {"A": "2", "B": "3"}})
    draft.join(other)
    assert draft.top == {"env": {"A": "1", "B": "3"}}


def test_an_empty_list_behind_a_long_name_is_a_list() -> None:
    draft = Draft()
    draft.add(DraftService("db", {"x" * 120: [], "y" * 120: {}}, LINE))
    assert written(draft) == {"processes": {"db": {"x" * 120: [], "y" * 120: {}}}}
