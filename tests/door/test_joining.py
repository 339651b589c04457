"""What a HELLO may say, and which names can be had beside each other."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from rpx.door.door_frames import LONGEST_TEXT, MOST_ENTRANCES, MOST_HOSTS, MOST_SERVICES, Garbled
from rpx.door.joining import Improper, read_hello, read_state
from rpx.door.member import DoorMember
from rpx.door.names_held import NamesHeld

HELLO: dict[str, Any] = {
    "v": 1,
    "rpx": "0.1.0",
    "pid": 42,
    "run_id": "r",
    "project": "shop",
    "folder": "/shop",
    "file": "/shop/rpx.yaml",
    "realm": "",
    "branch": "main",
    "hosts": ["api.localhost", "*.shop.localhost", "[::1]"],
    "entrances": [{"tls": False, "port": None}, {"tls": True, "port": 9443, "fds": 2}],
    "accepts": True,
    "prefer": {"http": 8080},
    "later": "ignored",
}


def test_a_hello_is_read_and_what_is_new_to_us_left_out() -> None:
    found = read_hello(HELLO)
    assert found["hosts"] == HELLO["hosts"]
    assert found["entrances"][1] == {"tls": True, "port": 9443, "fds": 2}
    assert "later" not in found
    assert read_hello({**HELLO, "hosts": ["A.Test.", "a.test"]})["hosts"] == ["a.test"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"pid": "x"},
        {"pid": -1},
        {"project": None},
        {"hosts": "api"},
        {"hosts": [1]},
        {"entrances": [1]},
        {"entrances": [{"tls": False, "fds": 3}]},
        {"prefer": [1]},
        {"v": 1.5},
    ],
)
def test_a_hello_of_other_types_is_no_hello(wrong: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        read_hello({**HELLO, **wrong})


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"hosts": ["a b"]}, "'a b' is not a host name"),
        ({"hosts": ["a.*.test"]}, "is not a host name"),
        ({"hosts": [f"{n}.test" for n in range(MOST_HOSTS + 1)]}, f"more than {MOST_HOSTS} hosts"),
        ({"entrances": [{"port": n + 1} for n in range(MOST_ENTRANCES + 1)]}, "entrances"),
        ({"entrances": [{"port": 0}]}, "a port is from 1 to 65535"),
        ({"folder": "x" * (LONGEST_TEXT + 1)}, "`folder` has more than"),
    ],
)
def test_a_hello_that_cannot_be_done_says_why(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(Improper, match=why.replace("*", r"\*")):
        read_hello({**HELLO, **wrong})


def test_a_state_is_cut_to_what_a_page_shows() -> None:
    services = [{"name": "n" * 999, "url": "http://a.test", "state": "ready", "x": 1}]
    found = read_state({"state": "ready", "services": services})
    assert found["services"] == [{"name": "n" * 200, "url": "http://a.test", "state": "ready"}]
    with pytest.raises(Improper):
        read_state({"state": "ready", "services": services * (MOST_SERVICES + 1)})
    with pytest.raises(Garbled):
        read_state({"services": []})


@pytest.fixture
def two() -> Iterator[tuple[DoorMember, DoorMember]]:
    """Two members."""
    one, other = socket.socketpair()
    with one, other:
        yield DoorMember(one), DoorMember(other)


def test_a_whole_name_goes_before_a_wildcard_which_is_one_label(
    two: tuple[DoorMember, DoorMember],
) -> None:
    shop, blog = two
    names = NamesHeld()
    names.put(["*.shop.localhost"], shop)
    assert names.taken(["api.shop.localhost"], blog) is None
    names.put(["api.shop.localhost"], blog)
    assert names.find("api.shop.localhost") is blog
    assert names.find("web.shop.localhost") is shop
    assert names.find("a.b.shop.localhost") is None
    assert names.find("shop.localhost") is None


def test_who_has_a_wildcard_can_know_which_names_below_it_are_of_others(
    two: tuple[DoorMember, DoorMember],
) -> None:
    shop, blog = two
    names = NamesHeld()
    names.put(["*.localhost", "own.localhost"], shop)
    names.put(["blog.localhost", "a.b.localhost", "blog.test", "*.c.localhost"], blog)
    assert names.others(shop) == ["blog.localhost"]
    assert names.others(blog) == []
    names.drop(blog)
    assert names.others(shop) == []


def test_who_takes_any_gets_what_nobody_has_but_the_doors_own_name(
    two: tuple[DoorMember, DoorMember],
) -> None:
    shop, blog = two
    names = NamesHeld()
    names.put(["*", "a.blog.localhost"], shop)
    assert names.others(shop) == ["rpx.localhost"]
    names.put(["blog.localhost", "*.blog.localhost"], blog)
    assert names.others(shop) == ["*.blog.localhost", "blog.localhost", "rpx.localhost"]
    assert names.others(blog) == ["a.blog.localhost"]
    for name in ("x.test", "", "localhost", "127.0.0.1", "a.blog.localhost", "x.y.blog.localhost"):
        assert names.find(name) is shop
    assert names.find("blog.localhost") is names.find("b.blog.localhost") is blog
    assert names.find("rpx.localhost") is None
    assert names.named("x.test") is None
    assert names.taken(["y.test", "*"], blog) == ("*", shop)
    names.drop(shop)
    assert names.find("x.test") is None


def test_two_equal_names_or_wildcards_are_a_conflict_and_one_of_ones_own_is_none(
    two: tuple[DoorMember, DoorMember],
) -> None:
    shop, blog = two
    names = NamesHeld()
    names.put(["api.localhost", "*.x.test"], shop)
    assert names.taken(["free.test", "api.localhost"], blog) == ("api.localhost", shop)
    assert names.taken(["*.x.test"], blog) == ("*.x.test", shop)
    assert names.taken(["api.localhost"], shop) is None
    names.put(["other.test"], shop)
    assert names.taken(["api.localhost", "*.x.test"], blog) is None
    names.drop(shop)
    assert names.find("other.test") is None
