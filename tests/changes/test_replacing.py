"""A process is replaced while requests come in: by its successor beside it, or in its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.changes.written import at, shop
from tests.support.live import clients, live, told
from tests.support.project import free_ports

pytestmark = pytest.mark.real


async def test_a_lone_copy_is_restarted_and_requests_wait_for_it(tmp_path: Path) -> None:
    port, other = free_ports(2)
    async with live(tmp_path, shop(api=at(port), web=at(other))) as it:
        before = it.pids
        async with clients(it) as asking:
            said = await it.reload(shop(api=at(port, run="A=1 RUN"), web=at(other)))
            await asking.answered(20)
        assert said == [f"restart api:{port}: command", "leave 1 backend alone"]
        assert set(asking.answers) == {before[f"api:{port}"], it.pids[f"api:{port}"]}
        assert it.pids[f"web:{other}"] == before[f"web:{other}"]


async def test_copies_on_fixed_ports_are_restarted_one_after_the_other(tmp_path: Path) -> None:
    ports = free_ports(3)
    text = at(*ports, more=", hold: 0")  # nobody waits: somebody is always there
    async with live(tmp_path, shop(api=text)) as it:
        before = set(it.pids.values())
        async with clients(it):
            await it.reload(shop(api=at(*ports, run="A=1 RUN", more=", hold: 0")))
        assert not before & set(it.pids.values())


async def test_copies_on_free_ports_are_there_before_the_old_ones_go(tmp_path: Path) -> None:
    async with live(tmp_path, shop(api="start: RUN, replicas: 2, hold: 0")) as it:
        [first, second] = it.pids
        async with clients(it) as asking:
            said = await it.reload(shop(api="start: A=1 RUN, replicas: 2, hold: 0"))
            await asking.answered(20)
        [third, fourth] = it.pids
        assert said == [
            f"replace {first} by {third}: command",
            f"replace {second} by {fourth}: command",
        ]
        assert not {first, second} & {third, fourth}
        assert it.registry.leaving == []
        kept = json.loads((tmp_path / "ports.json").read_text())["api"]
        assert [f"api:{port}" for port in kept[:2]] == [third, fourth]


async def test_a_lone_copy_on_a_free_port_is_replaced_without_a_wait(tmp_path: Path) -> None:
    async with live(tmp_path, shop(api="start: RUN, hold: 0")) as it:
        async with clients(it):
            await it.reload(shop(api="start: A=1 RUN, hold: 0"))


async def test_another_name_is_there_before_the_old_one_goes(tmp_path: Path) -> None:
    text = "name: {}, start: RUN, replicas: 1, hold: 0"
    async with live(tmp_path, shop(api=text.format("one"))) as it:
        [one] = it.pids
        async with clients(it):
            said = await it.reload(shop(api=text.format("two")))
        [two] = it.pids
        assert said == [f"replace {one} by {two}: name"]


async def test_another_port_is_there_before_the_old_one_goes(tmp_path: Path) -> None:
    first, second = free_ports(2)
    async with live(tmp_path, shop(api=at(first, more=", hold: 0"))) as it:
        async with clients(it):
            said = await it.reload(shop(api=at(second, more=", hold: 0")))
        assert said == [f"replace api:{first} by api:{second}: address"]
        assert list(it.pids) == [f"api:{second}"]


async def test_one_that_does_not_work_does_not_take_the_place_of_one_that_does(
    tmp_path: Path,
) -> None:
    works, broken = "start: RUN, replicas: 2", 'start: {command: RUN broken, restart: "no"}'
    async with live(tmp_path, shop(api=works)) as it:
        before = it.pids
        async with clients(it):
            it.write(shop(api=f"{broken}, replicas: 2"))
            change = await it.change()
        first, second = told(change)["outcomes"]
        assert first["exit_code"] == 1
        assert f"{min(before)} goes on as it was" in first["sentence"]
        assert second["sentence"].startswith(f"{max(before)} left as it is, because")
        assert it.pids == before
        assert it.registry.leaving == []
        again = await it.change(dry=True)
        assert len(told(again)["plan"]["replace"]) == 2, "there is still something to do"
        assert await it.reload(shop(api=works)) == ["nothing to change"]


async def test_after_the_first_that_fails_the_others_are_left_as_they_are(tmp_path: Path) -> None:
    first, second = free_ports(2)
    broken = '{command: RUN broken, restart: "no"}'
    async with live(tmp_path, shop(api=at(first, second))) as it:
        before = it.pids
        async with clients(it):
            it.write(shop(api=at(first, second, run=broken)))
            for _ in range(2):  # also the second time
                change = await it.change()
                assert [each["exit_code"] for each in told(change)["outcomes"]] == [1, 1]
        assert it.pids[f"api:{second}"] == before[f"api:{second}"]
        assert await it.reload(shop(api=at(first, second))) == ["nothing to change"]


async def test_what_a_restart_has_broken_is_again_what_it_was(tmp_path: Path) -> None:
    [port] = free_ports(1)
    broken = "{command: RUN broken, restart: {policy: on-failure, max_restarts: 1}}"
    async with live(tmp_path, shop(api=at(port))) as it:
        async with clients(it) as asking:
            it.write(shop(api=at(port, run=broken)))
            [outcome] = told(await it.change())["outcomes"]
            await asking.answered(10)
        assert outcome["exit_code"] == 1
        assert "rpx gave up; as it was: " in outcome["sentence"]
        assert outcome["pid"] == it.pids[f"api:{port}"] in asking.answers
        [again] = told(await it.change(dry=True))["plan"]["restart"]
        assert again["differs"] == ["command", "restart"]


async def test_a_new_change_does_not_wait_for_one_that_comes_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpx.changes.transition.PRESSED", 0.1)
    first, second = free_ports(2)
    good = shop(api=at(first), web="start: RUN, replicas: 1")
    hangs = shop(api=at(first, run="sleep 100"), web="start: sleep 100, replicas: 1")
    async with live(tmp_path, good) as it:
        before = it.pids
        it.write(hangs + f"processes: {{w: {{command: sleep 100, ready: {{tcp: {second}}}}}}}")
        change = it.order()
        await it.until(lambda: it.pids.get("w"))
        await it.until(lambda: it.pids[f"api:{first}"] not in (None, before[f"api:{first}"]))
        await it.reload(good)
        assert {each["exit_code"] for each in told(change)["outcomes"]} == {124}
        assert len(told(change)["outcomes"]) == 3
        assert dict(it.pids.items() - before.items()).keys() == {f"api:{first}"}
        async with clients(it) as asking:
            await asking.answered(1)
