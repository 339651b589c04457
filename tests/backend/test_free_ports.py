"""Ports that rpx chooses: free, nobody else's, and the same ones next time."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from rpx.backend.free_ports import RANGE, choose, choose_ports, is_free
from rpx.errors import RpxError
from rpx.model.address import Address
from rpx.model.config import Config, ProxyEntry, Source, Start

START = Start(command="x", cwd=Path("/"))
ports = some.integers(RANGE.start, RANGE.start + 30)


def shop(**replicas: int) -> Config:
    return Config(
        name="shop",
        root=Path("/srv/shop"),
        proxies=tuple(
            ProxyEntry(to=f"{name}.localhost", name=name, sources=(), replicas=count, start=START)
            for name, count in replicas.items()
        ),
    )


def chosen(config: Config) -> dict[str, list[int | None]]:
    return {proxy.name: [s.address.port for s in proxy.sources] for proxy in config.proxies}


@given(
    some.dictionaries(some.sampled_from("abc"), some.integers(1, 4)),
    some.dictionaries(some.sampled_from("abcd"), some.lists(ports, max_size=4)),
    some.sets(ports),
    some.sets(ports),
)
def test_a_port_is_given_once_and_only_if_it_may_be(
    wanted: dict[str, int], kept: dict[str, list[int]], fixed: set[int], busy: set[int]
) -> None:
    found = choose(wanted, kept, fixed, "seed", lambda port: port not in busy)
    given = [port for each in found.values() for port in each]
    assert {name: len(each) for name, each in found.items()} == wanted
    assert len(set(given)) == len(given)
    assert not set(given) & (fixed | busy)
    for name, each in found.items():
        others = {port for other, those in kept.items() if other != name for port in those}
        assert not set(each) & others
        mine = [p for p in dict.fromkeys(kept.get(name, [])) if p in each]
        assert each[: len(mine)] == mine  # in the order in which they were kept


def test_without_a_memory_a_project_begins_at_a_place_of_its_own() -> None:
    first = choose({"api": 2}, {}, (), "/srv/shop", lambda _: True)
    assert choose({"api": 2}, {}, (), "/srv/shop", lambda _: True) == first
    assert choose({"api": 2}, {}, (), "/srv/blog", lambda _: True) != first


def test_too_few_ports_are_an_error() -> None:
    with pytest.raises(RpxError, match="not enough free ports for 2 copies of `api`"):
        choose({"api": 2}, {}, (), "", lambda port: port == RANGE.start)


def test_they_are_the_same_next_time_and_those_of_a_former_copy_too(tmp_path: Path) -> None:
    file = tmp_path / "state" / "ports.json"
    first = chosen(choose_ports(shop(api=3, web=1), file))
    assert chosen(choose_ports(shop(web=1, api=2), file))["api"] == first["api"][:2]
    assert chosen(choose_ports(shop(api=3, web=1), file)) == first


def test_one_that_is_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
    before = chosen(choose_ports(shop(api=2), file))["api"]
    with socket.create_server(("127.0.0.1", before[0] or 0)):
        after = chosen(choose_ports(shop(api=2), file))["api"]
    assert before[0] not in after
    assert before[1] in after


@pytest.mark.parametrize("text", ["", "{", "[]", '{"api": 3}', '{"api": ["x", 1, true, null]}'])
def test_a_memory_that_makes_no_sense_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "ports.json"
    file.write_text(text)
    assert len(chosen(choose_ports(shop(api=2), file))["api"]) == 2
    assert len(json.loads(file.read_text())["api"]) == 2


def test_a_memory_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    found = chosen(choose_ports(shop(api=1), tmp_path / "folder" / "ports.json"))
    assert len(found["api"]) == 1


def test_to_look_is_not_to_keep(tmp_path: Path) -> None:
    choose_ports(shop(api=1), tmp_path / "ports.json", keep=False)
    assert not list(tmp_path.iterdir())


def test_entries_of_one_name_share_its_ports_and_given_ones_are_left_alone() -> None:
    given = ProxyEntry(
        to="api.localhost",
        name="api",
        sources=(Source(address=Address("localhost", 25_000), start=START),),
    )
    config = shop(api=2)
    config = config.model_copy(update={"proxies": (given, *config.proxies, *config.proxies)})
    found = [s.address.port for proxy in choose_ports(config, None).proxies for s in proxy.sources]
    assert found[0] == 25_000
    assert len(set(found)) == 5
