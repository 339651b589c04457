"""Several changes are asked for at once: who waits for whom, and who cuts whom short."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.errors import ConfigError, UsageError
from rpx.hub.mailbox import ProjectOrder
from tests.changes.written import at, shop
from tests.support.live import Live, live, told
from tests.support.project import free_ports
from tests.support.running import until

pytestmark = pytest.mark.real

GATED = "{command: until test -e go; do sleep 0.02; done; RUN}"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is cut short has no time left."""
    monkeypatch.setattr("rpx.changes.transition.PRESSED", 0.0)


async def under_way(it: Live, label: str) -> ProjectOrder:
    """Give the order to reload, and return it when a new process of `label` runs."""
    before, order = it.pids[label], it.order()
    await it.until(lambda: it.pids[label] not in (before, None))
    return order


def exit_codes(order: ProjectOrder) -> list[int]:
    return [each["exit_code"] for each in told(order)["outcomes"]]


async def test_looks_and_mistakes_neither_wait_nor_cut_short_what_is_under_way(
    tmp_path: Path,
) -> None:
    first, second, third = free_ports(3)
    async with live(tmp_path, shop(api=at(first, second))) as it:
        new = at(first, second, run=GATED)
        it.write(shop(api=new))
        order = await under_way(it, f"api:{first}")
        it.write(shop(api=new, web=at(third)))
        look = await it.change(dry=True)
        assert told(look)["sentences"] == [f"add web:{third}", "leave 2 backends alone"]
        it.write(shop(api=at(first, second, more=", strateggy: random")))
        assert isinstance((await it.change()).error, ConfigError)
        assert isinstance((await it.change({"nosuch": 3})).error, UsageError)
        assert not order.done.is_set()
        (tmp_path / "go").touch()
        await order.done.wait()
        assert exit_codes(order) == [0, 0]


async def test_the_same_change_once_more_waits_for_the_first(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with live(tmp_path, shop(api=at(port))) as it:
        it.write(shop(api=at(port, run=GATED)))
        order, again = await under_way(it, f"api:{port}"), it.order()
        await until(lambda: again.report, "it has been compared with the first")
        (tmp_path / "go").touch()
        await again.done.wait()
        assert exit_codes(order) == [0]
        assert told(again)["sentences"] == ["nothing to change"]


async def test_changes_are_made_in_the_order_in_which_they_are_asked_for(tmp_path: Path) -> None:
    [port] = free_ports(1)
    api = "start: RUN, replicas: 1"
    async with live(tmp_path, shop(api=api, web=at(port))) as it:
        it.write(shop(api=api, web=at(port, run=GATED)))
        order = await under_way(it, f"web:{port}")
        more = [it.order({"api": count}) for count in (3, 2)]
        await more[1].done.wait()
        assert exit_codes(order) == [124]
        assert more[0].done.is_set()
        assert len(it.registry.pools["api.localhost"].backends) == 2


async def test_what_has_failed_is_again_what_it_was_though_another_change_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpx.changes.transition.PRESSED", 15.0)
    first, second = free_ports(2)
    broken = "{command: until test -e go; do sleep 0.02; done; exit 3, restart: 'no'}"
    async with live(tmp_path, shop(api=at(first))) as it:
        it.write(shop(api=at(first, run=broken)))
        order = await under_way(it, f"api:{first}")
        it.write(shop(api=at(first), web=at(second)))
        other = it.order()
        await until(lambda: other.report, "it waits")
        (tmp_path / "go").touch()
        await other.done.wait()
        [outcome] = told(order)["outcomes"]
        assert "failed" in outcome["sentence"]
        assert "; as it was: " in outcome["sentence"]
        assert told(other)["sentences"] == [f"add web:{second}", "leave 1 backend alone"]
        assert it.backend(f"api:{first}").in_rotation
