"""More and fewer copies while clients ask: new ones join when ready, the last ones drain and go."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.changes.project import Terms
from rpx.model.status import State
from tests.support.live import clients, live, told

pytestmark = pytest.mark.real


def api(replicas: int, more: str = "") -> str:
    return f"proxies:\n  - {{to: api.localhost, start: RUN, replicas: {replicas}{more}}}\n"


async def test_copies_come_and_go_and_no_request_is_lost(tmp_path: Path) -> None:
    async with live(tmp_path, api(2, ", hold: 0")) as it:
        before = it.pids
        async with clients(it) as asking:
            more = await it.change({"api": 4})
            assert len(told(more)["plan"]["add"]) == 2
            assert len(it.pids) == 4
            assert it.pids.items() > before.items()
            await asking.answered(30)
            assert set(asking.answers) == set(it.pids.values())
            fewer = await it.change({"api": 1})
            assert len(told(fewer)["plan"]["remove"]) == 3
        [label] = it.pids
        assert label == min(before), "the last ones go"
        assert it.pids[label] == before[label]
        assert it.registry.leaving == []


async def test_a_copy_that_comes_back_has_the_port_that_it_had(tmp_path: Path) -> None:
    async with live(tmp_path, api(2)) as it:
        labels = list(it.pids)
        await it.change({"api": 1})
        await it.change({"api": 2})
        assert list(it.pids) == labels


async def test_the_number_outlives_a_reload_until_the_file_has_another_one(tmp_path: Path) -> None:
    async with live(tmp_path, api(1), terms=Terms(scale={"api": 2})) as it:
        assert len(it.pids) == 2
        await it.change({"api": 3})
        await it.reload(api(1, ", hold: 3"))
        assert len(it.pids) == 3
        await it.reload(api(2))
        assert len(it.pids) == 2


async def test_what_cannot_be_scaled_changes_nothing(tmp_path: Path) -> None:
    async with live(tmp_path, api(1)) as it:
        change = await it.change({"web": 2})
        assert "there is no service `web` here" in str(change.error)
        assert len(it.pids) == 1


async def test_one_that_does_not_start_is_said(tmp_path: Path) -> None:
    run = "start: {command: test -e one || exit 3; rm one; RUN, restart: 'no'}"
    (tmp_path / "one").touch()
    async with live(tmp_path, f"proxies:\n  - {{to: api.localhost, {run}}}\n") as it:
        change = await it.change({"api": 2})
        [outcome] = told(change)["outcomes"]
        assert outcome["exit_code"] == 1
        assert "failed" in outcome["sentence"]
        async with clients(it):
            pass


async def test_a_scale_that_comes_to_nothing_starts_nothing_later(tmp_path: Path) -> None:
    def shop(start: str, replicas: int) -> str:
        return api(1) + f"  - {{to: web.localhost, start: {start}, replicas: {replicas}}}\n"

    async with live(tmp_path, shop("no-such-program", 1), terms=Terms(names=["api"])) as it:
        await it.until(lambda: it.registry.pools["api.localhost"].backends[0].in_rotation)
        assert "does not exist" in str((await it.change({"web": 2})).error)
        await it.reload(shop("RUN", 2))
        await it.until(
            lambda: all(not each.about_to_start for each in it.registry.backends.values())
        )
        states = [each.state for each in it.registry.pools["web.localhost"].backends]
        assert states == [State.STOPPED, State.STOPPED]


async def test_copies_that_have_read_what_a_oneshot_wrote_are_left_alone(tmp_path: Path) -> None:
    """When the file was loaded, there was none of it."""
    text = f"""\
processes: {{make: {{command: echo A=1 > made.env, cwd: {tmp_path}, oneshot: true}}}}
proxies:
  - to: api.localhost
    start: {{command: RUN, env_file: made.env}}
    replicas: 1
    depends_on: make
"""
    async with live(tmp_path, text) as it:
        before = it.pids
        change = await it.change({"api": 2})
        assert told(change)["plan"]["replace"] == []
        assert it.pids.items() > before.items()
