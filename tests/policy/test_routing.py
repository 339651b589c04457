"""Which route a request takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.policy.routing import Routes

ROUTES = Routes(
    {
        to: to
        for to in (
            "api.localhost",
            "shop.localhost",
            "shop.localhost/api",
            "shop.localhost/api/v2",
            "paths.localhost/only",
            "*.localhost",
            "*.tenant.localhost",
            "*.tenant.localhost/api",
            "known.tenant.localhost",
            "[::1]",
            "[::2]/api",
            "127.0.0.1",
        )
    }
)


@pytest.mark.parametrize(
    ("host", "path", "to"),
    [
        ("api.localhost", "/", "api.localhost"),
        ("api.localhost", "/api/v2", "api.localhost"),
        ("shop.localhost", "/", "shop.localhost"),
        ("shop.localhost", "/api", "shop.localhost/api"),
        ("shop.localhost", "/api/", "shop.localhost/api"),
        ("shop.localhost", "/api/v1/users", "shop.localhost/api"),
        ("shop.localhost", "/api/v2", "shop.localhost/api/v2"),
        ("shop.localhost", "/api/v2/users", "shop.localhost/api/v2"),
        ("shop.localhost", "/api/v22", "shop.localhost/api"),
        ("shop.localhost", "/apis", "shop.localhost"),
        ("shop.localhost", "/API", "shop.localhost"),
        ("shop.localhost", "/x/api", "shop.localhost"),
        ("shop.localhost", "*", "shop.localhost"),
        ("paths.localhost", "/only/x", "paths.localhost/only"),
        ("paths.localhost", "/other", None),
        ("any.localhost", "/", "*.localhost"),
        ("tenant.localhost", "/", "*.localhost"),
        ("a.tenant.localhost", "/", "*.tenant.localhost"),
        ("a.tenant.localhost", "/api/x", "*.tenant.localhost/api"),
        ("known.tenant.localhost", "/api/x", "known.tenant.localhost"),
        ("a.b.tenant.localhost", "/", None),
        ("localhost", "/", None),
        ("", "/", None),
        ("[::1]", "/", "[::1]"),
        ("[0:0:0:0:0:0:0:1]", "/", "[::1]"),
        ("[0::2]", "/api/x", "[::2]/api"),
        ("[::2]", "/", None),
        ("[::3]", "/", None),
        ("[v1.x]", "/", None),
        ("127.0.0.1", "/", "127.0.0.1"),
    ],
)
def test_the_most_specific_route_wins(host: str, path: str, to: str | None) -> None:
    assert ROUTES.find(host, path.encode()) == to


@pytest.mark.parametrize(
    ("host", "path", "to"),
    [
        ("a.test", "/", None),
        ("a.test", "/x", "a.test/x"),
        ("x.test", "/", "*.test"),
        ("x.y.test", "/", "*"),
        ("x.y.test", "/api/1", "*/api"),
        ("test", "/", "*"),
        ("10.0.0.1", "/", "*"),
        ("[::7]", "/", "*"),
        ("[0:0::1]", "/", "[::1]"),
        ("", "/", "*"),
    ],
)
def test_any_host_is_for_those_that_nobody_else_has(host: str, path: str, to: str | None) -> None:
    routes = Routes({to: to for to in ("*", "*/api", "*.test", "a.test/x", "[::1]")})
    assert routes.find(host, path.encode()) == to
    assert routes.knows(host)


def test_hosts_of_others_go_before_what_is_less_specific_here() -> None:
    elsewhere = frozenset({"blog.test", "a.test", "*.own.test", "*.wild.test", "x.wild.test"})
    routes = Routes({to: to for to in ("*", "*.test", "a.test", "*.wild.test")}, elsewhere)
    for host, to in {
        "blog.test": None,
        "a.test": "a.test",  # the door is late: it is ours
        "b.test": "*.test",
        "x.own.test": None,
        "own.test": "*.test",
        "x.wild.test": None,
        "y.wild.test": "*.wild.test",
        "z.y.test": "*",
    }.items():
        assert routes.find(host, b"/") == to, host
        assert routes.knows(host) is (to is not None)
        assert routes.names(host) is (to not in (None, "*"))


def test_a_host_with_one_route_for_all_paths_is_one_look() -> None:
    assert sorted(ROUTES.plain) == [
        *("127.0.0.1", "[::1]", "api.localhost", "known.tenant.localhost"),
    ]


def test_a_host_is_known_whatever_its_paths() -> None:
    assert ROUTES.knows("paths.localhost")
    assert ROUTES.knows("a.tenant.localhost")
    assert ROUTES.knows("api.localhost")
    assert not ROUTES.knows("example.com")


HOSTS = st.sampled_from(["a.test", "b.test", "x.a.test", "*.test", "*.a.test", "*"])
SEGMENTS = st.lists(st.sampled_from(["a", "b", "ab", "A"]), max_size=3)
PATHS = SEGMENTS.map(lambda parts: "".join(f"/{part}" for part in parts))


@given(
    st.sets(st.tuples(HOSTS, PATHS).map("".join)),
    st.sampled_from(["a.test", "b.test", "x.a.test", "y.a.test", "test", "y.x.a.test"]),
    PATHS,
)
def test_it_is_what_a_look_at_all_of_them_would_find(
    routes: set[str], host: str, path: str
) -> None:
    def fits(to: str) -> bool:
        prefix = to.partition("/")[2]
        segments, wanted = path.split("/")[1:], prefix.split("/") if prefix else []
        return segments[: len(wanted)] == wanted

    names = {to.partition("/")[0] for to in routes}
    likely = (host, f"*.{host.partition('.')[2]}", "*")
    named = next((name for name in likely if name in names), None)
    there = {to for to in routes if to.partition("/")[0] == named}
    expected = max(filter(fits, there), key=len, default=None)
    found = Routes({to: to for to in routes})
    assert found.find(host, (path or "/").encode()) == expected
    assert found.plain.get(host, expected) == expected
