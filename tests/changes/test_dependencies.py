"""What changes together and depends on one another comes in the right order, and nobody waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.hub.orders import Change
from tests.changes.written import at, shop
from tests.support.live import clients, live
from tests.support.project import free_ports

pytestmark = pytest.mark.real

UNTIL = "until test -e go; do sleep 0.02; done;"


async def test_one_that_runs_is_left_until_what_it_newly_depends_on_is_there(
    tmp_path: Path,
) -> None:
    first, second = free_ports(2)
    async with live(tmp_path, shop(api=at(first))) as it:
        cache, api = at(second, run=f"{{command: {UNTIL} RUN}}"), at(first, run="A=1 RUN")
        it.write(shop(cache=cache, api=f"{api}, depends_on: [cache]"))
        change, before = Change(), it.pids
        async with clients(it) as asking:
            it.registry.mailbox.give.send_nowait(change)
            await it.until(lambda: it.pids.get(f"cache:{second}"))
            await asking.answered(50)
            assert it.pids[f"api:{first}"] == before[f"api:{first}"]
            (tmp_path / "go").touch()
            await change.done.wait()
        assert [each["exit_code"] for each in change.answer["outcomes"]] == [0, 0]
        assert it.pids[f"api:{first}"] != before[f"api:{first}"]


async def test_one_that_runs_goes_on_if_what_it_newly_depends_on_does_not_come(
    tmp_path: Path,
) -> None:
    first, second = free_ports(2)
    async with live(tmp_path, shop(api=at(first))) as it:
        before = it.pids
        cache = at(second, run="{command: exit 3, restart: 'no'}")
        api = at(first, run="A=1 RUN", more=", depends_on: [cache], hold: 0")
        async with clients(it):
            it.write(shop(cache=cache, api=api))
            failed, left = (await it.change()).answer["outcomes"]
        assert (failed["exit_code"], left["exit_code"]) == (1, 1)
        assert left["sentence"].endswith(f"because cache:{second} did not come up")
        assert it.pids[f"api:{first}"] == before[f"api:{first}"]
