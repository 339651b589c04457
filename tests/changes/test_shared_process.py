"""A second host with the address of a started process comes, goes, and shares its drains."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from rpx.model.status import State
from rpx.orders import verbs
from tests.changes.written import at, shop
from tests.support.live import Clients, clients, live, told
from tests.support.project import free_ports

pytestmark = pytest.mark.real


async def test_a_second_host_joins_a_process_that_runs(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with live(tmp_path, shop(web=at(port))) as it:
        before = it.pids[f"web:{port}"]
        said = await it.reload(shop(web=at(port), apex=f"from: {port}"))
        assert said == [f"add apex:{port}", "leave 1 backend alone"]
        async with clients(it, "apex.localhost") as asking:
            await asking.answered(5)
        assert set(asking.answers) == {before}


@pytest.mark.parametrize("moves", [False, True])
async def test_a_process_goes_when_the_host_that_left_has_its_answers(
    tmp_path: Path, moves: bool
) -> None:
    port, other = free_ports(2)
    async with live(tmp_path, shop(web=at(port), apex=f"from: {port}")) as it:
        asking = Clients()
        async with trio.open_nursery() as nursery:
            stream = await trio.open_tcp_stream("127.0.0.1", it.registry.ports.http)
            request = b"POST /slow HTTP/1.1\r\nHost: apex.localhost\r\nContent-Length: 0\r\n\r\n"
            nursery.start_soon(asking._ask, stream, request)
            await trio.sleep(0.1)
            assert it.backend(f"apex:{port}").in_flight == 1
            if moves:
                await it.reload(shop(web=at(other), apex=f"from: {other}"))
            else:
                await it.reload(shop(web=at(port, run="{command: RUN, env: {NEW: 1}}")))
            assert (asking.answers.total(), asking.failures) == (1, [])
        await stream.aclose()


async def test_what_was_stopped_is_not_started_for_a_second_host(tmp_path: Path) -> None:
    [port] = free_ports(1)
    async with live(tmp_path, shop(web=at(port))) as it:
        await verbs.stop(it.registry, ["web"])
        await it.reload(shop(web=at(port), apex=f"from: {port}"))
        assert it.backend(f"web:{port}").state is State.STOPPED


async def test_a_process_that_is_new_with_both_hosts_is_told_of_once(tmp_path: Path) -> None:
    first, second = free_ports(2)
    async with live(tmp_path, shop(api=at(first))) as it:
        it.write(shop(api=at(first), web=at(second), apex=f"from: {second}"))
        [outcome] = told(await it.change())["outcomes"]
        assert outcome["sentence"].startswith(f"web:{second} ready (pid ")


async def test_both_hosts_move_to_another_port_and_lose_no_request(tmp_path: Path) -> None:
    port, other = free_ports(2)

    def text(port: int) -> str:
        # An app that is busy for a moment when it begins.
        web = at(port, run="{command: sleep 0.2; RUN}", more=", hold: 0")
        return shop(web=web, apex=f"from: {port}, hold: 0", www=f"from: {port}")

    async with live(tmp_path, text(port)) as it:
        it.registry.pause(it.registry.endpoint(f"www:{port}"))
        async with clients(it, "apex.localhost") as apex, clients(it, "web.localhost") as web:
            said = await it.reload(text(other))
            await apex.answered(20)
            await web.answered(20)
        assert said == [
            f"replace {name}:{port} by {name}:{other}: address" for name in ("web", "apex", "www")
        ]
        assert it.registry.leaving == []
        assert it.backend(f"www:{other}").visible_state is State.PAUSED
        pid = it.pids[f"web:{other}"]
        assert pid in apex.answers
        assert pid in web.answers


async def test_both_hosts_stay_where_they_are_if_the_new_process_does_not_come(
    tmp_path: Path,
) -> None:
    port, other = free_ports(2)
    async with live(tmp_path, shop(web=at(port), apex=f"from: {port}")) as it:
        async with clients(it, "apex.localhost"):
            broken = at(other, run='{command: RUN broken, restart: "no"}')
            it.write(shop(web=broken, apex=f"from: {other}"))
            [outcome] = told(await it.change())["outcomes"]
            assert outcome["exit_code"] == 1
        assert list(it.pids) == [f"web:{port}", f"apex:{port}"]
        assert await it.reload(shop(web=at(port), apex=f"from: {port}")) == ["nothing to change"]
