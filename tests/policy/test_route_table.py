"""Which route takes a request."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rpx.model.route import Conditions
from rpx.policy import route_table
from rpx.policy.path_patterns import read_pattern
from rpx.policy.route_table import RouteTable


@dataclass(frozen=True)
class Request:
    target: bytes
    method: bytes = b"GET"
    fields: dict[bytes, bytes] = field(default_factory=dict)
    upgrade: bytes | None = None

    def field(self, name: bytes) -> bytes | None:
        return self.fields.get(name)


def table(*routes: Conditions) -> RouteTable[int]:
    return RouteTable([(conditions, place) for place, conditions in enumerate(routes)])


def paths(*texts: str) -> RouteTable[int]:
    return table(*(Conditions(paths=tuple(text.split())) for text in texts))


def taker(routes: RouteTable[int], request: Request | str) -> int | None:
    found = routes.find(Request(request.encode()) if isinstance(request, str) else request)
    return found and found[0]


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("/api/users", 0),
        ("/api", 0),
        ("/api?x=/other", 0),
        ("/apis", None),
        ("/search", 1),
        ("/search/", 4),
        ("/find", 1),
        ("/search/x/edit", 2),
        ("/search/x/edit/y", 4),
        ("/img/a.png", 3),
        ("/img/b/a.png", None),
        ("/x.php", 5),
        ("/", None),
        ("//api", None),
        ("*", None),
    ],
)
def test_the_first_whose_path_fits_takes_it(target: str, place: int | None) -> None:
    routes = paths(
        "/api/*", "/search /find", "/search/:id/edit", "/img/*.png", "/search/*", r"~/.*\.php"
    )
    assert taker(routes, target) == place


def test_order_decides_however_the_paths_are_written() -> None:
    patterns = ["/a/b", "/a/*", "/*", "/:x/b", "/*/*", "/a/*b", "~/a/.*", "/a/b /c"]
    for turn in range(len(patterns)):
        assert taker(paths(*patterns[turn:], *patterns[:turn]), "/a/b") == 0


def test_what_a_route_found_with_its_path_says_what_was_taken() -> None:
    found = paths("/x /y/*").find(Request(b"/y/z?a"))
    assert found is not None
    assert found[1].taken(b"/y/z") == {"1": b"z"}
    anything = table(Conditions()).find(Request(b"/y/z"))
    assert anything is not None
    assert anything[1].taken(b"/y/z") == {"1": b"y/z"}


def test_a_route_without_a_path_also_takes_the_star_of_options() -> None:
    star = Request(b"*", method=b"OPTIONS")
    assert taker(table(Conditions(paths=("/*",)), Conditions(methods=("OPTIONS",))), star) == 1
    assert taker(table(Conditions(paths=("/*",))), star) is None


def test_all_conditions_must_hold() -> None:
    routes = table(
        Conditions(
            paths=("/search",),
            methods=("GET", "POST"),
            headers=(("x-beta", "1"), ("authorization", "*")),
            query=(("v", "2"),),
        )
    )
    fields = {b"x-beta": b"1", b"authorization": b"Basic eA=="}
    assert taker(routes, Request(b"/search?v=2", fields=fields)) == 0
    assert taker(routes, Request(b"/search?v=2", b"POST", fields)) == 0
    assert taker(routes, Request(b"/search?v=2", b"HEAD", fields)) is None
    assert taker(routes, Request(b"/search/?v=2", fields=fields)) is None
    assert taker(routes, Request(b"/search?v=2", fields={**fields, b"x-beta": b"2"})) is None
    assert taker(routes, Request(b"/search?v=2", fields={b"x-beta": b"1"})) is None
    assert taker(routes, Request(b"/search?v=3", fields=fields)) is None
    assert taker(routes, Request(b"/search", fields=fields)) is None


def test_an_upgrade_is_a_condition_though_it_concerns_a_hop() -> None:
    routes = table(Conditions(headers=(("upgrade", "websocket"),)))
    assert taker(routes, Request(b"/", upgrade=b"websocket")) == 0
    assert taker(routes, Request(b"/")) is None


@pytest.mark.parametrize(
    ("name", "value", "yes", "no"),
    [
        ("v", "2", "/?v=2 /?a&v=2&b /?v=1&v=2 /?%76=%32", "/ /?v /?v=22 /?xv=2 /?V=2 /&v=2 /?=2"),
        ("v", "*", "/?v=2 /?v /?v= /?a&v&b /?%76=x", "/?vv=1 /?a=v /&v"),
        ("v", "", "/?v /?v= /?v=&a /?v&a /?%76", "/?v=1 /?vv /"),
        ("a b", "ü/+", "/?a+b=%C3%BC/%2B /?a%20b=%c3%bc%2f%2b", "/?a%2Bb=%C3%BC/%2B"),
    ],
)
def test_a_query_is_read_as_a_form(name: str, value: str, yes: str, no: str) -> None:
    routes = table(Conditions(query=((name, value),)))
    for target in yes.split():
        assert taker(routes, target) == 0, target
    for target in no.split():
        assert taker(routes, target) is None, target


TEXTS = ["/a", "/a/*", "/*", "/:x/b", "/*/*", "/a/*b", "~/a/.*", "/a/b/c", "/:x/:y/c/*", "/", "/a/"]


@given(
    some.lists(some.lists(some.sampled_from(TEXTS), max_size=3), max_size=6),
    some.lists(some.sampled_from(["a", "b", "c", "ab", ""]), max_size=5),
    some.integers(0, 3),
)
def test_the_automaton_finds_what_a_look_at_each_finds(
    routes: list[list[str]], segments: list[str], states: int
) -> None:
    path = f"/{'/'.join(segments)}".encode()
    expected = next(
        (
            place
            for place, texts in enumerate(routes)
            if not texts or any(read_pattern(text).matches(path) for text in texts)
        ),
        None,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(route_table, "MOST_STATES", states)
        found = table(*(Conditions(paths=tuple(texts)) for texts in routes))
        taken = [taker(found, other) for other in ("/a/b/c/d", "/b/b", path.decode())]
    assert taken[-1] == expected


def test_the_automaton_does_not_grow_beyond_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route_table, "MOST_STATES", 50)
    routes = paths(*(f"/:x/r{n}" for n in range(30)), *(f"/n{n}/x" for n in range(30)))
    for n in range(30):
        for m in range(30):
            assert taker(routes, f"/n{n}/r{m}") == m
    assert len(routes._start.next[b""].next) <= 50
