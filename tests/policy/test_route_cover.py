"""Which routes leave nothing for others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rpx.model.route import Conditions
from rpx.policy.path_patterns import read_pattern
from rpx.policy.route_cover import Covering, begins_with, covers

TEXTS = ["/a", "/a/*", "/*", "/:x/b", "/*/*", "/a/*b", "~/a/.*", "/a/b/c", "/:x/:y/c/*", "/", "/a/"]


@given(
    some.sampled_from(TEXTS),
    some.sampled_from(TEXTS),
    some.lists(some.sampled_from(["a", "b", "c", "ab", ""]), max_size=5),
)
def test_what_is_covered_is_meant_by_the_first_as_well(
    first: str, second: str, segments: list[str]
) -> None:
    path = f"/{'/'.join(segments)}".encode()
    if covers(Conditions(paths=(first,)), Conditions(paths=(second,))):
        assert read_pattern(first).matches(path) or not read_pattern(second).matches(path)


@given(some.lists(some.lists(some.sampled_from(TEXTS), max_size=2), max_size=5))
def test_the_first_that_covers_is_found_among_many(paths: list[list[str]]) -> None:
    routes = [Conditions(paths=tuple(each)) for each in paths]
    before: Covering[int] = Covering()
    for number, route in enumerate(routes):
        expected = next((n for n in range(number) if covers(routes[n], route)), None)
        assert before.first(route) == expected
        before.add(route, number)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/a/*", "/a"),
        ("/a/*", "/a/b/c"),
        ("/a/*", "/a/:x/*"),
        ("/a/*", "/a/b*c"),
        ("/*", "~/.*"),
        ("/:x", "/a"),
        ("/:x", "/:y"),
        ("~/a.*", "/ab"),
        ("~/a.*", "~/a.*"),
        ("/a/*/c", "/a/b/c"),
    ],
)
def test_these_are_covered(first: str, second: str) -> None:
    assert covers(Conditions(paths=(first,)), Conditions(paths=(second,)))


def test_conditions_beside_the_path_count() -> None:
    get, both = Conditions(methods=("GET",)), Conditions(methods=("GET", "POST"))
    assert covers(both, get)
    assert not covers(get, both)
    assert not covers(get, Conditions())
    assert covers(Conditions(), Conditions(paths=("/a",)))
    assert not covers(Conditions(paths=("/*",)), Conditions())
    one = Conditions(headers=(("x-a", "1"),), query=(("v", "2"),))
    assert covers(Conditions(headers=(("x-a", "*"),)), one)
    assert not covers(one, Conditions(headers=(("x-a", "*"),)))
    assert not covers(Conditions(query=(("v", "3"),)), one)
    two = Conditions(paths=("/a", "/b"))
    assert covers(two, Conditions(paths=("/b",)))
    assert not covers(Conditions(paths=("/b",)), two)


@pytest.mark.parametrize(
    ("text", "prefix", "yes"),
    [
        ("/api/*", "/api", True),
        ("/api", "/api", True),
        ("/apis", "/api", False),
        ("/*", "/api/v1", True),
        ("/:x/*", "/api/v1", True),
        ("/:x", "/api/v1", False),
        ("~/api/.*", "/api/v1", True),
        ("~/web/.*", "/api", False),
        ("/a*", "/api", True),
        ("/x", "", True),
    ],
)
def test_paths_of_a_pattern_may_lie_below_another(text: str, prefix: str, yes: bool) -> None:
    assert begins_with(read_pattern(text), prefix) == yes
