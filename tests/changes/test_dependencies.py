"""What changes together and depends on one another comes in the right order, and nobody waits."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from rpx.model.status import State
from rpx.orders import verbs
from rpx.policy.depend import sentence
from tests.changes.written import at, shop
from tests.support.bench import process_of
from tests.support.live import Clients, clients, live, told
from tests.support.places import listening
from tests.support.project import free_ports
from tests.support.running import until

pytestmark = pytest.mark.real

UNTIL = "until test -e go; do sleep 0.02; done;"


async def test_one_that_runs_is_left_until_what_it_newly_depends_on_is_there(
    tmp_path: Path,
) -> None:
    first, second = free_ports(2)
    async with live(tmp_path, shop(api=at(first))) as it:
        cache, api = at(second, run=f"{{command: {UNTIL} RUN}}"), at(first, run="A=1 RUN")
        it.write(shop(cache=cache, api=f"{api}, depends_on: [cache]"))
        before = it.pids
        async with clients(it) as asking:
            change = it.order()
            await it.until(lambda: it.pids.get(f"cache:{second}"))
            await asking.answered(50)
            assert it.pids[f"api:{first}"] == before[f"api:{first}"]
            (tmp_path / "go").touch()
            await change.done.wait()
        assert [each["exit_code"] for each in told(change)["outcomes"]] == [0, 0]
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
            failed, left = told(await it.change())["outcomes"]
        assert (failed["exit_code"], left["exit_code"]) == (1, 1)
        assert "left as it is, because it would wait for cache (failed: " in left["sentence"]
        assert it.pids[f"api:{first}"] == before[f"api:{first}"]


async def test_one_that_runs_is_left_while_an_external_backend_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = free_ports(2)
    db, api = f"from: {second}", at(first, run="A=1 RUN", more=", hold: 0, depends_on: [db]")
    async with live(tmp_path, shop(api=at(first, more=", hold: 0"))) as it:
        before = it.pids[f"api:{first}"]
        monkeypatch.setattr("rpx.orders.verbs.READY_WITHIN", 0.1)
        async with clients(it):
            it.write(shop(api=api, db=db))
            [left] = told(await it.change())["outcomes"]
        assert left["exit_code"] == 1
        assert left["sentence"] == (
            f"api:{first} left as it is, because it would wait for db"
            " (unhealthy: connection refused)"
        )
        assert it.pids[f"api:{first}"] == before
        monkeypatch.setattr("rpx.orders.verbs.READY_WITHIN", 15.0)
        change = it.order()
        await change.taken.wait()
        with listening("127.0.0.1", second):
            await change.done.wait()
        [done] = told(change)["outcomes"]
        assert (done["exit_code"], done["pid"]) == (0, it.pids[f"api:{first}"])
        assert done["pid"] != before


async def test_one_that_depends_on_a_second_host_comes_after_the_process_of_that(
    tmp_path: Path,
) -> None:
    first, second = free_ports(2)
    gated = at(first, run=f"{{command: {UNTIL} RUN}}")

    def text(web: str, api: str) -> str:
        return shop(web=web, apex=f"from: {first}", api=f"{api}, depends_on: [apex]")

    async with live(tmp_path, text(at(first), at(second))) as it:
        before = it.pids
        it.write(text(gated, at(second, run="A=1 RUN")))
        change = it.order()
        await it.until(lambda: it.pids[f"web:{first}"] not in (None, before[f"web:{first}"]))
        assert it.pids[f"api:{second}"] == before[f"api:{second}"]
        (tmp_path / "go").touch()
        await change.done.wait()
        assert [each["exit_code"] for each in told(change)["outcomes"]] == [0, 0]
        assert it.pids[f"api:{second}"] != before[f"api:{second}"]


async def test_a_new_one_waits_for_a_migration_that_has_changed_and_so_do_its_requests(
    tmp_path: Path,
) -> None:
    first, second = free_ports(2)
    job = "processes: {job: {command: %s, oneshot: true}}"
    web = at(second, run="{command: test -e migrated || exit 3; RUN, restart: 'no'}")
    async with live(tmp_path, shop(api=at(first)) + job % "true") as it:
        it.write(
            shop(api=at(first), web=f"{web}, depends_on: {{job: completed}}")
            + job % f"{UNTIL} touch migrated"
        )
        change = it.order()
        await it.until(lambda: it.pids["job"])
        asking, pool = Clients(), it.registry.pools["web.localhost"]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(asking.ask_on, it.registry.ports.http, "web.localhost", "/")
            await until(lambda: pool.waiting or asking.failures, "the request is held")
            assert sentence(it.backend(f"web:{second}").obstacles) == "for job (being changed)"
            (tmp_path / "go").touch()
            await asking.answered(1)
            nursery.cancel_scope.cancel()
        await change.done.wait()
        assert not asking.failures
        assert [each["exit_code"] for each in told(change)["outcomes"]] == [0, 0]


async def test_a_new_one_that_is_stopped_while_it_waits_stays_stopped(tmp_path: Path) -> None:
    first, second = free_ports(2)
    job = "processes: {job: {command: %s, oneshot: true}}"
    async with live(tmp_path, shop(api=at(first)) + job % "true") as it:
        web = at(second, more=", depends_on: {job: completed}")
        it.write(shop(api=at(first), web=web) + job % UNTIL.removesuffix(";"))
        change = it.order()
        await it.until(lambda: it.pids["job"])
        [stopped] = await verbs.stop(it.registry, ["web"])
        assert stopped.sentence == f"web:{second} stopped"
        (tmp_path / "go").touch()
        await change.done.wait()
        [_, outcome] = sorted(each["sentence"] for each in told(change)["outcomes"])
        assert outcome == f"web:{second} was stopped before it could start"
        assert not it.backend(f"web:{second}").has_run


async def test_a_new_one_comes_after_the_new_process_of_a_service_and_not_the_old(
    tmp_path: Path,
) -> None:
    [port] = free_ports(1)
    api = "start: {command: %s RUN}, replicas: 1"
    async with live(tmp_path, shop(api=api % "")) as it:
        web = at(port, run="{command: test -e new || exit 3; RUN}", more=", depends_on: [api]")
        it.write(shop(api=api % f"{UNTIL} touch new;", web=web))
        change = it.order()
        await it.until(lambda: f"web:{port}" in it.pids)
        await it.until(lambda: it.backend(f"web:{port}").state is State.WAITING)
        (tmp_path / "go").touch()
        await change.done.wait()
        assert {each["exit_code"] for each in told(change)["outcomes"]} == {0}
        assert process_of(it.backend(f"web:{port}")).restarts == 0
