"""Other numbers of copies than rpx.yaml has: whose they can be, and how long they last."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.errors import UsageError
from rpx.model.address import Address
from rpx.model.config import Config, ProcessEntry, ProxyEntry, Source, Start
from rpx.policy.scaling import scaled, still_meant

START = Start(command="x", cwd=Path("/"))
FIXED = ProxyEntry(
    to="web.localhost", name="web", sources=(Source(address=Address("localhost", 1), start=START),)
)
WORKER = ProcessEntry(name="worker", start=START)


def shop(**replicas: int) -> Config:
    proxies = [
        ProxyEntry(to=f"{name}.localhost", name=name, sources=(), replicas=count, start=START)
        for name, count in replicas.items()
    ]
    return Config(name="shop", root=Path("/"), proxies=(*proxies, FIXED), processes=(WORKER,))


def numbers(config: Config) -> dict[str, int]:
    return {proxy.name: proxy.replicas for proxy in config.proxies}


def test_a_service_has_as_many_copies_as_it_is_scaled_to() -> None:
    assert numbers(scaled(shop(api=2, db=1), {"api": 5})) == {"api": 5, "db": 1, "web": 0}


@pytest.mark.parametrize(
    ("name", "count", "what", "hint"),
    [
        ("web", 2, "`web` has the addresses of its `from`", "add an address to `from`"),
        ("worker", 2, "`worker` is a process: there is one of it", "an entry of `proxies`"),
        (
            "apo",
            2,
            "there is no service `apo` here",
            "did you mean `api`? rpx can add",
        ),
        ("api", 0, "`api` can have 1 to 100 copies, not 0", "`rpx stop api`"),
        ("api", 101, "`api` can have 1 to 100 copies, not 101", ""),
    ],
)
def test_what_cannot_be_scaled_is_said(name: str, count: int, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        scaled(shop(api=2), {name: count})
    assert what in str(error.value)
    assert hint in error.value.problems[0].hint


def test_two_entries_of_a_name_leave_open_which_is_meant() -> None:
    config = shop(api=2)
    config = config.model_copy(update={"proxies": (*config.proxies, config.proxies[0])})
    with pytest.raises(UsageError, match="2 entries"):
        scaled(config, {"api": 3})


def test_a_number_lasts_until_the_file_has_another_one() -> None:
    asked = {"api": 5, "db": 3}
    assert still_meant(asked, shop(api=2, db=1), shop(api=2, db=1, new=7)) == asked
    assert still_meant(asked, shop(api=2, db=1), shop(api=3, db=1)) == {"db": 3}
    assert still_meant(asked, shop(api=2, db=1), shop(db=1)) == {"db": 3}
