"""The label of a realm, and hosts with it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.config.settings.host_names import is_host_name
from rpx.policy.realm import LONGEST, in_realm, is_realm, label_of, realms_of

LABEL = r"[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?"
labels = st.from_regex(LABEL, fullmatch=True)
hosts = st.lists(labels, min_size=1, max_size=4).map(".".join).filter(lambda h: not _numeric(h))
# What a folder can be called; few letters, so that many become one.
names = st.text(min_size=1, max_size=60) | st.text("ab-_.A", min_size=1, max_size=6)


def _numeric(host: str) -> bool:
    return re.fullmatch("[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2]) is not None


@pytest.mark.parametrize(
    ("name", "main", "realm"),
    [
        ("shop-login", "shop", "login"),
        ("shop.login", "shop", "login"),
        ("shop_login", "shop", "login"),
        ("Shop-Login", "shop", "login"),
        ("my_shop-login", "my_shop", "login"),
        ("shop", "shop", "shop"),
        ("shop1", "shop", "shop1"),
        ("shopping", "shop", "shopping"),
        ("login", "shop", "login"),
        ("fix_größe", "shop", "fix-grosse"),
        ("feature/x", "shop", "feature-x"),
        ("-x-", "shop", "x"),
        ("a" * 50, "shop", "a" * 40),
        ("shop-" + "a" * 50, "shop", "a" * 40),
        ("a" * 39 + "-b", "shop", "a" * 39),
        ("123", "", "123"),
        ("логин", "shop", "xn--c1akhkc"),
        ("Магазин-логин", "магазин", "xn--c1akhkc"),
        ("日本", "shop", "xn--wgv71a"),
        ("हिन्दी", "shop", "xn--j2bd4cyah0f"),
        ("fix 日本", "shop", "xn--fix--j79hm9d"),
        ("日本" * 20 + "x", "shop", "x"),
        ("日本" * 20, "shop", "worktree-4cca"),
        ("שלום-1", "shop", "1"),
        ("😀", "shop", "worktree-f044"),
    ],
)
def test_the_realm_is_what_git_calls_a_worktree_without_the_main_folder(
    name: str, main: str, realm: str
) -> None:
    assert realms_of([name], main) == {name: realm}


def test_of_two_that_would_be_one_the_later_has_a_hash() -> None:
    found = realms_of(["shop-login", "login", "Login", "日本", "日本_"], "shop")
    assert found["shop-login"] == "login"
    assert re.fullmatch("login-[0-9a-f]{4}", found["login"])
    assert re.fullmatch("worktree-[0-9a-f]{4}", found["日本_"])
    assert len(set(found.values())) == 5


def test_who_is_called_like_the_hash_of_another_is_told_apart_too() -> None:
    taken = realms_of(["shop-login", "login"], "shop")["login"]
    found = realms_of(["shop-login", taken, "login"], "shop")
    assert found[taken] == taken
    assert found["login"].startswith(taken)
    assert found["login"] != taken


@given(st.lists(names, unique=True, max_size=8), names)
def test_realms_are_labels_of_dns_and_no_two_are_the_same(worktrees: list[str], main: str) -> None:
    found = realms_of(worktrees, main)
    assert list(found) == worktrees
    assert all(is_realm(realm) for realm in found.values())
    assert all(is_host_name(realm) and len(realm) <= LONGEST for realm in found.values())
    assert len(set(found.values())) == len(worktrees)


@given(st.lists(names, unique=True, min_size=1, max_size=8), names)
def test_a_new_worktree_changes_nobody_elses_realm(worktrees: list[str], main: str) -> None:
    before = realms_of(worktrees[:-1], main)
    assert before.items() <= realms_of(worktrees, main).items()


@given(labels)
def test_what_can_be_a_realm_stays_as_it_is(label: str) -> None:
    assert is_realm(label)
    if "--" not in label:  # which is for names in another writing: RFC 5890 §2.3.1
        assert label_of(label) == label


@pytest.mark.parametrize(
    ("to", "there"),
    [
        ("api.localhost", "api.login.localhost"),
        ("localhost", "login.localhost"),
        ("shop", "login.shop"),
        ("a.b.shop.test", "a.b.shop.login.test"),
        ("*.t.localhost", "*.t.login.localhost"),
        ("*.localhost", "*.login.localhost"),
        ("*.t.localhost/hello", "*.t.login.localhost/hello"),
        ("api.localhost/v1.2/x", "api.login.localhost/v1.2/x"),
        ("localhost/a", "login.localhost/a"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1/x", "127.0.0.1/x"),
        ("0x7f.1", "0x7f.1"),
        ("[::1]", "[::1]"),
        ("[::1]/x", "[::1]/x"),
    ],
)
def test_every_host_gets_the_realm_before_its_last_label(to: str, there: str) -> None:
    assert in_realm(to, "login") == there
    assert in_realm(to, "") == to


@given(st.lists(hosts, unique=True, min_size=2, max_size=2), labels)
def test_hosts_that_differ_still_do_in_a_realm(two: list[str], realm: str) -> None:
    first, second = (in_realm(host, realm) for host in two)
    assert first != second
    assert is_host_name(first)
    assert first.split(".")[-2:] == [realm, two[0].split(".")[-1]]
