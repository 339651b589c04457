"""A second host with the address of a started process comes, goes, and shares its drains."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from tests.changes.written import at, shop
from tests.support.live import Clients, clients, live
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
            stream = await trio.open_tcp_stream("127.0.0.1", it.registry.port)
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
